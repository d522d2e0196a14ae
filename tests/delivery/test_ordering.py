from scaisend.delivery import ordering, orders_store
from scaisend.delivery.destination import BACKING_OFF, DestinationState
from scaisend.delivery.destinations_store import keep_states_across_tenants, kept_across_tenants
from scaisend.delivery.lanes import LaneChange
from scaisend.delivery.orders_store import Who
from scaisend.delivery.shaping import Shape
from scaisend.delivery.shaping_store import keep_shapes_across_tenants
from scaisend.faults import Invalid, NotFound
from scaisend.identity.addresses_store import set_addresses
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW, id_maker, make_a_tenant, now

BY = Who("cli")
MX = "mx1.big.test,mx2.big.test"


class OrderingTests(PlainTestCase):
    def setUp(self):
        super().setUp()
        self.database, self.ids = inline_database(), id_maker()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.database.now(orders_store.note_domains_across_tenants, {"big.test": MX, "big2.test": MX, "small.test": "mx.small.test"}, NOW)

    def act(self, coroutine):
        return now(self, coroutine)

    def waiting(self, email, waiting="destination_paused", due_in=3_000, **more):
        made = self.database.now(
            insert_message, self.ids, self.tenant.id, [To(email=email, status="deferred", waiting=waiting, due_at=NOW + due_in, **more)], body=b"mail"
        )
        return made.recipients[0]

    def due(self, recipient_id):
        return self.database.now(lambda txn: txn.row("SELECT due_at FROM recipients WHERE id = :id", {"id": recipient_id})[0]) / 1e6 - NOW

    def audited(self):
        return [row[0] for row in self.database.now(lambda txn: txn.rows("SELECT action FROM audit_log ORDER BY number"))]

    def test_pause_and_resume(self):
        """A pause is an order with a reason; its end makes due what waits for all domains of the destination, and nothing else."""
        before = self.database.now(orders_store.orders_epoch_across_tenants)
        self.act(ordering.pause(self.database, MX, "they asked", BY, NOW))
        (order,) = self.database.now(orders_store.orders_across_tenants)
        self.assertEqual((order.name, order.is_paused, order.reason, order.ordered_by), (MX, True, "they asked", "cli"))
        self.assertGreater(self.database.now(orders_store.orders_epoch_across_tenants), before)
        first, second, other, held, taken = (
            self.waiting("a@big.test"), self.waiting("b@Big2.test", "retry"), self.waiting("c@small.test"), self.waiting("d@big.test", "held", 5e9),
            self.waiting("e@big.test", attempt_id="att_1"),
        )
        self.assertEqual(self.act(ordering.resume(self.database, MX, BY, NOW + 1)).hastened, 2)
        self.assertEqual([self.due(each) for each in (first, second, other, taken)], [4, 4, 3_000, 3_000])
        self.assertGreater(self.due(held), 4e9)
        self.assertEqual(self.database.now(orders_store.orders_across_tenants), [])
        self.assertRaises(NotFound, self.act, ordering.resume(self.database, MX, BY, NOW + 2))
        self.assertEqual(self.audited(), ["destination.pause", "destination.resume"])

    def test_flush(self):
        """What is stored against the domain's destination goes, and what waits for the domain is due."""
        self.database.now(keep_states_across_tenants, [DestinationState(MX, BACKING_OFF, NOW + 900, 5, "421 no")], NOW)
        mail = self.waiting("a@big.test", "destination_backoff")
        self.assertEqual(self.act(ordering.flush(self.database, "big.test", BY, NOW)).hastened, 1)
        self.assertEqual((self.due(mail), self.database.now(kept_across_tenants)), (3, []))
        (order,) = self.database.now(orders_store.orders_across_tenants)
        self.assertEqual((order.name, order.flushed_at), ("big.test", NOW))
        self.database.now(orders_store.drop_old_flushes_across_tenants, NOW + 7_200)
        self.assertEqual(self.database.now(orders_store.orders_across_tenants), [])

    def test_many_pages(self):
        """More recipients than a page has, some of which are due at the same moment."""
        self.patch(__import__("scaisend.delivery.hasten", fromlist=["PAGE"]), "PAGE", 3)
        for number in range(20):
            self.waiting(f"a{number}@{'big' if number % 2 else 'other'}.test", due_in=100 + number // 5)
        self.assertEqual(self.act(ordering.flush(self.database, "big.test", BY, NOW)).hastened, 10)

    def test_reroute(self):
        """A domain is led elsewhere and back; the log has both, with what was before."""
        ordered = self.act(ordering.reroute(self.database, "Big.test", "relay.test:2525", "their MX burns", BY, NOW))
        self.assertEqual((ordered.order.name, ordered.order.route), ("big.test", "relay.test:2525"))
        self.act(ordering.reroute(self.database, "big.test", None, None, BY, NOW))
        self.assertEqual(self.database.now(orders_store.orders_across_tenants), [])
        self.assertEqual(self.audited(), ["destination.reroute"] * 2)
        self.assertRaises(Invalid, self.act, ordering.reroute(self.database, MX, "relay.test", None, BY, NOW))

    def test_limits_are_the_destinations(self):
        """A domain's limits are those of the destination that it leads to."""
        self.act(ordering.limit(self.database, "big.test", 2, 60, "slow them", BY, NOW))
        (order,) = self.database.now(orders_store.orders_across_tenants)
        self.assertEqual((order.name, order.most_connections, order.most_per_minute), (MX, 2, 60.0))
        self.act(ordering.pause(self.database, MX, None, BY, NOW))
        self.assertEqual(self.database.now(orders_store.orders_across_tenants)[0].reason, "slow them")
        self.act(ordering.resume(self.database, MX, BY, NOW))
        self.act(ordering.limit(self.database, "*", 10, None, None, BY, NOW))
        self.act(ordering.limit(self.database, MX, None, None, None, BY, NOW))
        self.assertEqual([each.name for each in self.database.now(orders_store.orders_across_tenants)], ["*"])

    def test_what_a_tenant_is_told(self):
        """Limits of the addresses that its own mail may leave by; another tenant, whose mail leaves by any, is told of all."""
        shapes = {(source, MX): Shape(2, 30.0, cut_at=NOW, reason=f"451 {source} sent <eve@theirs.test> too much") for source in ("192.0.2.1", "192.0.2.2")}
        changes = [LaneChange(source, MX, "5", "2", "451 rate", NOW) for source in ("192.0.2.1", "192.0.2.2")]
        self.database.now(keep_shapes_across_tenants, shapes, changes, NOW)
        self.database.now(set_addresses, self.tenant.id, ["192.0.2.1"], now_s=NOW)
        told = self.database.now(ordering.as_tenant, self.tenant.id, "big.test", NOW)
        self.assertEqual(([each["source"] for each in told["limits"]], told["last_change"]["source"]), (["192.0.2.1"], "192.0.2.1"))
        self.assertEqual(told["limits"][0]["reason"], "451 192.0.2.1 sent <…> too much")
        other = make_a_tenant(self.database, self.ids, "Other")
        self.assertEqual(len(self.database.now(ordering.as_tenant, other.id, "big.test", NOW)["limits"]), 2)

    def test_what_is_seen(self):
        """State, uses of living processes, learned limits, their changes, and orders, in one place."""
        self.database.now(keep_states_across_tenants, [DestinationState(MX, BACKING_OFF, NOW + 900, 5, "421 no")], NOW)
        shape = Shape(2, 30.0, cut_at=NOW, reason="451 4.7.28 rate")
        self.database.now(keep_shapes_across_tenants, {("192.0.2.1", MX): shape}, [LaneChange("192.0.2.1", MX, "5", "2", "451 4.7.28 rate", NOW)], NOW)
        lanes = [{"source": "192.0.2.1", "connections": 2, "most": 2, "per_minute": 30.0, "rate": 30.0}]
        for process, at in (("one", NOW), ("two", NOW), ("dead", NOW - 100)):
            report = [{"name": MX, "state": "open", "waiting": 3, "connections": 2, "retry_at": None, "last_reply": None, "lanes": lanes}]
            self.database.now(orders_store.report_across_tenants, process, report, at)
        self.act(ordering.pause(self.database, "big.test", None, BY, NOW))
        listed = {each["name"]: each for each in self.act(ordering.destinations(self.database, NOW))}
        seen = listed[MX]
        self.assertEqual((seen["state"], seen["waiting"], seen["connections"], seen["processes"], seen["last_reply"]), ("backing_off", 6, 4, 2, "421 no"))
        self.assertEqual(listed["big.test"]["state"], "paused")
        one = self.act(ordering.destination(self.database, "big.test", NOW))
        self.assertEqual((one["name"], one["domains"], one["domain_order"]["paused"]), (MX, ["big.test", "big2.test"], True))
        self.assertEqual((one["limits"][0]["per_minute"], one["changes"][0]["reason"], len(one["in_use"])), (30.0, "451 4.7.28 rate", 2))
        self.assertRaises(NotFound, self.act, ordering.destination(self.database, "unknown.test", NOW))
        told = self.database.now(ordering.as_operator, self.tenant.id, "big.test", NOW)
        self.assertEqual((told["name"], told["state"], told["domain_order"]["by"], told["last_reply"]), (MX, "paused", "cli", "421 no"))
        self.assertEqual((told["limits"][0]["per_minute"], told["last_change"]["reason"]), (30.0, "451 4.7.28 rate"))
        self.assertIsNone(self.database.now(ordering.as_operator, self.tenant.id, "unknown.test", NOW))
        self.database.now(orders_store.end_report_across_tenants, "one")
        self.assertEqual(list(self.database.now(orders_store.reports_across_tenants, NOW)), ["two"])
