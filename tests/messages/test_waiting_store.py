"""What operators ask of what waits, on SQLite in memory and on MariaDB; with the ledger's and the destinations' SQL on the latter."""

from twisted.internet import reactor

from scaisend.delivery.destination import BACKING_OFF, OPEN, DestinationState
from scaisend.delivery.destinations_store import (
    IpPool,
    add_pool,
    change_pool,
    keep_states_across_tenants,
    kept_across_tenants,
    pool,
    pools,
    remove_pool,
)
from scaisend.messages.ledger import violations
from scaisend.messages.ledger_store import Period, entries_again_across_tenants, ledger_page_across_tenants
from scaisend.messages.waiting_store import (
    Failed,
    failed_across_tenants,
    first_across_tenants,
    reasons_across_tenants,
    tenant_of_message_across_tenants,
)
from scaisend.storage.pool import open_database
from scaisend.storage.queue import EMAIL_PROCESS, QUEUES, SMTP_DELIVER
from tests.base import ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW, id_maker


class WaitingContract:
    async def make(self, tenant_id: str, *recipients: To, **more):  # type: ignore[no-untyped-def]
        return await self.database.run(insert_message, self.ids, tenant_id, recipients, **more)

    async def test_reasons(self) -> None:
        """Recipients are counted by tenant and reason, with the moment at which the first is looked at."""
        await self.make("tnt_a", To(), To(), status="scheduled", due_at=NOW + 9)
        await self.make("tnt_a", To(status="deferred", waiting="retry", due_at=NOW + 7), To(status="delivered", waiting=None), status="deferred")
        await self.make("tnt_b", To(status="sending", waiting="delivery", attempt_id="a", due_at=NOW + 1), status="rendered")
        await self.make("tnt_b", To(status="in_doubt", waiting=None, attempt_id="a"), status="in_doubt")
        found = await self.database.read(reasons_across_tenants, None)
        self.assertEqual([(each.tenant_id, each.reason, each.count, each.next_at) for each in found], [
            ("tnt_a", "scheduled", 2, None), ("tnt_a", "retry", 1, NOW + 7), ("tnt_b", "in_doubt", 1, None), ("tnt_b", "sending", 1, NOW + 1),
        ])
        self.assertEqual(len(await self.database.read(reasons_across_tenants, "tnt_b")), 2)

    async def test_first(self) -> None:
        """What is due first stands first, whatever the queue."""
        late = await self.make("tnt_a", To(), due_at=NOW + 9)
        soon = await self.make("tnt_b", To(waiting="delivery", due_at=NOW), due_at=NOW)
        self.assertEqual([each.id for each in await self.database.read(first_across_tenants, EMAIL_PROCESS, None, 5)], [soon.id, late.id])
        self.assertEqual([each.id for each in await self.database.read(first_across_tenants, EMAIL_PROCESS, "tnt_a", 5)], [late.id])
        self.assertEqual([(each.id, each.why, each.due_at) for each in await self.database.read(first_across_tenants, SMTP_DELIVER, None, 5)], [
            (soon.recipients[0], "delivery", NOW),
        ])
        self.assertEqual([await self.database.read(first_across_tenants, name, None, 0) for name in QUEUES], [[], [], []])

    async def test_failed(self) -> None:
        """Messages with failed recipients since a moment, each once, in pages."""
        old = await self.make("tnt_a", To(status="failed", waiting=None), accepted_at=NOW - 7200, status="failed")
        new = await self.make("tnt_b", To(status="failed", waiting=None), To(status="failed", waiting=None), status="failed")
        await self.make("tnt_b", To(status="bounced", waiting=None), status="bounced")
        self.assertEqual(await self.database.read(failed_across_tenants, NOW - 60, None, "", 5), [Failed(new.id, "tnt_b")])
        self.assertEqual(await self.database.read(failed_across_tenants, 0.0, None, "", 1), [Failed(old.id, "tnt_a")])
        self.assertEqual(await self.database.read(failed_across_tenants, 0.0, None, old.id, 5), [Failed(new.id, "tnt_b")])
        self.assertEqual(await self.database.read(tenant_of_message_across_tenants, old.id), "tnt_a")


class InlineTests(WaitingContract, ReactorTestCase):
    def setUp(self) -> None:
        self.database, self.ids = inline_database(), id_maker()


class MariadbTests(WaitingContract, ReactorTestCase):
    timeout = 120

    def setUp(self) -> None:
        server = private_mariadb()
        self.database, self.ids = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=1), id_maker()
        self.addCleanup(self.database.close)

    async def test_ledger(self) -> None:
        """The ledger's SQL is understood, and sound messages are sound."""
        made = await self.make("tnt_a", To(status="delivered", waiting=None), To("b@x.test", "bounced", None), status="bounced")
        page = await self.database.read(ledger_page_across_tenants, Period(NOW - 5, "tnt_a"), "")
        self.assertEqual(([each.message.id for each in page.entries], page.after), ([made.id], None))
        again = await self.database.run(entries_again_across_tenants, [made.id])
        self.assertEqual((again, violations(again[0], NOW)), (page.entries, []))

    async def test_destinations_and_pools(self) -> None:
        """Destinations come and go; pools are made, changed and removed, and a name is taken once."""
        states = [DestinationState(name, BACKING_OFF, NOW + 1.5, 2, "späť 421") for name in ("mx.a.test", "mx.ü.test")]
        for _ in range(2):
            await self.database.run(keep_states_across_tenants, states, NOW)
        self.assertEqual([each.state for each in await self.database.read(kept_across_tenants)], states)
        await self.database.run(keep_states_across_tenants, [DestinationState("mx.a.test", OPEN, None, 0, None)], NOW)
        self.assertEqual(len(await self.database.read(kept_across_tenants)), 1)
        one, two = IpPool("ipp_1", "größe", ("192.0.2.1",), NOW, NOW), IpPool("ipp_2", "b", ("192.0.2.1",), NOW, NOW)
        self.assertEqual([await self.database.run(add_pool, "tnt_a", each) for each in (one, two, IpPool("ipp_3", "b", (), NOW, NOW))], [True, True, False])
        self.assertFalse(await self.database.run(change_pool, "tnt_a", IpPool("ipp_2", "größe", (), NOW, NOW)))
        self.assertEqual(await self.database.run(pool, "tnt_a", "ipp_1", lock=True), one)
        await self.database.run(remove_pool, "tnt_a", "ipp_1")
        self.assertEqual(await self.database.run(pools, "tnt_a"), [two])
