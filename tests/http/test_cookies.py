from scaisend.faults import Forbidden
from scaisend.http.call import Call
from scaisend.http.cookies import CookieSession, cookie, set_cookie
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import get, post
from tests.base import PlainTestCase
from tests.world.web_client import Web


async def who(call: Call) -> Reply:
    return json_reply({"key": call.caller.credential_id})


class Cookies(PlainTestCase):
    def test_read(self) -> None:
        """The first cookie of the name counts; other names, and what is no cookie, are passed over."""
        for header, value in (
            ("a=1", "1"), ("b=2; a=1; a=3", "1"), ('a="1"', "1"), ("aa=2;a=1=1", "1=1"), (None, None), ("", None), ("a", None), ("a=", None), ("A=1", None),
        ):
            self.assertEqual(cookie(header, "a"), value, header)

    def test_written(self) -> None:
        """Scripts do not see it, and it goes over TLS alone where the console does."""
        self.assertEqual(
            set_cookie("a", "b", max_age_s=60, is_secure=True)[1], "a=b; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure",
        )
        self.assertNotIn("Secure", set_cookie("a", "b", max_age_s=60, is_secure=False, same_site="Lax")[1])


class Sessions(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.web = Web([get("/who", who), post("/who", who)], session=CookieSession("https://console.test/x"))
        self.cookie = "__Host-scaisend_session=good"

    def status(self, method: str, credential: str | None = None, **headers: str) -> int:
        return self.web.ask(method, "/who", credential=credential, **headers).status

    def test_reads(self) -> None:
        """The cookie is a credential as good as the header, which wins over it."""
        self.assertEqual(self.status("GET", cookie=self.cookie), 200)
        self.assertEqual(self.status("GET", cookie="scaisend_session=good"), 401)
        self.assertEqual(self.status("GET", cookie="__Host-scaisend_session=bad"), 401)
        self.assertEqual(self.status("GET", "bad", cookie=self.cookie), 401)
        self.assertEqual(self.status("GET"), 401)

    def test_writes_come_from_our_pages(self) -> None:
        """A write by cookie counts from our own pages alone; one by header needs nothing more."""
        ours = "https://console.test"
        for headers, status in (
            ({"sec_fetch_site": "same-origin"}, 200), ({"origin": ours}, 200), ({"origin": ours, "sec_fetch_site": "same-origin"}, 200),
            ({}, 403), ({"origin": "null"}, 403), ({"origin": ours + ".evil.test"}, 403), ({"origin": "http://console.test"}, 403),
            ({"sec_fetch_site": "same-site"}, 403), ({"sec_fetch_site": "cross-site", "origin": ours}, 403), ({"sec_fetch_site": "none"}, 403),
        ):
            self.assertEqual(self.status("POST", cookie=self.cookie, **headers), status, headers)
        self.assertEqual(self.status("POST", "good", cookie=self.cookie, origin="https://evil.test"), 200)

    def test_large_bodies(self) -> None:
        """A write that another site has made is refused before its body was read."""
        connection = self.web.connect()
        connection.send(f"POST /who HTTP/1.1\r\nHost: x\r\nCookie: {self.cookie}\r\nContent-Length: 900000\r\n\r\n".encode())
        self.assertEqual([each.status for each in connection.replies()], [403])

    def test_http(self) -> None:
        """Without TLS the cookie has no prefix, for browsers would not take it."""
        session = CookieSession("http://localhost:8000")
        self.assertEqual((session.name, session.origin, session.is_secure), ("scaisend_session", "http://localhost:8000", False))
        self.assertRaises(Forbidden, session.refuse_others, {})
