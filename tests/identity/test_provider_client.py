"""The provider's API: how long it is waited for, and what its answers mean."""

from collections.abc import Mapping
from typing import Any

import orjson

from scaisend.faults import Forbidden, Unavailable
from scaisend.http.outgoing import Answer, NotAnswered
from scaisend.identity.directory_client import DirectoryClient, StalePlace
from scaisend.identity.provider_client import LONGEST_WAIT_S, ProviderClient, refusal, retry_after_s
from scaisend.identity.registration_client import Credentials, Standing, read_standing
from tests.base import PlainTestCase
from tests.world.tenants import now

NOW = 1_800_000_000.0


class Says:
    """Answers one after the other; `sent` is what was asked."""

    def __init__(self, *answers: Answer | NotAnswered) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str, Mapping[str, str]]] = []

    async def request(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float, *, body_most: int = 0) -> Answer:
        self.sent.append((method, url, headers))
        answer = self.answers.pop(0)
        if isinstance(answer, NotAnswered):
            raise answer
        return answer


def says(status: int, given: object = None, **headers: str) -> Answer:
    return Answer(status, orjson.dumps({} if given is None else given), {name.replace("_", "-"): value for name, value in headers.items()})


class ProviderCase(PlainTestCase):
    def client(self, *answers: Answer | NotAnswered) -> ProviderClient:
        self.outgoing, self.waits = Says(*answers), list[float]()

        async def wait(seconds: float) -> None:
            self.waits.append(seconds)

        return ProviderClient(
            outgoing=self.outgoing, api_url="https://id.test/", wait=wait, jitter=lambda: 1.0, now_s=lambda: NOW, told=lambda text: None,
        )

    def ask(self, client: ProviderClient) -> tuple[int, Mapping[str, object]]:
        return now(self, client.ask("GET", "/x"))


class ProviderClientTests(ProviderCase):
    def test_waits(self) -> None:
        """As Retry-After says, but not for ever; else longer each time; six times, then it is away."""
        client = self.client(
            says(429, retry_after="7"), says(503), NotAnswered("reset"), says(500, retry_after="Fri, 15 Jan 2027 08:00:30 GMT"), says(502, retry_after="9999"), says(200, {"a": 1}),
        )
        self.assertEqual(self.ask(client), (200, {"a": 1}))
        self.assertEqual(self.waits, [7.0, 2.0, 4.0, 30.0, LONGEST_WAIT_S])
        self.assertEqual(self.outgoing.sent[0][:2], ("GET", "https://id.test/x"))
        client = self.client(*[says(503)] * 6)
        self.assertRaisesRegex(Unavailable, "503; try again later", self.ask, client)
        self.assertEqual(self.waits, [1.0, 2.0, 4.0, 8.0, 16.0])

    def test_what_is_no_answer(self) -> None:
        """A page instead of JSON is not taken for one; a refusal may be without words."""
        self.assertRaisesRegex(Unavailable, "SCAIKEY_API_URL", self.ask, self.client(Answer(200, b"<html>", {})))
        self.assertRaises(Unavailable, self.ask, self.client(says(200, [1])))
        self.assertEqual(self.ask(self.client(Answer(404, b"<html>", {}))), (404, {}))

    def test_retry_after(self) -> None:
        """Seconds or a date; a date that is past asks for no wait; anything else asks for nothing."""
        values = ("120", "Fri, 15 Jan 2027 08:02:00 GMT", "Fri, 15 Jan 2021 08:02:00 GMT", "soon", "-1", "1.5", "", "²", None)
        self.assertEqual([retry_after_s(each, NOW) for each in values], [120.0, 120.0, 0.0, None, None, None, None, None, None])

    def test_words_of_a_refusal(self) -> None:
        """The provider's own, in one line and not too long."""
        for given, words in (({"error": "x", "message": "bad\nline"}, ": badline"), ({"error": {"message": "deep"}}, ": deep"), ({}, ""), ({"error": [1]}, "")):
            self.assertEqual(str(refusal(400, given, "it")), f"the identity provider refused it (400){words}")
        self.assertLess(len(str(refusal(400, {"error": "x" * 9_999}, "it"))), 400)


