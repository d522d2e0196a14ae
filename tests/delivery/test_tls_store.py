"""SQL of TLS policies, results and reports, the same on SQLite and MariaDB."""

from twisted.internet import reactor

from scaisend.delivery import tls_store as store
from scaisend.delivery.mta_sts import ENFORCE, Sts
from scaisend.delivery.tls_result import TlsResult
from scaisend.delivery.tls_store import DueReport, KeptPolicy
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb

NOW = 1_790_000_000.0
POLICY = Sts(ENFORCE, ("mx.in.test", "*.in.test"), 1000)
GOOD = TlsResult("sts", "mx.in.test", address="192.0.2.1", source="192.0.2.9", policy=POLICY.lines)
BAD = TlsResult("sts", "mx.in.test", "certificate-expired", "it is over", "192.0.2.1", "192.0.2.9", POLICY.lines)


def policies(txn: Txn) -> list[object]:
    """What is kept of a domain's policy: nothing, a fault, the policy, and a fault beside it."""
    seen: list[object] = [store.policy_across_tenants(txn, "in.test")]
    store.keep_fault_across_tenants(txn, "in.test", "1", "x" * 5000, NOW + 300, NOW)
    seen.append(store.policy_across_tenants(txn, "in.test"))
    store.keep_policy_across_tenants(txn, "in.test", "2", POLICY, NOW)
    seen.append(store.policy_across_tenants(txn, "in.test"))
    store.keep_fault_across_tenants(txn, "in.test", "3", "404", NOW + 300, NOW)
    seen.append(store.policy_across_tenants(txn, "in.test"))
    for month in (1, 2):
        store.forget_across_tenants(txn, 0, NOW + month * 29 * 86_400, 9)
        seen.append(store.policy_across_tenants(txn, "in.test").policy_id)
    return seen


POLICIES = [
    KeptPolicy(), KeptPolicy(tried_id="1", retry_at=NOW + 300, fault="x" * 512), KeptPolicy(POLICY, "2", NOW, NOW + 1000),
    KeptPolicy(POLICY, "2", NOW, NOW + 1000, "3", NOW + 300, "404"), "2", None,
]


def reports(txn: Txn) -> list[object]:
    """Counts are added up, a day that is over is reported once, a claim holds until its lease ends."""
    for _ in range(2):
        store.add_results_across_tenants(txn, 7, {("in.test", GOOD): 5, ("in.test", BAD): 1, ("other.test", GOOD): 1})
    seen: list[object] = [store.results_across_tenants(txn, 7, "in.test", most) for most in (9, 1)]
    seen += [store.open_reports_across_tenants(txn, today, 9, NOW + 60, NOW) for today in (7, 8, 8)]
    seen.append(store.claim_reports_across_tenants(txn, 9, "att_1", NOW + 600, NOW + 59))
    seen.append(store.claim_reports_across_tenants(txn, 1, "att_1", NOW + 600, NOW + 60))
    seen.append(store.claim_reports_across_tenants(txn, 9, "att_2", NOW + 600, NOW + 60))
    seen.append(store.claim_reports_across_tenants(txn, 1, "att_3", NOW + 900, NOW + 601))
    seen += [store.end_report_across_tenants(txn, 7, "in.test", attempt, None, "sent") for attempt in ("att_1", "att_3")]
    seen.append([each.domain for each in store.claim_reports_across_tenants(txn, 9, "att_4", NOW + 1900, NOW + 1000)])
    store.forget_across_tenants(txn, 8, NOW, 9)
    return [*seen, txn.rows("SELECT COUNT(*) FROM tls_results"), txn.rows("SELECT COUNT(*) FROM tls_reports")]


SUCCEEDED = TlsResult("sts", "mx.in.test", policy=POLICY.lines)
REPORTS = [
    [(SUCCEEDED, 10), (BAD, 2)], [(SUCCEEDED, 10)], 0, 2, 0, [], [DueReport(7, "in.test", 0, NOW)], [DueReport(7, "other.test", 0, NOW)],
    [DueReport(7, "in.test", 1, NOW)], False, True, ["other.test"], [(0,)], [(0,)],
]


def plain(seen: list[object]) -> list[object]:
    return [list(each) if isinstance(each, tuple) else each for each in seen]


class TlsStoreTests(PlainTestCase):
    def test_policies(self) -> None:
        """On SQLite."""
        self.assertEqual(inline_database().now(policies), POLICIES)

    def test_reports(self) -> None:
        """On SQLite."""
        self.assertEqual(plain(inline_database().now(reports)), REPORTS)


class MariadbTlsStoreTests(ReactorTestCase):
    timeout = 120

    async def test_statements(self) -> None:
        """They mean the same on MariaDB."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=1)
        self.addCleanup(database.close)
        self.assertEqual(await database.run(policies), POLICIES)
        self.assertEqual(plain([list(map(tuple, each)) if isinstance(each, tuple) else each for each in await database.run(reports)]), REPORTS)
