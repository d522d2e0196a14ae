from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid
from scaisend.http.reply import Reply, json_reply
from scaisend.http.wire import head, header_map, is_sound_request_id, path_text, path_values, plain_head, query_values
from scaisend.storage.limiter import Verdict
from tests.base import PlainTestCase


def written(reply: Reply, verdict: Verdict | None = None, close: bool = False) -> bytes:
    return head(reply, request_id="r", verdict=verdict, date="D", close=close)


class ReadTest(PlainTestCase):
    def test_paths_are_decoded_by_segment(self) -> None:
        """Escaped and raw forms are the same text; an escaped slash stays inside its segment."""
        for raw in (b"/x/a+b@c.d", b"/x/a%2Bb%40c.d", b"/x/a%2bb@c.d"):
            self.assertEqual(path_text(raw), "/x/a+b@c.d")
        text = path_text(b"/x/a%2Fb")
        self.assertEqual(text.count("/"), 2)
        self.assertEqual(path_values({"it": text.rpartition("/")[2], "n": 5}), {"it": "a/b", "n": "5"})

    def test_broken_paths_are_invalid(self) -> None:
        """A path that is no UTF-8, or holds a NUL, is a 400."""
        for raw in (b"/%ff", b"/\xff", b"/%00", b"/%ed%b0%af"):
            with self.assertRaises(Invalid):
                path_text(raw)
        self.assertEqual(path_text("/é%".encode()), "/é%")

    def test_queries(self) -> None:
        """All values in order, blank ones kept; broken or endless ones are a 400."""
        self.assertEqual(query_values(b"a=1&b=&a=2&c=x+y%40z"), {"a": ["1", "2"], "b": [""], "c": ["x y@z"]})
        for raw in (b"a=%ff", b"\xff", b"a=1&" * 3000):
            with self.assertRaises(Invalid):
                query_values(raw)

    def test_headers(self) -> None:
        """Names in lower case, repeated ones joined."""
        self.assertEqual(header_map([(b"X-A", [b"1", b"2"]), (b"ETag", [b"\xe9"])]), {"x-a": "1, 2", "etag": "é"})

    def test_request_ids(self) -> None:
        """Only short and plain ids of others are used."""
        self.assertTrue(is_sound_request_id("a-B_9.c"))
        for text in ("", "a b", "a\nb", "é", "a" * 129, "a\n", "<x>"):
            self.assertFalse(is_sound_request_id(text))


class PlainTest(PlainTestCase):
    GOOD = b"POST /v3/mail/send?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nX-Empty:\r\nConnection: keep-alive\r\n\r\nabc"

    def test_a_plain_request(self) -> None:
        """What nearly every client sends is taken in one step, its body whole or begun."""
        plain = plain_head(self.GOOD)
        assert plain is not None
        self.assertEqual((plain.method, plain.uri, plain.length, plain.body), (b"POST", b"/v3/mail/send?a=b", 3, b"abc"))
        self.assertEqual(plain.headers, {"host": "x", "content-length": "3", "x-empty": "", "connection": "keep-alive"})
        begun = plain_head(self.GOOD[:-2])
        assert begun is not None
        self.assertEqual((begun.length, begun.body), (3, b"a"))

    def test_all_others_are_left_to_the_parser(self) -> None:
        """Anything that parsers could differ about, or that asks for more, is not plain."""
        for old, new in (
            (b"POST", b"HEAD"), (b"POST", b"post"), (b"HTTP/1.1", b"HTTP/1.2"), (b"?a=b", b" x"), (b"Host: x", b"Host : x"), (b"Host: x", b"Host"),
            (b"Host: x", b" Host: x"), (b"Host: x", b"Host: x\r\n y"), (b"Host: x", b"Host: x\x00"), (b"Host: x", b"Host: x\ry"), (b"Host: x", b"Host: x\ny"),
            (b"Host: x", b"content-length: 3"), (b"Host: x", b"Transfer-Encoding: identity"), (b"Host: x", b"Expect: 100-continue"),
            (b"Host: x", b"Upgrade: h2c"), (b"keep-alive", b"close"), (b"Length: 3", b"Length: +3"), (b"Length: 3", b"Length: 3,3"), (b"Length: 3", b"Length: \xb3"),
            (b"Length: 3", b"Length: "), (b"Length: 3", b"Length: 1234567890"), (b"abc", b"abcd"), (b"\r\n\r\n", b"\r\n"), (b"\r\n", b"\n"),
            (b"Host: x", b"X: " + b"y" * 17_000), (b"Host: x", b"\r\n".join(b"X-%d: y" % n for n in range(101))),
        ):
            self.assertIsNone(plain_head(self.GOOD.replace(old, new, 1) if old != b"\r\n" else self.GOOD.replace(old, new)), new)


    def test_old_clients_are_plain_when_they_keep_the_connection(self) -> None:
        """HTTP/1.0 is read in one step only with keep-alive, which it must ask for."""
        old = self.GOOD.replace(b"HTTP/1.1", b"HTTP/1.0")
        found = plain_head(old)
        assert found is not None
        self.assertEqual(found.version, b"HTTP/1.0")
        self.assertIsNone(plain_head(old.replace(b"Connection: keep-alive\r\n", b"")))
        self.assertIn(b"Connection: keep-alive\r\n", head(Reply(202), request_id="r", verdict=None, date="D", close=False, keep=True))


class HeadTest(PlainTestCase):
    def test_a_whole_head(self) -> None:
        """Status line, the door's headers, the reply's own."""
        text = written(json_reply({}, 201, [("Location", "/é")]), Verdict(True, 10, 9, 99.5, 0), close=True).decode()
        self.assertEqual(
            text,
            "HTTP/1.1 201 Created\r\nDate: D\r\nX-Request-Id: r\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            "X-RateLimit-Limit: 10\r\nX-RateLimit-Remaining: 9\r\nX-RateLimit-Reset: 99\r\nConnection: close\r\nLocation: /é\r\n\r\n",
        )

    def test_bodiless_statuses_have_no_length(self) -> None:
        """204 and 304 say nothing of a body; an empty 202 has the length 0 and no type."""
        self.assertNotIn(b"Content-", written(Reply(204)))
        self.assertNotIn(b"Content-", written(Reply(304)))
        self.assertIn(b"Content-Length: 0\r\n", written(Reply(202)))
        self.assertNotIn(b"Content-Type", written(Reply(202)))

    @settings(deadline=None)
    @given(st.text(), st.sampled_from("\r\n\0"), st.text(), st.sampled_from(["name", "value", "type"]))
    def test_no_header_breaks_out(self, before: str, bad: str, after: str, where: str) -> None:
        """A line break in a name, a value or the content type is an error, never a second header."""
        text = before + bad + after
        reply = Reply(200, b"x", text) if where == "type" else Reply(200, b"x", headers=((text, "v"),) if where == "name" else (("N", text),))
        with self.assertRaises(ValueError):
            written(reply)
