from dataclasses import replace

from scaisend.faults import Conflict, Forbidden, Unauthenticated, Unavailable
from scaisend.http.call import NOBODY, Call
from scaisend.http.door import BAD_CREDENTIAL, credential_in, may
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import get, post
from scaisend.storage.limiter import Limit, Verdict
from tests.base import PlainTestCase
from tests.world.web_client import CALLER, Web


async def who(call: Call) -> Reply:
    return json_reply({"tenant": call.caller.tenant_id, "remote": call.remote, "now": call.now_s, "id": call.request_id})


async def breaks(call: Call) -> Reply:
    raise RuntimeError("secret of the house")


async def away(call: Call) -> Reply:
    raise Unavailable("database")


async def in_flight(call: Call) -> Reply:
    raise Conflict("the same request is being handled", retry_after_s=1)


ROUTES = [
    get("/v3/who", who),
    get("/v3/stats", who, permission="stats.read"),
    get("/v3/either", who, permission=("domains.read", "stats.read")),
    get("/v3/domains", who, permission="domains.read"),
    get("/v3/messages", who, limit="messages"),
    get("/v3/free", who, limit=None),
    post("/v3/mail/send", who, permission="mail.send", limit="mail_send", hot=True),
    get("/open", who, public=True),
    get("/breaks", breaks, public=True),
    get("/away", away),
    get("/in-flight", in_flight),
]


class CredentialTest(PlainTestCase):
    def test_the_scheme_word_is_matched_without_case(self) -> None:
        """Bearer, bearer and BEARER, with any number of spaces, are the same scheme."""
        for header in ("Bearer abc", "bearer abc", "BEARER   abc "):
            self.assertEqual(credential_in(header), "abc")

    def test_none_and_malformed_differ(self) -> None:
        """No header asks for authorization; a malformed one is told to be invalid."""
        for header in (None, ""):
            with self.assertRaises(Unauthenticated) as caught:
                credential_in(header)
            self.assertEqual(caught.exception.faults[0].message, "authorization required")
        for header in ("Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearer é", "Bearer a\x01", "Bearer " + "a" * 9000, "abc"):
            with self.assertRaises(Unauthenticated) as caught:
                credential_in(header)
            self.assertEqual(caught.exception.faults[0].message, BAD_CREDENTIAL)

    def test_one_of_several_permissions_suffices(self) -> None:
        """A tuple of permissions means any of them."""
        self.assertTrue(may(CALLER, ("domains.read", "stats.read")))
        self.assertFalse(may(CALLER, ("domains.read", "domains.write")))
        self.assertFalse(may(NOBODY, "stats.read"))


