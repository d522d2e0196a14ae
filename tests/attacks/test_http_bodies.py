"""Attacks on the web server by what is sent: smuggling, bombs, floods, trickles, injected headers."""

import gzip
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.http.call import Call
from scaisend.http.connection import ARRIVAL_TIMEOUT_S, EARLY_BYTES
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import get, post
from tests.base import PlainTestCase
from tests.world.web_client import Answered, Connection, Web, chunk, request


class AttackCase(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.paths: list[str] = []
        self.web = Web(
            [
                post("/v3/mail/send", self.note("send"), permission="mail.send", hot=True, body_limit=200_000),
                post("/open", self.note("open"), public=True),
                get("/admin", self.note("admin"), public=True),
            ]
        )
        self.connection = self.web.connect()

    def note(self, name: str):  # type: ignore[no-untyped-def]
        async def call(call: Call) -> Reply:
            self.paths.append(name)
            return json_reply(len(call.body), 202)

        return call

    def only(self, connection: Connection | None = None) -> Answered:
        replies = (connection or self.connection).replies()
        self.assertEqual(len(replies), 1, replies)
        return replies[0]

    def turn(self) -> None:
        """Everything that waits for the next turn of the reactor ran."""
        for _ in range(2000):
            if self.web.site.open_requests == 0:
                break
            self.web.clock.advance(0)


class SmugglingTest(AttackCase):
    """RFC 9112 11.2: a request whose end two parsers could see in two places is none."""

    HIDDEN = b"GET /admin HTTP/1.1\r\nHost: x\r\n\r\n"

    def refused(self, *lines: str, body: bytes = b"") -> None:
        connection = self.web.connect()
        connection.send("\r\n".join(["POST /open HTTP/1.1", "Host: x", *lines, "", ""]).encode() + body + self.HIDDEN)
        replies = connection.replies()
        self.assertEqual([answered.status for answered in replies], [400], lines)
        self.assertEqual((replies[0].headers["connection"], replies[0].json()["detail"]), ("close", "Bad Request"))
        connection.send(self.HIDDEN)
        self.assertEqual((connection.replies(), self.paths), ([], []), lines)

    def test_two_lengths(self) -> None:
        """Content-Length with Transfer-Encoding, in either order, and two of either, are refused and nothing behind them runs."""
        self.refused("Content-Length: 4", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")
        self.refused("Transfer-Encoding: chunked", "Content-Length: 4", body=b"0\r\n\r\n")
        self.refused("Transfer-Encoding: chunked", "Content-Length: 4", "X-After: them", body=b"0\r\n\r\n")
        self.refused("Content-Length: 0", "Content-Length: 4", body=b"abcd")
        self.refused("Content-Length: 4", "Content-Length: 4", body=b"abcd")
        self.refused("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")

    def test_odd_lengths(self) -> None:
        """Lengths that some read as numbers, and codings that some read as chunked."""
        for value in ("+4", "-4", "4,4", "0x4", "4 4", "", "4.0", "٤"):
            self.refused(f"Content-Length: {value}")
        for value in ("xchunked", "chunked, identity", "identity, chunked", "gzip, chunked", "\x0bchunked", "chunked\x00"):
            self.refused(f"Transfer-Encoding: {value}", body=b"0\r\n\r\n")

    def test_odd_header_lines(self) -> None:
        """Spaces before the colon, no colon, a NUL or a lone CR are refused, wherever in the head they stand."""
        for line in ("Transfer-Encoding : chunked", "nonsense", "X: a\x00b", "X: a\rTransfer-Encoding: chunked", "X\x00: a", ": a"):
            self.refused(line)
            self.refused(line, "X-After: it")

    def test_odd_chunks(self) -> None:
        """Chunk sizes that are no plain hexadecimal number, and chunks that do not end where they say."""
        for body in (b"+5\r\nabcde\r\n0\r\n\r\n", b"0x5\r\nabcde\r\n0\r\n\r\n", b"5 \r\nabcde\r\n0\r\n\r\n", b"-1\r\n\r\n", b"5\r\nabcdefg\r\n0\r\n\r\n", b"zz\r\n", b"5;\x00\r\nabcde\r\n"):
            self.refused("Transfer-Encoding: chunked", body=body)

    def test_odd_request_lines(self) -> None:
        """A request line of another form runs nothing."""
        for line in (b"GET /admin", b"GET  /admin HTTP/1.1", b"GET /admin HTTP/1.1 x", b"GET /a b HTTP/1.1", b"G@T /admin HTTP/1.1", b"\x16\x03\x01"):
            connection = self.web.connect()
            connection.send(line + b"\r\nHost: x\r\n\r\n")
            self.assertEqual(([answered.status for answered in connection.replies()], self.paths), ([400], []), line)

    def test_a_body_is_never_a_request(self) -> None:
        """What stands in a body that was announced stays in it."""
        self.connection.send(request("POST", "/open", body=self.HIDDEN) + request("POST", "/open", Transfer_Encoding="chunked") + chunk(self.HIDDEN) + chunk(b""))
        self.assertEqual((self.paths, [answered.status for answered in self.connection.replies()]), (["open", "open"], [202, 202]))

    @settings(deadline=None, max_examples=150)
    @given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"GET ", b"/admin", b" HTTP/1.1", b"Content-Length: ", b"5", b":", b"\0", b"Transfer-Encoding: chunked", b"x", b"0\r\n\r\n", b"\xff", b" "]), max_size=25))
    def test_any_bytes_are_answered_or_waited_for(self, pieces: list[bytes]) -> None:
        """Whatever comes, the parser raises nothing and every answer is a whole one."""
        connection = self.web.connect()
        connection.send(b"".join(pieces))
        for answered in connection.replies():
            self.assertIn("x-request-id", answered.headers)
        connection.lose()
        self.assertEqual(self.web.site.open_requests, 0)