class DirectoryClientTests(ProviderCase):
    def directory(self, *answers: Answer) -> DirectoryClient:
        self.tokens = iter(("first", "second", "third"))
        self.token = next(self.tokens)

        async def token() -> str:
            return self.token

        def renew() -> None:
            self.token = next(self.tokens)

        return DirectoryClient(client=self.client(*answers), token=token, renew=renew)

    def page(self, directory: DirectoryClient, **more: Any) -> Any:
        return now(self, directory.page("users", **{"place": None, "since": None, **more}))

    def test_pages(self) -> None:
        """The place, the moment and the token are sent; a token that is refused is renewed once."""
        directory = self.directory(says(401), says(200, {"data": [1], "next_cursor": "b", "total": 3}))
        page = self.page(directory, place="a&=", since=NOW)
        self.assertEqual((page.things, page.following, page.total), ((1,), "b", 3))
        _, url, headers = self.outgoing.sent[1]
        self.assertEqual(url, "https://id.test/api/v1/admin/users?limit=200&updated_since=2027-01-15T08%3A00%3A00Z&cursor=a%26%3D")
        self.assertEqual(headers["Authorization"], "Bearer second")
        self.assertRaises(Forbidden, self.page, self.directory(says(401), says(401)))

    def test_other_answers(self) -> None:
        """What may not be seen, what is forgotten, what goes round in circles, and what is no page."""
        self.assertIsNone(self.page(self.directory(says(403))))
        self.assertRaises(StalePlace, self.page, self.directory(says(400)), place="old")
        self.assertRaises(Forbidden, self.page, self.directory(says(400)))
        self.assertRaises(Unavailable, self.page, self.directory(says(200, {"data": [], "next_cursor": "a"})), place="a")
        for given in ({}, {"data": {}}, {"data": [], "next_cursor": 1}):
            self.assertRaises(Unavailable, self.page, self.directory(says(200, given)))

    def test_members(self) -> None:
        """All pages of a group, whose id may hold anything."""
        directory = self.directory(says(200, {"data": ["a"], "next_cursor": "2"}), says(200, {"data": ["b"]}))
        self.assertEqual(now(self, directory.members("g/1?")), ["a", "b"])
        self.assertIn("/groups/g%2F1%3F/members?limit=200&cursor=2", self.outgoing.sent[1][1])


class StandingTests(PlainTestCase):
    def test_forms(self) -> None:
        """Credentials at once, or nested; a request to wait for; each other state with its reason."""
        given = Credentials("c", "s", "w")
        flat = {"client_id": "c", "client_secret": "s", "webhook_secret": "w"}
        for answer, standing in (
            (flat, Standing("APPROVED", given)), ({"status": "approved", "credentials": flat}, Standing("APPROVED", given)), ({"data": flat}, Standing("APPROVED", given)),
            ({"status": "PENDING", **flat}, Standing("PENDING")), ({"status": "APPROVED", "client_id": "c"}, Standing("APPROVED")),
            ({"request_id": "r", "status_token": "t", "poll_interval": 9}, Standing("PENDING", None, "r", "t", None, 9.0)),
            ({"status": "REJECTED", "reason": "no\x1b[31m"}, Standing("REJECTED", None, None, None, "no[31m")),
        ):
            self.assertEqual(read_standing(answer), standing)

    def test_what_is_none(self) -> None:
        """No state, an unknown one, or credentials that would break a line of the env file."""
        for answer in ({}, {"status": "MAYBE"}, {"client_id": "c", "client_secret": "a\nb"}, {"status": "PENDING", "request_id": 1}):
            self.assertRaises(Unavailable, read_standing, answer)

    def test_secrets_are_not_shown(self) -> None:
        """In what a log may print of them."""
        self.assertNotIn("hidden", repr(Standing("APPROVED", Credentials("c", "hidden", "hidden"), "r", "hidden")))
