"""What this room's statements do on MariaDB, where they lock rows and read JSON of the server's kind."""

import json
from threading import Event

from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from scaisend.messages import event as events
from scaisend.messages.event import Event as Happened
from scaisend.messages.record import Change, record
from scaisend.reporting import deliveries_store, webhooks_store
from scaisend.reporting.counts import ALL, CATEGORY, COLUMNS, Counts
from scaisend.reporting.deliveries_store import Delivery, NewDelivery
from scaisend.reporting.events_store import event_bound, told_after, told_by_ids
from scaisend.reporting.periods import day_of
from scaisend.reporting.statistics_store import categories_of, live_counts
from scaisend.reporting.statistics_worker import StatisticsWorker
from scaisend.reporting.sums_store import replace_day_across_tenants
from scaisend.reporting.webhook import ENDPOINT, TOLD, OAuth, Webhook
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.base import ReactorTestCase
from tests.world.mariadb import private_mariadb
from tests.world.messages import Made, To, insert_message
from tests.world.tenants import NOW, id_maker

WEBHOOK = Webhook(
    id="wh_1", tenant_id="tnt_a", model=ENDPOINT, url="https://a.example.com/", is_enabled=True, events=TOLD, friendly_name="grüße", sealed_secret=b"\x00\xff",
    oauth=OAuth("me", "https://id.example.com/"), public_key="", failures=0, disabled_reason=None, created_at=NOW, updated_at=NOW,
)


class MariadbTests(ReactorTestCase):
    async def setUp(self) -> None:
        server = private_mariadb()
        server.start()
        self.database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=2)
        self.addCleanup(self.database.close)
        self.ids = id_maker()
        await self.database.run(webhooks_store.add_webhook, "tnt_a", WEBHOOK)

    async def happened(self, payload: object = None) -> Made:
        def make(txn: Txn) -> Made:
            made = insert_message(txn, self.ids, "tnt_a", [To(status="sending")])
            txn.execute("UPDATE mail_requests SET payload = :p WHERE id = :id", {"p": json.dumps(payload or {}), "id": made.request_id})
            record(txn, self.ids, [Change(Happened(events.DELIVERED, "tnt_a", made.id, made.recipients[0], NOW, {"response": "250 ✓"}))], NOW)
            return made

        return await self.database.run(make)

    async def test_from_the_outbox_to_the_end(self) -> None:
        """The row of a webhook comes back whole; an event goes through outbox, delivery, claim and result; a webhook is switched off."""
        self.assertEqual(await self.database.read(webhooks_store.webhook_across_tenants, "wh_1"), WEBHOOK)
        made = await self.happened({"custom_args": {"order": "ü1"}, "headers": {"Message-ID": "<x@a.test>"}, "content": [{"type": "text/html", "value": "x" * 100_000}]})
        self.assertEqual(await self.database.read(deliveries_store.tenants_in_outbox_across_tenants), ["tnt_a"])
        (row,) = await self.database.run(deliveries_store.outbox_of, "tnt_a", 10)
        await self.database.run(deliveries_store.add_deliveries, "tnt_a", [NewDelivery("whd_0", "wh_1", [row.event_id])], NOW)
        await self.database.run(deliveries_store.drop_from_outbox, "tnt_a", [row.number])
        self.assertEqual(await self.database.read(deliveries_store.due_webhooks_across_tenants, NOW, 10), [("wh_1", "whd_0")])
        (claimed,) = await self.database.run(deliveries_store.claim_across_tenants, "wh_1", 5, "att_1", NOW + 60, NOW)
        (told,) = await self.database.read(told_by_ids, "tnt_a", claimed.event_ids)
        self.assertEqual((told.custom_args, told.headers, told.detail, told.message_id), ({"order": "ü1"}, {"Message-ID": "<x@a.test>"}, {"response": "250 ✓"}, made.id))
        self.assertEqual(len(await self.database.read(told_after, "tnt_a", after="", before=event_bound(NOW + 9), types=TOLD, most=5)), 2)
        self.assertTrue(await self.database.run(deliveries_store.settle, "tnt_a", "whd_0", "att_1", status="failed", answer="500", due_at=None, now=NOW))
        for count in (1, 2):
            settled = await self.database.run(webhooks_store.note_failure, "tnt_a", "wh_1", 2, "because", NOW)
            self.assertEqual((settled.failures, settled.was_switched_off), (count, count == 2))
        self.assertEqual(await self.database.run(deliveries_store.forget_deliveries_across_tenants, 4e9, 10), 1)

    async def test_statistics(self) -> None:
        """Events are counted once, live before and exact after, and a spoiled day is put right."""
        for _ in range(3):
            await self.happened()
        day = day_of(NOW)
        worker = StatisticsWorker(database=self.database, now_s=lambda: NOW + 600, reached=lambda point: None)

        async def delivered() -> dict[str, int]:
            found = await self.database.read(live_counts, "tnt_a", day, day, ALL, None, NOW + 600)
            return {metric: value for each in found for metric, value in zip(COLUMNS, each.values, strict=True) if value}

        before = await delivered()
        self.assertEqual(before, {"processed": 3, "requests": 3, "delivered": 3})
        for _ in range(2):
            await worker.turn()
            self.assertEqual(await delivered(), before)
        await self.happened()
        await self.database.run(replace_day_across_tenants, day.isoformat(), Counts({("tnt_a", day.isoformat(), CATEGORY, "x", "opens"): 1}))
        await worker.turn()
        await worker.recount(day)
        self.assertEqual((await delivered())["delivered"], 4)
        self.assertEqual(await self.database.read(categories_of, "tnt_a", "", 50, NOW + 600), [])

    async def test_claims_pass_each_other_by(self) -> None:
        """Two processes that claim at once get different deliveries, and neither waits for the other."""
        await self.database.run(deliveries_store.add_deliveries, "tnt_a", [NewDelivery(f"whd_{n}", "wh_1", ["evt_1"]) for n in range(6)], NOW)
        locked, done = Event(), Event()

        def hold(txn: Txn) -> list[Delivery]:
            found = deliveries_store.claim_across_tenants(txn, "wh_1", 3, "att_1", NOW + 60, NOW)
            locked.set()
            done.wait(10)
            return found

        first = self.database.run(hold)
        await deferToThread(locked.wait, 10)
        second = await self.database.run(deliveries_store.claim_across_tenants, "wh_1", 6, "att_2", NOW + 60, NOW)
        done.set()
        mine = {each.id for each in await first}
        self.assertEqual((len(mine), mine & {each.id for each in second}), (3, set()))
