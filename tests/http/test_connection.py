import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.testing import StringTransport
from zope.interface import directlyProvides

from scaisend.http.call import Call
from scaisend.http.connection import ARRIVAL_TIMEOUT_S, EARLY_BYTES, LINGER_S
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import get, post
from scaisend.http.site import IDLE_TIMEOUT_S
from tests.base import PlainTestCase
from tests.world.web_client import Web, chunk, request

METHODS = st.sampled_from(["GET", "POST", "POST", "HEAD", "get", "OPTIONS", "P@ST"])
PATHS = st.sampled_from(["/open", "/open", "/small", "/v3/mail/send", "/nothing", "/open?a=b", "/é", "/%ff", "/a b", ""])
LINES = st.lists(
    st.sampled_from(
        [
            "X-Odd: \x01", "X-Tab:\ta\t", "X-Empty:", "x-a: 1", "X-A: 2", " folded", "\tfolded", "nonsense", "X Y: z", "Connection: close",
            "Connection: Keep-Alive", "Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Content-Length: 3", "Content-Length: +3",
            "Content-Length: 03", "Authorization: Bearer good", "Authorization: Basic x", "X-Request-Id: r", "Content-Encoding: br", "X:\x7f",
            "X-High: \xe9", "X: a\rb", "X: a\nb", "X\x00: b", ":", "Expect: 100-continue-not",
        ]
    ),
    max_size=5,
)
BODIES = st.sampled_from(["", "abc", "3\r\nabc\r\n0\r\n\r\n", "abcd", "x" * 101, "\r\n", "GET /open HTTP/1.1\r\n\r\n"])
ODD_REQUESTS = st.builds(
    lambda method, path, version, lines, end, body: "\r\n".join(
        [f"{method} {path} {version}", "X-Request-Id: same", *lines, *([f"Content-Length: {len(body)}"] if end else []), "", body]
    ).encode("latin-1"),
    METHODS, PATHS, st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2"]), LINES, st.booleans(), BODIES,
)


class ConnectionCase(PlainTestCase):
    """A connection to a site with one route of each kind."""

    def setUp(self) -> None:
        super().setUp()
        self.bodies: list[bytes] = []
        self.waiting: Deferred[None] | None = None
        self.web = Web(
            [
                get("/slow", self.slow, public=True),
                post("/v3/mail/send", self.keep, permission="mail.send", hot=True, body_limit=1_000_000),
                post("/small", self.keep, body_limit=100),
                post("/forbidden", self.keep, permission="domains.write"),
                post("/open", self.keep, public=True),
            ]
        )
        self.connection = self.web.connect()

    async def keep(self, call: Call) -> Reply:
        self.bodies.append(call.body)
        return json_reply(len(call.body), 202)

    async def slow(self, call: Call) -> Reply:
        self.waiting = Deferred()
        await self.waiting
        return json_reply("slow")


class ConnectionTest(ConnectionCase):
    def test_any_cut_of_the_bytes_is_the_same_request(self) -> None:
        """A request may arrive in pieces of any size."""
        for step in (1, 2, 3, 7, 50, 10_000):
            self.connection.send(request("POST", "/v3/mail/send", body=b"x" * 300), step=step)
            self.assertEqual([answered.json() for answered in self.connection.replies()], [300])

    @settings(deadline=None, max_examples=300, report_multiple_bugs=False)
    @given(ODD_REQUESTS, st.integers(0, 400))
    def test_the_short_way_and_the_long_way_agree(self, raw: bytes, cut: int) -> None:
        """Whole, in two pieces, or byte by byte: any request, plain or odd, has the same answers and reaches the same handlers."""
        seen = []
        for pieces in ([raw], [raw[:cut], raw[cut:]], [raw[at : at + 1] for at in range(len(raw))]):
            self.bodies.clear()
            connection = self.web.connect()
            for piece in pieces:
                connection.send(piece)
            answers = re.sub(rb"made-\d+", b"made", connection.transport.value())
            seen.append((answers, list(self.bodies), bool(connection.channel.is_refused)))
            connection.lose()
        self.assertEqual(seen[0], seen[2])
        self.assertEqual(seen[1], seen[2])
        # The one timer is that of the connection which setUp made.
        self.assertEqual((self.web.site.open_requests, len(self.web.clock.getDelayedCalls())), (0, 1))

    def test_pipelined_requests_are_answered_in_order(self) -> None:
        """Requests sent without waiting get their answers in order, the slow one first."""
        self.connection.send(request("GET", "/slow") + request("POST", "/open", body=b"ab") + request("GET", "/nothing"))
        self.assertEqual(self.connection.replies(), [])
        assert self.waiting is not None
        self.waiting.callback(None)
        self.assertEqual([answered.status for answered in self.connection.replies()], [200, 202, 404])

    def test_a_client_that_leaves_does_no_harm(self) -> None:
        """The handler of a client that left goes on to its end, and nothing is logged."""
        self.connection.send(request("GET", "/slow"))
        self.connection.lose()
        assert self.waiting is not None
        self.waiting.callback(None)
        self.assertEqual(self.web.site.open_requests, 0)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_chunked_bodies(self) -> None:
        """A chunked body is put together."""
        head = request("POST", "/open", Transfer_Encoding="chunked")
        self.connection.send(head + chunk(b"abc") + chunk(b"de") + chunk(b""), step=5)
        self.assertEqual(self.bodies, [b"abcde"])

    def test_closing_is_said_and_done(self) -> None:
        """Connection: close and HTTP/1.0 end the connection after the answer, which says so."""
        for raw in (request("POST", "/open", body=b"a", Connection="close"), request("POST", "/open", body=b"a").replace(b"HTTP/1.1", b"HTTP/1.0")):
            connection = self.web.connect()
            connection.send(raw)
            self.assertEqual(connection.replies()[0].headers["connection"], "close")
            self.assertTrue(connection.transport.disconnecting)

    def test_nagle_is_off(self) -> None:
        """Answers leave at once."""
        noted: list[bool] = []
        transport = StringTransport()
        directlyProvides(transport, ITCPTransport)
        transport.setTcpNoDelay = noted.append  # type: ignore[attr-defined]
        channel = self.web.site.buildProtocol(None)
        channel.makeConnection(transport)
        self.assertEqual(noted, [True])