class FloodTest(AttackCase):
    def test_headers_without_end(self) -> None:
        """Too long a line, too many lines and too much of a head are refused, whole or in pieces."""
        for flood in (b"GET /" + b"a" * 20_000, b"GET /admin HTTP/1.1\r\n" + b"X: y\r\n" * 200, b"GET /admin HTTP/1.1\r\n" + b"X: " + b"y" * 5000 + b"\r\n" + b"X: " + b"y" * 14_000 + b"\r\n\r\n"):
            for step in (100, None):
                connection = self.web.connect()
                connection.send(flood, step=step)
                if not connection.transport.value():
                    connection.send(b"\r\n\r\n")
                self.assertEqual(self.only(connection).status, 400)
        self.assertEqual(self.paths, [])

    def test_chunks_over_the_limit(self) -> None:
        """A chunked body is counted while it arrives: 413 in the middle, whatever the size of its chunks."""
        for size in (1, 1000, 60_000):
            connection = self.web.connect()
            connection.send(request("POST", "/v3/mail/send", Transfer_Encoding="chunked"))
            sent = 0
            while not connection.transport.value() and sent < 400_000:
                connection.send(chunk(b"x" * size) * max(1, 5000 // size))
                sent += size * max(1, 5000 // size)
            self.assertEqual((self.only(connection).status, sent < 300_000), (413, True))
            connection.send(chunk(b"x" * 1000) + chunk(b""))
            self.assertEqual((connection.replies(), self.paths), ([], []))

    def test_one_endless_chunk(self) -> None:
        """A chunk that says it is enormous is counted as it comes."""
        self.connection.send(request("POST", "/v3/mail/send", Transfer_Encoding="chunked") + b"fffffffffffffff\r\n")
        self.connection.send(b"x" * 250_000, step=10_000)
        self.assertEqual(self.only().status, 413)

    def test_endless_chunk_extensions_and_trailers(self) -> None:
        """What is no body is bounded too."""
        head = request("POST", "/open", Transfer_Encoding="chunked")
        for rest in (b"5;" + b"a" * 5000, b"0\r\n" + b"X: y\r\n" * 20_000):
            connection = self.web.connect()
            connection.send(head + rest, step=4096)
            self.assertEqual(self.only(connection).status, 400)

    def test_strangers_hold_no_memory(self) -> None:
        """A hundred strangers who each send what they can before they are refused hold little: reading stops, or what came is dropped."""
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        connections = [self.web.connect() for _ in range(100)]
        for connection in connections:
            connection.send(request("POST", "/v3/mail/send", credential="unknown", Transfer_Encoding="chunked"))
            for _ in range(5):
                connection.send(chunk(b"x" * 30_000))
        self.assertLess(tracemalloc.get_traced_memory()[0], 100 * EARLY_BYTES)
        self.assertEqual({answered.status for connection in connections for answered in connection.replies()}, {401})

    def test_a_trickle_has_an_end(self) -> None:
        """A body that never ends and never pauses long enough to be idle is refused after ARRIVAL_TIMEOUT_S."""
        self.connection.send(request("POST", "/v3/mail/send", Transfer_Encoding="chunked"))
        for _ in range(ARRIVAL_TIMEOUT_S):
            self.connection.send(chunk(b"x"))
            self.web.clock.advance(1)
        self.assertEqual((self.only().status, self.paths, self.web.site.open_requests), (408, [], 0))


class BombTest(AttackCase):
    def test_a_bomb_is_refused(self) -> None:
        """A small body that unpacks to far more than its limit is a 413, and never held whole."""
        bomb = gzip.compress(b"\0" * 40_000_000)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.connection.send(request("POST", "/v3/mail/send", body=bomb, Content_Encoding="gzip"))
        self.turn()
        self.assertEqual((self.only().status, self.paths), (413, []))
        self.assertLess(tracemalloc.get_traced_memory()[1], 4_000_000)

    def test_a_stranger_makes_nobody_unpack(self) -> None:
        """Without a known credential a packed body is refused unopened: even garbage is a 401."""
        self.connection.send(request("POST", "/v3/mail/send", body=b"no gzip", credential="unknown", Content_Encoding="gzip"))
        self.assertEqual(self.only().status, 401)

    def test_others_are_served_while_a_body_is_unpacked(self) -> None:
        """Unpacking gives way: a request that comes meanwhile is answered first."""
        self.connection.send(request("POST", "/open", body=gzip.compress(b"\0" * 3_900_000), Content_Encoding="gzip"))
        self.assertEqual(self.connection.replies(), [])
        self.assertEqual(self.web.ask("GET", "/admin").status, 202)
        self.turn()
        self.assertEqual((self.only().json(), self.paths), (3_900_000, ["admin", "open"]))

    def test_broken_packing(self) -> None:
        """A body that is no gzip, or cut short, is a 400."""
        for body in (b"hello", gzip.compress(b"hello" * 100)[:-4]):
            self.connection.send(request("POST", "/open", body=body, Content_Encoding="gzip"))
            self.assertEqual(self.only().status, 400)


class InjectionTest(AttackCase):
    def test_request_ids_of_others_are_checked(self) -> None:
        """An X-Request-Id that could break a header, a log line or a page is replaced by one of ours."""
        for value in ("a b", "<script>", "a" * 200, "x\ty", "é", "a;b", "%0d%0aX: y"):
            answered = self.web.ask("GET", "/admin", X_Request_Id=value)
            self.assertRegex(answered.headers["x-request-id"], r"^made-\d+$")
        folded = self.web.connect()
        folded.send(b"GET /admin HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\n Set-Cookie: b=c\r\n\r\n")
        answered = self.only(folded)
        self.assertNotIn("set-cookie", answered.headers)
        self.assertRegex(answered.headers["x-request-id"], r"^made-\d+$")

    def test_two_authorizations_are_none(self) -> None:
        """A request with two credentials is one with a bad credential."""
        raw = request("POST", "/v3/mail/send").replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer other\r\n\r\n")
        self.connection.send(raw)
        self.assertEqual(self.only().status, 401)

    def test_every_answer_has_a_request_id(self) -> None:
        """Also those to what could not be read."""
        self.connection.send(b"nonsense\r\n\r\n")
        self.assertIn("x-request-id", self.only().headers)
