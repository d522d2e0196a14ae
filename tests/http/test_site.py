import json

from twisted.internet.defer import Deferred, ensureDeferred

from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import delete, get, post
from scaisend.http.site import make_site
from tests.base import PlainTestCase
from tests.world.web_client import Web, request


async def echo(call: Call) -> Reply:
    return json_reply({"path": call.path, "query": call.query, "remote": call.remote, "size": len(call.body)})


async def picture(call: Call) -> Reply:
    return Reply(200, b"GIF89a", "image/gif", (("Cache-Control", "no-store"),))


async def split(call: Call) -> Reply:
    return Reply(302, headers=(("Location", "https://x/\r\nSet-Cookie: a=b"),))


ROUTES = [
    get("/v3/things", echo),
    post("/v3/things", echo),
    get("/v3/things/<thing>", echo),
    delete("/v3/things/<thing>", echo),
    get("/v3/things/count", echo),
    get("/v3/groups/<group>/suppressions/<email>", echo),
    get("/picture.gif", picture, public=True),
    get("/split", split, public=True),
    post("/v3/mail/send", echo, hot=True),
]


class RoutingTest(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.web = Web(ROUTES)

    def test_parameters(self) -> None:
        """Path parameters arrive decoded, however they were written; literal paths win over parameters."""
        for path in ("/v3/groups/7/suppressions/a+b@c.d", "/v3/groups/7/suppressions/a%2Bb%40c.d"):
            self.assertEqual(self.web.ask("GET", path).json()["path"], {"group": "7", "email": "a+b@c.d"})
        self.assertEqual(self.web.ask("GET", "/v3/things/count").json()["path"], {})
        self.assertEqual(self.web.ask("GET", "/v3/things/a%2Fb").json()["path"], {"thing": "a/b"})
        self.assertEqual(self.web.ask("GET", "/v3/things/..%2F..").json()["path"], {"thing": "../.."})

    def test_queries(self) -> None:
        """Repeated query parameters all arrive."""
        self.assertEqual(self.web.ask("GET", "/v3/things?c=1&c=2&d=").json()["query"], {"c": ["1", "2"], "d": [""]})
        self.assertEqual(self.web.ask("GET", "/v3/things?a=%ff").status, 400)

    def test_a_target_that_names_the_server(self) -> None:
        """As a proxy is asked: scheme and host are passed over (RFC 9112 3.2.2)."""
        for target in ("http://api.test/v3/things/7?c=1", "HTTPS://api.test:8443/v3/things/7?c=1"):
            self.assertEqual(self.web.ask("GET", target).json()["path"], {"thing": "7"})
            self.assertEqual(self.web.ask("GET", target).json()["query"], {"c": ["1"]})
        self.assertEqual(self.web.ask("POST", "http://api.test/v3/mail/send").status, 200)
        for target in ("http://api.test", "http://api.test?x=/v3/things", "ftp://api.test/v3/things", "http:///v3/things"):
            self.assertEqual(self.web.ask("GET", target).status, 404, target)

    def test_unknown_paths(self) -> None:
        """404 in JSON for every path that is no route, with or without a credential."""
        for path in ("/", "/v3", "/v3/things/", "/v3//things", "/v3/things/a/b", "/v3/mail/send/x", "*", "/%2e%2e/etc"):
            answered = self.web.ask("GET", path, credential=None)
            self.assertEqual((answered.status, answered.json()["errors"][0]["message"]), (404, "not found"), path)
        self.assertEqual(self.web.ask("GET", "/v3/things/%ff").status, 400)

    def test_wrong_methods(self) -> None:
        """405 with the methods that are allowed; OPTIONS answers them alone."""
        answered = self.web.ask("PUT", "/v3/things/x")
        self.assertEqual((answered.status, answered.headers["allow"]), (405, "DELETE, GET, HEAD, OPTIONS"))
        self.assertEqual(answered.json()["detail"], "method not allowed")
        self.assertEqual(self.web.ask("GET", "/v3/mail/send").headers["allow"], "OPTIONS, POST")
        answered = self.web.ask("OPTIONS", "/v3/mail/send", credential=None)
        self.assertEqual((answered.status, answered.body, answered.headers["allow"]), (204, b"", "OPTIONS, POST"))

    def test_head_is_get_without_its_body(self) -> None:
        """HEAD has all headers of GET, the length included, and no body."""
        connection = self.web.connect()
        connection.send(request("HEAD", "/picture.gif"))
        self.assertTrue(connection.transport.value().endswith(b"\r\n\r\n"))
        answered = connection.replies(head=True)[0]
        self.assertEqual((answered.status, answered.headers["content-length"], answered.headers["content-type"]), (200, "6", "image/gif"))

    def test_the_hot_route_is_an_ordinary_one(self) -> None:
        """It takes queries and asks for a credential as all others do."""
        self.assertEqual(self.web.ask("POST", "/v3/mail/send?x=1", body=b"{}").json()["query"], {"x": ["1"]})
        self.assertEqual(self.web.ask("POST", "/v3/mail/send", body=b"{}", credential=None).status, 401)

    def test_a_route_that_stands_twice_is_refused(self) -> None:
        """Two routes of one method and path are a mistake, said at the start."""
        with self.assertRaises(ValueError):
            make_site([get("/a", echo), get("/a", echo)], door=self.web.site.door, reactor=self.web.clock)

    def test_a_reply_that_would_split_is_an_error(self) -> None:
        """A line break in a handler's header is a 500 and one logged error, never a header of its own."""
        answered = self.web.ask("GET", "/split")
        self.assertEqual((answered.status, "set-cookie" in answered.headers), (500, False))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class PeerTest(PlainTestCase):
    def test_the_forwarded_address_is_believed_of_proxies_alone(self) -> None:
        """The last X-Forwarded-For entry counts when the peer is a proxy of ours; a stranger's is ignored."""
        web = Web(ROUTES)
        for peer, expected in (("127.0.0.1", "198.51.100.9"), ("192.0.2.7", "192.0.2.7")):
            connection = web.connect(peer)
            connection.send(request("GET", "/v3/things", X_Forwarded_For="10.9.9.9, 198.51.100.9"))
            self.assertEqual(connection.replies()[0].json()["remote"], expected)

    def test_the_date_follows_the_clock(self) -> None:
        """Each answer carries the moment it was given, to the second."""
        web = Web(ROUTES)
        self.assertEqual(web.ask("GET", "/v3/things").headers["date"], "Fri, 15 Jan 2027 08:00:00 GMT")
        web.clock.advance(1.5)
        self.assertEqual(web.ask("GET", "/v3/things").headers["date"], "Fri, 15 Jan 2027 08:00:01 GMT")


class DrainTest(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.waiting: Deferred[None] = Deferred()
        self.web = Web([get("/slow", self.slow), get("/v3/things", echo)])

    async def slow(self, call: Call) -> Reply:
        await self.waiting
        return json_reply("done")

    def test_draining_waits_for_open_requests(self) -> None:
        """Drained when the last open request was answered, and its connection then ends; others end with their next answer."""
        slow, idle = self.web.connect(), self.web.connect()
        slow.send(request("GET", "/slow"))
        drained = ensureDeferred(self.web.site.drained(10))
        self.assertNoResult(drained)
        idle.send(request("GET", "/v3/things"))
        self.assertEqual(idle.replies()[0].headers["connection"], "close")
        self.assertTrue(idle.transport.disconnecting)
        self.waiting.callback(None)
        self.assertNoResult(drained)
        self.web.clock.advance(1)
        self.assertTrue(self.successResultOf(drained))
        self.assertEqual(slow.replies()[0].headers["connection"], "close")
        self.assertTrue(slow.transport.disconnecting)

    def test_a_kept_connection_is_answered_once_more(self) -> None:
        """What a proxy sends on a connection that it keeps, just when the process is told to stop, is answered, and the connection ends with that."""
        kept = self.web.connect()
        kept.send(request("GET", "/v3/things"))
        drained = ensureDeferred(self.web.site.drained(10))
        self.web.clock.advance(0.5)
        self.assertNoResult(drained)
        kept.send(request("GET", "/slow"))
        self.web.clock.advance(0.6)
        self.assertNoResult(drained)
        self.waiting.callback(None)
        self.assertTrue(self.successResultOf(drained))
        self.assertEqual(kept.replies()[-1].headers["connection"], "close")

    def test_draining_gives_up_at_its_limit(self) -> None:
        """A request that does not end is not waited for beyond the limit."""
        connection = self.web.connect()
        connection.send(request("GET", "/slow"))
        drained = ensureDeferred(self.web.site.drained(10))
        self.web.clock.advance(10)
        self.assertFalse(self.successResultOf(drained))
        self.waiting.callback(None)
        self.assertEqual(connection.replies()[0].status, 200)

    def test_nothing_open_is_drained_at_once(self) -> None:
        """An idle site waits for nothing."""
        self.assertTrue(self.successResultOf(ensureDeferred(self.web.site.drained(10))))

    def test_a_handler_whose_client_left_is_waited_for(self) -> None:
        """What a handler has begun it ends, though nobody waits for the answer."""
        connection = self.web.connect()
        connection.send(request("GET", "/slow"))
        connection.lose()
        drained = ensureDeferred(self.web.site.drained(10))
        self.assertNoResult(drained)
        self.waiting.callback(None)
        self.assertTrue(self.successResultOf(drained))
        self.assertEqual(self.web.metrics.seen, [("/slow", "GET", 200)])

    def test_a_body_cut_short_is_not_waited_for(self) -> None:
        """A client that leaves in the middle of its body leaves nothing open."""
        connection = self.web.connect()
        connection.send(request("POST", "/v3/things", body=b"x" * 100)[:-50])
        self.assertEqual(self.web.site.open_requests, 1)
        connection.lose()
        self.assertEqual(self.web.site.open_requests, 0)


class LogTest(PlainTestCase):
    def test_the_access_log_has_no_query(self) -> None:
        """One line an answer when it is on, with the route's path: tokens and addresses of requests stay out."""
        web = Web(ROUTES, access_log=True)
        seen: list[str] = []

        class Lines:
            def info(self, text: str, **values: object) -> None:
                seen.append(text.format(**values))

        web.site._log = Lines()
        web.ask("GET", "/v3/things/secret?token=abc", X_Request_Id="r1")
        self.assertEqual(seen, ["200 GET /v3/things/<thing> r1"])
        self.assertNotIn("abc", json.dumps(seen))