class EarlyTest(ConnectionCase):
    """What is decided before the body came."""

    def test_a_length_over_the_limit_is_refused_before_the_body(self) -> None:
        """413 as soon as the head is there; what still comes is dropped, and the connection ends soon."""
        self.connection.send(request("POST", "/v3/mail/send", Content_Length="1000001"))
        answered = self.connection.replies()[0]
        self.assertEqual((answered.status, answered.phrase, answered.json()["detail"]), (413, "Content Too Large", "content too large"))
        self.assertEqual(answered.headers["connection"], "close")
        self.connection.send(b"x" * 500_000, step=65_536)
        self.assertFalse(self.connection.transport.disconnecting)
        self.web.clock.advance(LINGER_S)
        self.assertTrue(self.connection.transport.disconnecting)
        self.assertEqual((self.connection.replies(), self.bodies, self.web.site.open_requests), ([], [], 0))

    def test_a_small_body_over_a_small_limit(self) -> None:
        """The limit is the route's own, to the byte."""
        self.connection.send(request("POST", "/small", body=b"x" * 100))
        self.assertEqual(self.connection.replies()[0].status, 202)
        self.connection.send(request("POST", "/small", body=b"x" * 101))
        self.assertEqual(self.connection.replies()[0].status, 413)

    def test_a_refused_small_body_keeps_the_connection(self) -> None:
        """A refusal whose body is small reads it and serves on."""
        self.connection.send(request("POST", "/v3/mail/send", body=b"x" * 1000, credential=None) + request("POST", "/nothing", body=b"y" * 10))
        self.connection.send(request("POST", "/open", body=b"ok"))
        self.assertEqual([answered.status for answered in self.connection.replies()], [401, 404, 202])

    def test_a_large_body_needs_a_credential_first(self) -> None:
        """Without a credential a large body is refused before it comes."""
        self.connection.send(request("POST", "/v3/mail/send", credential=None, Content_Length=str(EARLY_BYTES + 1)))
        self.assertEqual(self.connection.replies()[0].status, 401)
        self.connection.send(b"x" * EARLY_BYTES)
        self.assertEqual(self.web.site.open_requests, 0)

    def test_a_large_body_is_read_when_its_caller_is_known(self) -> None:
        """Reading stops until the identity has answered, which it is asked once; then the body is taken."""
        self.web.identity.wait = Deferred()
        size = EARLY_BYTES * 2
        self.connection.send(request("POST", "/v3/mail/send", Content_Length=str(size)))
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.web.identity.wait.callback(None)
        self.assertEqual(self.connection.transport.producerState, "producing")
        self.connection.send(b"x" * size, step=30_000)
        self.assertEqual((self.connection.replies()[0].json(), self.web.identity.asked), (size, 1))

    def test_a_large_body_of_an_unknown_caller_is_refused(self) -> None:
        """A credential that looks right and is not known buys no memory: 401 before the body, or in the middle of chunks."""
        self.connection.send(request("POST", "/v3/mail/send", credential="unknown", Content_Length="500000"))
        self.assertEqual(self.connection.replies()[0].status, 401)
        other = self.web.connect()
        other.send(request("POST", "/v3/mail/send", credential="unknown", Transfer_Encoding="chunked"))
        other.send(chunk(b"x" * 50_000))
        self.assertEqual(other.replies(), [])
        other.send(chunk(b"x" * 50_000) + chunk(b"x" * 50_000))
        self.assertEqual(other.replies()[0].status, 401)
        other.send(chunk(b""))
        self.assertEqual((other.replies(), self.bodies, self.web.site.open_requests), ([], [], 0))

    def test_a_large_body_without_the_permission_is_refused(self) -> None:
        """403 before the body comes."""
        self.connection.send(request("POST", "/forbidden", Content_Length="500000"))
        self.assertEqual(self.connection.replies()[0].status, 403)

    def test_the_identity_may_answer_after_the_body(self) -> None:
        """When the whole body came in with the head, its request waits for the identity."""
        self.web.identity.wait = Deferred()
        self.connection.send(request("POST", "/v3/mail/send", body=b"x" * (EARLY_BYTES + 1)))
        self.assertEqual(self.connection.replies(), [])
        self.web.identity.wait.callback(None)
        self.assertEqual(self.connection.replies()[0].status, 202)

    def test_a_client_may_leave_while_the_identity_is_asked(self) -> None:
        """Nothing is left open, and nothing is logged."""
        self.web.identity.wait = Deferred()
        self.connection.send(request("POST", "/v3/mail/send", Content_Length="500000"))
        self.connection.lose()
        self.web.identity.wait.callback(None)
        self.assertEqual((self.web.site.open_requests, self.flushLoggedErrors()), (0, []))

    def test_who_asks_before_sending_is_answered(self) -> None:
        """Expect: 100-continue gets a 100, or the refusal in its place and no 100 after it."""
        self.connection.send(request("POST", "/open", Content_Length="2", Expect="100-continue"))
        self.assertEqual(self.connection.transport.value(), b"HTTP/1.1 100 Continue\r\n\r\n")
        other = self.web.connect()
        other.send(request("POST", "/v3/mail/send", credential=None, Content_Length="2", Expect="100-continue"))
        self.assertEqual([answered.status for answered in other.replies()], [401])

    def test_an_unknown_encoding_is_unsupported(self) -> None:
        """415 for a body packed in a way that is not read here."""
        self.connection.send(request("POST", "/open", body=b"x", Content_Encoding="br"))
        self.assertEqual(self.connection.replies()[0].status, 415)


