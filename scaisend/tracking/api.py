"""/t/u/<token>: the way out of a mail. No login: the token is the permission. A GET changes nothing, for scanners follow links."""

from collections.abc import Callable

from scaisend.faults import NotFound
from scaisend.http.call import Call
from scaisend.http.reply import Reply
from scaisend.http.route import Route, get, post
from scaisend.ids import IdMaker
from scaisend.storage.database import Database
from scaisend.tracking.optout import ONE_CLICK, PAGE, Choices, choices, choose, unsubscribe
from scaisend.tracking.personal import PREFERENCES, Named, read_token
from scaisend.tracking.unsubscribe import Pages, read_form

PATH = "/t/u/<token>"
HTML = "text/html; charset=utf-8"
LONGEST_AGENT = 512
HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex, nofollow"),
)


class UnsubscribeApi:
    """The page behind List-Unsubscribe and the tags. `key` signs the tokens."""

    def __init__(self, *, database: Database, ids: IdMaker, key: bytes, now_s: Callable[[], float]) -> None:
        self._database = database
        self._ids = ids
        self._key = key
        self._now_s = now_s
        self._pages = Pages()

    def routes(self) -> list[Route]:
        return [
            get(PATH, self.show, public=True, limit=None, summary="The unsubscribe page; changes nothing"),
            post(PATH, self.take, public=True, limit=None, summary="Unsubscribe (RFC 8058), or save preferences"),
        ]

    async def show(self, call: Call) -> Reply:
        """The question or the choices; 404 as a page for a token that is none."""
        named = read_token(self._key, call.path["token"])
        found = await self._database.read(choices, named) if named else None
        if named is None or found is None:
            return _page(self._pages.gone(), 404)
        return _page(self._pages.ask(named.purpose, found))

    async def take(self, call: Call) -> Reply:
        """200 when it is so, at once; a post that asks for nothing gets the page again. Raises: NotFound when one click names nobody."""
        named = read_token(self._key, call.path["token"])
        if named is None:
            return _page(self._pages.gone(), 404)
        form = read_form(call.headers.get("content-type", ""), call.body)
        if form.is_one_click and named.purpose != PREFERENCES:
            return _one_click(await self._out(named, ONE_CLICK, call))
        if form.action == "preferences" and named.purpose == PREFERENCES:
            chosen = await self._database.run(choose, self._ids, named, form.groups, self._now_s(), all_mail=not form.no_mail, seen=_seen(call))
            return _page(self._pages.preferences(chosen, saved=True)) if chosen else _page(self._pages.gone(), 404)
        if form.action in ("unsubscribe", "all") and named.purpose != PREFERENCES:
            found = await self._out(named, PAGE, call, from_all=form.action == "all")
            return _page(self._pages.done(named.purpose, found)) if found else _page(self._pages.gone(), 404)
        return await self.show(call)

    async def _out(self, named: Named, how: str, call: Call, *, from_all: bool = False) -> Choices | None:
        return await self._database.run(unsubscribe, self._ids, named, self._now_s(), how, from_all=from_all, seen=_seen(call))


def _seen(call: Call) -> dict[str, str]:
    """Who asked, as the event tells it: with one click that is the mail service's machine."""
    found = {"ip": call.remote, "useragent": call.headers.get("user-agent", "")[:LONGEST_AGENT]}
    return {name: value for name, value in found.items() if value}


def _page(text: str, status: int = 200) -> Reply:
    return Reply(status, text.encode(), HTML, HEADERS)


def _one_click(found: Choices | None) -> Reply:
    """What a mail client's machine is told, and nobody reads."""
    if found is None:
        raise NotFound("not found")
    return Reply(200, b"unsubscribed\n", "text/plain; charset=utf-8", HEADERS)
