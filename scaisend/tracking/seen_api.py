"""/t/o and /t/c: the pixel and the links of mails. No login, and no waiting: what they tell is recorded behind the answer."""

from typing import Protocol

from scaisend.faults import Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.reply import Reply
from scaisend.http.route import Route, get
from scaisend.tracking.personal import OPEN, Named, read_token
from scaisend.tracking.pixel import GIF
from scaisend.tracking.targets import location, read_link
from scaisend.tracking.verdict import LONGEST_AGENT, Click, Sighting, told_by_request

NO_STORE = (
    ("Cache-Control", "no-store, no-cache, must-revalidate, private, max-age=0"),
    ("Pragma", "no-cache"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex, nofollow"),
)
PIXEL = Reply(200, GIF, "image/gif", (*NO_STORE, ("Cross-Origin-Resource-Policy", "cross-origin")))


class Notes(Protocol):
    """Who records what was seen."""

    def note(self, sighting: Sighting) -> None: ...


class SeenApi:
    """The pixel and the links. `key` signs their tokens."""

    def __init__(self, *, key: bytes, sightings: Notes) -> None:
        self._key = key
        self._sightings = sightings

    def routes(self) -> list[Route]:
        return [
            get("/t/o/<token>.gif", self.open, public=True, limit=None, summary="The open pixel: always the same image; tells of an open"),
            get("/t/c/<token>", self.click, public=True, limit=None, summary="A tracked link: leads to `u`, which its token signs; tells of a click"),
        ]

    async def open(self, call: Call) -> Reply:
        """The image, whoever asks for it."""
        named = read_token(self._key, call.path["token"], (OPEN,))
        if named is not None:
            self._sightings.note(_sighting(call, named))
        return PIXEL

    async def click(self, call: Call) -> Reply:
        """302 to the target. Raises: NotFound when the token is none of ours; Invalid when `u` is not the target that it signs."""
        followed = read_link(self._key, call.path["token"])
        if followed is None:
            raise NotFound("not found")
        target = call.one("u")
        if target is None or not followed.leads_to(target):
            raise Invalid("This link was altered; it leads nowhere.", "u")
        try:
            leads_to = location(target)
        except ValueError:
            raise Invalid("This link leads to no web address.", "u") from None
        self._sightings.note(_sighting(call, followed.named, Click(target, followed.number, followed.in_text)))
        return Reply(302, b"", "text/plain; charset=utf-8", (("Location", leads_to), *NO_STORE))


def _sighting(call: Call, named: Named, click: Click | None = None) -> Sighting:
    agent = call.headers.get("user-agent", "")[:LONGEST_AGENT]
    return Sighting(named, call.now_s, agent, call.remote, told_by_request(call.method, call.headers), click)
