from dataclasses import replace
from threading import Barrier
from threading import Event as Happened

import orjson
from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.caller import SERVICE, Caller
from scaisend.identity.instance_store import identity_epoch
from scaisend.identity.people_store import make_partner, make_tenant
from scaisend.identity.settings_store import change_setting
from scaisend.messages import event as events
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from scaisend.reporting import forwards_store as store
from scaisend.reporting.forward_worker import take
from scaisend.sending.accept import accept
from scaisend.storage.database import Database, Row, Txn
from scaisend.storage.pool import open_database
from tests.base import ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.messages import To, insert_message
from tests.world.road import add_verified_domain, submission
from tests.world.tenants import NOW, id_maker

SETTING = "forward_bounce"
HOUR = int(NOW // 3_600) * store.HOUR_US


class ForwardsStore(ReactorTestCase):
    async def test_on_sqlite(self) -> None:
        await self.check(inline_database())

    async def test_on_mariadb(self) -> None:
        server = private_mariadb()
        server.start()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=2)
        self.addCleanup(database.close)
        await self.check(database)

    async def test_two_processes_at_once(self) -> None:
        """Both took the row and write its mail in the same moment: the request id is accepted once."""
        server = private_mariadb()
        server.start()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=2)
        self.addCleanup(database.close)
        self.ids = id_maker()
        mine, _ = await database.run(self.make)
        taken = await database.run(take, mine, SETTING, HOUR, self.ids, NOW)
        caller = Caller(mine, taken.partner_id, SERVICE, frozenset({"mail.send"}), epoch=await database.read(identity_epoch))
        met, passed = Barrier(2), Happened()

        def write(txn: Txn) -> object:
            identity_epoch(txn)
            if not passed.is_set():  # a rerun after a deadlock meets nobody
                met.wait(10)
                passed.set()
            given = submission(self.ids, caller, orjson.dumps(taken.tellings[0].body))
            return accept(txn, self.ids, [replace(given, request_id=taken.tellings[0].request_id, is_ours=True)])

        await gatherResults([database.run(write) for _ in range(2)])

        def count(txn: Txn) -> list[Row]:
            return txn.rows("SELECT COUNT(*) FROM messages WHERE tenant_id = :t AND request_id = :r", {"t": mine, "r": taken.tellings[0].request_id})

        self.assertEqual(await database.read(count), [(1,)])

    async def check(self, database: Database) -> None:
        """Rows are taken in order, keep the request that was chosen, and are nobody's but their tenant's."""
        self.ids = id_maker()
        tenants = await database.run(self.make)
        for tenant_id in tenants:
            self.assertIn((tenant_id, SETTING, HOUR), await database.read(store.due_across_tenants, NOW))
        mine, theirs = tenants
        taken = await database.run(take, mine, SETTING, HOUR, self.ids, NOW)
        again = await database.run(take, mine, SETTING, HOUR, self.ids, NOW)
        self.assertEqual([each.request_id for each in taken.tellings], [each.request_id for each in again.tellings])
        self.assertEqual([each.body["subject"] for each in taken.tellings], ["Bounce: a@r.test", "Bounce: b@r.test", "Bounce: c@r.test"])
        first, second, third = (each.event_id for each in taken.tellings)
        for function, arguments in (
            (store.close, (first,)), (store.drop, ([first],)), (store.choose_request, (first, "x" * 22)), (store.put_off_rest, (SETTING, HOUR, [], NOW + 9)),
            (store.drop_open, (SETTING, HOUR, [])),
        ):
            await database.run(function, theirs, *arguments)  # type: ignore[arg-type]
        self.assertEqual(await database.run(store.reports, theirs, [first]), {})
        self.assertEqual(await database.run(store.first_of_hour, theirs, SETTING, HOUR, 9), [])
        self.assertEqual(await database.run(take, mine, SETTING, HOUR, self.ids, NOW), taken)

        await database.run(store.close, mine, first)
        await database.run(store.put_off_rest, mine, SETTING, HOUR, [first, second], NOW + 9)
        self.assertEqual(await database.run(store.rest_of_hour, mine, SETTING, HOUR, [first, second]), (1, store.Forward(third, taken.tellings[2].request_id, True)))
        await database.run(store.drop_open, mine, SETTING, HOUR, [second])
        self.assertEqual([(each.event_id, each.is_open) for each in await database.run(store.first_of_hour, mine, SETTING, HOUR, 9)], [(first, False), (second, True)])

    def make(self, txn: Txn) -> list[str]:
        """Two tenants with a verified domain; the first has three bounces, the second two."""
        partner = make_partner(txn, self.ids, name="P", now_s=NOW)
        tenants = [make_tenant(txn, self.ids, name=name, partner_id=partner.id, now_s=NOW).id for name in ("A", "B")]
        for tenant_id, names in zip(tenants, ("abc", "xy"), strict=True):
            add_verified_domain(txn, tenant_id)
            change_setting(txn, tenant_id, "mail_settings", SETTING, {"enabled": True, "email": "ops@a.test"}, now_s=NOW)
            for name in names:
                made = insert_message(txn, self.ids, tenant_id, [To(email=f"{name}@r.test", status="sending")])
                record(txn, self.ids, [Change(Event(events.BOUNCE, tenant_id, made.id, made.recipients[0], NOW, {"response": "550 ü"}))], NOW)
        return tenants