class DoorTest(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        limits = {"default": Limit(3, 60.0), "messages": Limit(1, 60.0), "mail_send": Limit(2, 1.0)}
        self.web = Web(ROUTES, limits=limits)

    def test_a_caller_gets_in(self) -> None:
        """The handler sees the caller, the client's address, the moment and the request id; the answer echoes the id."""
        answered = self.web.ask("GET", "/v3/who", X_Request_Id="mine")
        self.assertEqual(answered.json(), {"tenant": "tnt_a", "remote": "192.0.2.7", "now": self.web.clock.seconds(), "id": "mine"})
        self.assertEqual(answered.headers["x-request-id"], "mine")

    def test_strangers_do_not(self) -> None:
        """Without a credential, or with an unknown one, 401 in SendGrid's words with the scheme to use."""
        for credential, message in ((None, "authorization required"), ("bad", BAD_CREDENTIAL)):
            answered = self.web.ask("GET", "/v3/who", credential=credential)
            self.assertEqual((answered.status, answered.phrase, answered.headers["www-authenticate"]), (401, "Unauthorized", "Bearer"))
            self.assertEqual(answered.json()["errors"], [{"message": message, "field": None, "help": None}])

    def test_permissions(self) -> None:
        """A route's permission is asked for; without it 403 `access forbidden`."""
        self.assertEqual(self.web.ask("GET", "/v3/stats").status, 200)
        self.assertEqual(self.web.ask("GET", "/v3/either").status, 200)
        answered = self.web.ask("GET", "/v3/domains")
        self.assertEqual((answered.status, answered.json()["detail"]), (403, "access forbidden"))

    def test_public_routes_ask_for_nothing(self) -> None:
        """A public route is called by nobody, whatever credential comes along, and is not counted."""
        answered = self.web.ask("GET", "/open", credential="bad")
        self.assertEqual((answered.status, answered.json()["tenant"], self.web.identity.asked), (200, "", 0))
        self.assertNotIn("x-ratelimit-limit", answered.headers)

    def test_hot_routes_may_be_answered_from_memory(self) -> None:
        """Only a hot route takes a remembered verdict, and says which permission it will need."""
        self.web.ask("POST", "/v3/mail/send")
        self.web.ask("GET", "/v3/stats")
        self.assertEqual((self.web.identity.from_memory, self.web.identity.asked), (["mail.send"], 2))

    def test_limits_are_told_and_kept(self) -> None:
        """Each answer tells the limit; when it is used up, 429 with Retry-After; the next window is free again."""
        told = [self.web.ask("GET", "/v3/who") for _ in range(4)]
        self.assertEqual([answered.status for answered in told], [200, 200, 200, 429])
        self.assertEqual([answered.headers["x-ratelimit-remaining"] for answered in told], ["2", "1", "0", "0"])
        self.assertEqual((told[3].headers["x-ratelimit-limit"], told[3].headers["x-ratelimit-reset"]), ("3", "1800000060"))
        self.assertEqual((told[3].headers["retry-after"], told[3].json()["detail"]), ("60", "too many requests"))
        self.web.clock.advance(60)
        self.assertEqual(self.web.ask("GET", "/v3/who").status, 200)

    def test_refusals_count_too(self) -> None:
        """A caller without the permission uses up its limit as well."""
        self.assertEqual([self.web.ask("GET", "/v3/domains").status for _ in range(4)], [403, 403, 403, 429])

    def test_lost_requests_count_too(self) -> None:
        """Where no route takes a caller's request, the answer tells the limit as any other, and uses it up; strangers are told nothing of it."""
        answered = [self.web.ask("GET", "/v3/nothing"), self.web.ask("DELETE", "/v3/who"), self.web.ask("GET", "/v3/who"), self.web.ask("GET", "/v3/nothing")]
        self.assertEqual([each.status for each in answered], [404, 405, 200, 429])
        self.assertEqual([each.headers["x-ratelimit-remaining"] for each in answered], ["2", "1", "0", "0"])
        self.assertEqual((answered[1].headers["allow"], answered[3].headers["retry-after"]), ("GET, HEAD, OPTIONS", "60"))
        for credential in (None, "bad"):
            lost = self.web.ask("GET", "/v3/nothing", credential=credential)
            self.assertEqual((lost.status, "x-ratelimit-limit" in lost.headers), (404, False))
        options = self.web.ask("OPTIONS", "/v3/who")
        self.assertEqual((options.status, "x-ratelimit-limit" in options.headers), (204, False))

    def test_a_failure_while_a_lost_request_is_counted(self) -> None:
        """Is logged as any other; while the database is away the answer is what it was."""
        errors: list[Exception] = [RuntimeError(), Unavailable("database")]

        async def broken(*given: object, **more: object) -> None:
            raise errors.pop(0)

        self.web.identity.authenticate = broken  # type: ignore[assignment,method-assign]
        self.assertEqual([self.web.ask("GET", "/v3/nothing").status for _ in range(2)], [500, 404])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_tenants_own_limit(self) -> None:
        """It is counted and told in place of the installation's as soon as it is known, and counts anew when it changes."""
        own: dict[str, Limit | None] = {}
        web = Web(ROUTES, limits={"default": Limit(50, 60.0)}, limit_of=lambda tenant_id, name, limit: own.get(name, limit) if tenant_id == CALLER.tenant_id else limit)
        self.assertEqual(web.ask("GET", "/v3/who").headers["x-ratelimit-limit"], "50")
        own["default"] = Limit(2, 60.0)
        answers = [web.ask("GET", "/v3/who") for _ in range(3)]
        self.assertEqual([(each.status, each.headers["x-ratelimit-limit"], each.headers["x-ratelimit-remaining"]) for each in answers], [(200, "2", "1"), (200, "2", "0"), (429, "2", "0")])
        self.assertIn("retry-after", answers[2].headers)
        own["default"] = None
        self.assertNotIn("x-ratelimit-limit", web.ask("GET", "/v3/who").headers)

    def test_limits_belong_to_tenants_or_credentials(self) -> None:
        """Sending is counted for the tenant, the rest for each credential."""
        self.web.identity.callers["other"] = replace(CALLER, credential_id="key_b")
        self.assertEqual([self.web.ask("POST", "/v3/mail/send", credential=name).status for name in ("good", "other", "good")], [200, 200, 429])
        self.assertEqual([self.web.ask("GET", "/v3/messages", credential=name).status for name in ("good", "other", "good")], [200, 200, 429])

    def test_routes_without_a_limit(self) -> None:
        """Neither counted nor told."""
        self.assertNotIn("x-ratelimit-limit", self.web.ask("GET", "/v3/free").headers)

    def test_a_limiter_that_must_ask_is_awaited(self) -> None:
        """Where the process cannot tell at once, the limiter is asked."""

        class Asking:
            def take_now(self, key: str, limit: Limit, cost: int = 1) -> Verdict | None:
                return None

            async def take(self, key: str, limit: Limit, cost: int = 1) -> Verdict:
                return Verdict(False, 5, 0, 1.0, 9)

        self.web.site.door._limiter = Asking()
        self.assertEqual(self.web.ask("GET", "/v3/who").headers["retry-after"], "9")

    def test_a_failure_is_logged_and_says_nothing(self) -> None:
        """An unforeseen exception is logged with the request id, which is all that the client learns."""
        answered = self.web.ask("GET", "/breaks", X_Request_Id="r-1")
        self.assertEqual((answered.status, answered.phrase), (500, "Internal Server Error"))
        self.assertNotIn(b"secret", answered.body)
        self.assertEqual(answered.json()["errors"][0]["message"], "internal error, request id r-1")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_refusals_of_handlers(self) -> None:
        """A dependency that is away and a conflict tell when to come again."""
        self.assertEqual((self.web.ask("GET", "/away").status, self.web.ask("GET", "/away").headers["retry-after"]), (503, "5"))
        self.assertEqual(self.web.ask("GET", "/in-flight").headers["retry-after"], "1")

    def test_acting_for_another_tenant_is_for_the_identity_to_judge(self) -> None:
        """The on-behalf-of header reaches the identity, whose refusal is the answer."""

        class Strict:
            async def authenticate(self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None) -> object:
                raise Forbidden(f"not for {on_behalf_of}")

        self.web.site.door._identity = Strict()
        answered = self.web.ask("GET", "/v3/who", On_Behalf_Of="sub")
        self.assertEqual((answered.status, answered.json()["detail"]), (403, "not for sub"))

    def test_answers_are_counted_by_route(self) -> None:
        """Metrics see the route's path, never the request's."""
        self.web.ask("GET", "/v3/who")
        self.web.ask("GET", "/v3/secret-path")
        self.assertEqual(self.web.metrics.seen, [("/v3/who", "GET", 200), ("none", "GET", 404)])