class TimeTest(ConnectionCase):
    """How long anything may take."""

    def test_an_idle_connection_ends(self) -> None:
        """A connection on which nothing happens ends, cut if the other side does not answer to that."""
        self.connection.send(request("POST", "/open", body=b"a"))
        self.web.clock.advance(IDLE_TIMEOUT_S - 1)
        self.assertFalse(self.connection.transport.disconnecting)
        self.web.clock.advance(1)
        self.assertTrue(self.connection.transport.disconnecting)
        self.connection.lose()
        self.assertEqual(self.web.clock.getDelayedCalls(), [])

    def test_a_slow_handler_is_not_idle(self) -> None:
        """However long a handler takes, its connection waits for it."""
        self.connection.send(request("GET", "/slow"))
        self.web.clock.pump([IDLE_TIMEOUT_S - 7] * 20)
        assert self.waiting is not None
        self.waiting.callback(None)
        self.assertEqual(self.connection.replies()[0].status, 200)
        self.web.clock.advance(IDLE_TIMEOUT_S - 1)
        self.assertFalse(self.connection.transport.disconnecting)
        self.web.clock.advance(1)
        self.assertTrue(self.connection.transport.disconnecting)

    def test_a_request_that_trickles_is_refused(self) -> None:
        """A head or a body that keeps coming, a byte at a time, has a limit in all: 408, and the end."""
        for raw in (b"GET /", request("POST", "/open", Content_Length="1000")):
            connection = self.web.connect()
            connection.send(raw)
            for _ in range(ARRIVAL_TIMEOUT_S // 30):
                self.assertEqual(connection.replies(), [])
                connection.send(b"x")
                self.web.clock.advance(30)
            answered = connection.replies()[0]
            self.assertEqual((answered.status, answered.headers["connection"]), (408, "close"))
            self.web.clock.advance(LINGER_S)
            self.assertTrue(connection.transport.disconnecting)

    def test_requests_in_time_leave_no_timer(self) -> None:
        """After any number of requests only the idle timer is left."""
        for _ in range(5):
            self.connection.send(request("POST", "/open", body=b"x" * 50), step=20)
        self.assertEqual(len(self.web.clock.getDelayedCalls()), 1)
        self.connection.lose()
        self.assertEqual(self.web.clock.getDelayedCalls(), [])
