"""SQL of posts, the same on SQLite and MariaDB."""

from twisted.internet import reactor

from scaisend.inbound import parse_posts_store as store
from scaisend.inbound.parse_posts_store import ParsePost
from scaisend.reporting.periods import day_of
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.tenants import NOW

POSTS = [
    ParsePost("inb_1", "tnt_a", "a.test", ("ü@a.test", "b@a.test"), 0, NOW), ParsePost("inb_2", "tnt_a", "a.test", ("c@a.test",), 0, NOW + 1),
    ParsePost("inb_3", "tnt_b", "b.test", ("d@b.test",), 0, NOW + 0.5),
]


def life(txn: Txn) -> list[object]:
    """What the statements answer, from the first post to the last."""
    store.add_across_tenants(txn, POSTS)
    later = NOW + 10
    seen: list[object] = [store.due_hosts_across_tenants(txn, NOW - 1, 9), store.due_hosts_across_tenants(txn, later, 9), store.due_hosts_across_tenants(txn, later, 1)]
    seen.append(store.claim_across_tenants(txn, "a.test", 1, "att_1", later + 60, later) == POSTS[:1])
    seen.append([each.mail_id for each in store.claim_across_tenants(txn, "a.test", 9, "att_2", later + 60, later)])
    seen.append(store.claim_across_tenants(txn, "a.test", 9, "att_3", later + 60, later))
    seen.append([(each.mail_id, each.attempts) for each in store.claim_across_tenants(txn, "a.test", 9, "att_4", later + 200, later + 61)])
    seen += [store.drop_claimed_across_tenants(txn, "inb_1", "att_1"), store.drop_claimed_across_tenants(txn, "inb_1", "att_4")]
    seen += [store.put_off_across_tenants(txn, "inb_2", "att_2", None, "x"), store.put_off_across_tenants(txn, "inb_2", "att_4", None, "x" * 5000)]
    seen.append([store.forget_failed_across_tenants(txn, at, 9) for at in (NOW, NOW + 2, NOW + 2)])
    today = day_of(NOW)
    store.add_across_tenants(txn, [ParsePost("inb_4", "tnt_a", "a.test", ("e@a.test",), 0, NOW), ParsePost("inb_5", "tnt_a", "a.test", ("e@a.test",), 0, NOW + 86_400)])
    seen += [store.received(txn, tenant_id, today, today) == expected for tenant_id, expected in (("tnt_a", {today: 3}), ("tnt_b", {today: 1}), ("tnt_c", {}))]
    txn.execute("DELETE FROM parse_posts WHERE mail_id IN ('inb_4', 'inb_5')")
    return [*seen, txn.rows("SELECT mail_id, attempts FROM parse_posts")]


ANSWERS = [
    [], ["a.test", "b.test"], ["a.test"], True, ["inb_2"], [], [("inb_1", 1), ("inb_2", 1)], False, True, False, True, [0, 1, 0], True, True, True, [("inb_3", 0)],
]


class ParsePostsStoreTests(PlainTestCase):
    def test_life_of_a_post(self) -> None:
        """Hosts by their oldest due post; a claim holds until its lease ends, and only its own end counts; failures are forgotten."""
        self.assertEqual([list(each) if isinstance(each, list) else each for each in inline_database().now(life)], ANSWERS)


class MariadbParsePostsTests(ReactorTestCase):
    timeout = 120

    async def test_life_of_a_post(self) -> None:
        """The statements mean the same on MariaDB."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=1)
        self.addCleanup(database.close)
        self.assertEqual([list(each) if isinstance(each, list | tuple) else each for each in await database.run(life)], ANSWERS)
