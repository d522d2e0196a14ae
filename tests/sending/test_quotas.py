from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.faults import TooManyRequests
from scaisend.identity.limits import MAILS_PER_DAY, MAILS_PER_MONTH, Quota, period_of
from scaisend.identity.limits_store import change_limits, usage
from scaisend.sending.accept import Accepted
from scaisend.sending.quotas import spend
from scaisend.storage.pool import open_database
from tests.base import ReactorTestCase
from tests.world.mariadb import private_mariadb
from tests.world.road import RoadTestCase, body
from tests.world.tenants import NOW


class QuotaTests(RoadTestCase):
    def limit(self, **limits: int | None) -> None:
        self.database.now(change_limits, self.tenant.id, limits, now_s=NOW)

    def used(self) -> int:
        day, _ = period_of(MAILS_PER_DAY, NOW)
        return self.database.now(usage, self.tenant.id, [day]).get(day, 0)

    def test_what_is_over_is_refused_whole(self) -> None:
        """Requests count by their recipients, in order; one that is too large is refused, a smaller one behind it is not; others' mail goes on."""
        self.limit(mails_per_day=5)
        given = [self.submission(body("a@x.test", "b@x.test", "c@x.test")), self.submission(body("d@x.test", "e@x.test", "f@x.test")), self.submission(body("g@x.test"))]
        answers = self.accept(*given, self.submission(body("h@x.test"), self.stranger))
        self.assertEqual([type(each) for each in answers], [Accepted, TooManyRequests, Accepted, Accepted])
        first, refused, third, others = answers
        assert isinstance(first, Accepted) and isinstance(third, Accepted) and isinstance(others, Accepted) and isinstance(refused, TooManyRequests)
        assert first.quota is not None and third.quota is not None
        self.assertEqual((first.quota.remaining, third.quota.remaining, others.quota, self.used()), (2, 1, None, 4))
        self.assertEqual(self.count("mail_requests"), 3)
        _, end = period_of(MAILS_PER_DAY, NOW)
        self.assertTrue(0 <= refused.retry_after_s - (end - NOW) <= 1)
        self.assertIn("2 of 5 mails are left of this day's quota", str(refused))

    def test_the_tightest_is_told(self) -> None:
        """Of two quotas the one of which less is left; the refusal waits for the one that ends later."""
        self.limit(mails_per_day=100, mails_per_month=2)
        (answer,) = self.accept(self.submission(body("a@x.test")))
        assert isinstance(answer, Accepted) and answer.quota is not None
        self.assertEqual((answer.quota.name, answer.quota.most, answer.quota.remaining), (MAILS_PER_MONTH, 2, 1))
        self.limit(mails_per_day=1)
        (refused,) = self.accept(self.submission(body("b@x.test", "c@x.test")))
        assert isinstance(refused, TooManyRequests)
        self.assertGreaterEqual(refused.retry_after_s, period_of(MAILS_PER_MONTH, NOW)[1] - NOW)

    def test_what_delivers_nothing_costs_nothing(self) -> None:
        """Sandbox mode and test keys are accepted at a quota of nothing."""
        self.limit(mails_per_day=0)
        (answer,) = self.accept(self.submission(body("a@x.test", mail_settings={"sandbox_mode": {"enable": True}})))
        self.assertIsInstance(answer, Accepted)
        self.assertIsInstance(self.accept(self.submission(body("a@x.test")))[0], TooManyRequests)

    def test_a_refused_key_is_free(self) -> None:
        """The same request is accepted under its Idempotency-Key once there is room, and its repetition costs nothing."""
        self.limit(mails_per_day=0)
        self.assertIsInstance(self.accept(self.submission(body("a@x.test"), key="k"))[0], TooManyRequests)
        self.limit(mails_per_day=1)
        (answer,) = self.accept(self.submission(body("a@x.test"), key="k"))
        (again,) = self.accept(self.submission(body("a@x.test"), key="k"))
        assert isinstance(answer, Accepted) and isinstance(again, Accepted)
        self.assertEqual((again.is_replay, again.request_id, self.used()), (True, answer.request_id, 1))

    def test_taken_away(self) -> None:
        """Without a quota nothing is counted and nothing refused."""
        self.limit(mails_per_day=0)
        self.limit(mails_per_day=None)
        (answer,) = self.accept(self.submission(body("a@x.test")))
        assert isinstance(answer, Accepted)
        self.assertEqual((answer.quota, self.used()), (None, 0))


class MariadbTests(ReactorTestCase):
    async def test_processes_share_a_quota(self) -> None:
        """Of 60 requests of two processes at once exactly the quota is accepted."""
        server = private_mariadb()
        url = server.url(server.empty_database())
        databases = [open_database(url, reactor=reactor, pool_size=4) for _ in range(2)]
        for each in databases:
            self.addCleanup(each.close)
        await databases[0].run(change_limits, "tnt_1", {MAILS_PER_DAY: 25, MAILS_PER_MONTH: 1000}, now_s=NOW)
        answers = await gatherResults([databases[number % 2].run(spend, [(0, "tnt_1", 1), (1, "tnt_2", 1)], NOW) for number in range(60)])
        self.assertEqual(sum(isinstance(each[0], Quota) for each in answers), 25)
        self.assertEqual({tuple(each) for each in answers}, {(0,)})
        day, _ = period_of(MAILS_PER_DAY, NOW)
        self.assertEqual(await databases[1].run(usage, "tnt_1", [day]), {day: 25})
