from dataclasses import replace

from scaisend.delivery.bulk import (
    DELAY,
    FAIL,
    HOLD,
    REQUEUE,
    REROUTE,
    Queued,
    Wanted,
    may_undo,
    read_plan,
    read_wanted,
    wanted_of,
)
from scaisend.faults import Invalid
from tests.base import PlainTestCase
from tests.world.tenants import NOW

MAIL = Queued("msg_1.0", "msg_1", "tnt_1", "Ann@Example.NET", "deferred", "retry", "shop@Acme.test", "Your order 5", NOW)


class WantedTests(PlainTestCase):
    def test_what_matches(self):
        """All that is asked must hold; case of addresses does not count, that of subjects does."""
        for given, expected in (
            ({}, True), ({"from": "shop@acme.TEST"}, True), ({"from": "@acme.test"}, True), ({"from": "other@acme.test"}, False), ({"to": "ann@example.net"}, True),
            ({"to": "bob@example.net"}, False), ({"to_domain": "Example.net"}, True), ({"to_domain": "example.com"}, False), ({"status": "queued"}, False),
            ({"waiting": "retry"}, True), ({"waiting": "held"}, False), ({"subject_prefix": "Your"}, True), ({"subject_prefix": "your"}, False),
            ({"accepted_before": NOW}, False), ({"accepted_before": NOW + 1}, True), ({"accepted_after": NOW}, True), ({"accepted_after": NOW + 1}, False),
            ({"to_domain": "example.net", "status": "queued"}, False),
        ):
            wanted = read_wanted(given)
            self.assertEqual(wanted.matches(MAIL), expected, given)
            self.assertEqual(wanted_of(wanted.shape()), wanted)
        self.assertFalse(Wanted(domains=()).matches(MAIL))
        self.assertTrue(Wanted(domains=("xn--mller-kva.example",)).matches(replace(MAIL, email="a@müller.example")))

    def test_faults(self):
        """All at once, each with its field."""
        error = self.assertRaises(Invalid, read_wanted, {"form": "x", "to": "", "status": "sent", "waiting": "x", "to_domain": "a b", "accepted_before": "soon", "from": 5})
        self.assertEqual(
            {fault.field for fault in error.faults},
            {"filter.form", "filter.to", "filter.status", "filter.waiting", "filter.to_domain", "filter.accepted_before", "filter.from"},
        )
        self.assertRaises(Invalid, read_wanted, [])


class PlanTests(PlainTestCase):
    def test_plans(self):
        """A fail can be undone for ten minutes; a delay has an end; all say why."""
        plan = read_plan({"action": "fail", "filter": {"to": "a@b.test"}, "reason": " wrong prices "}, NOW)
        self.assertEqual((plan.action, plan.undo_s, plan.reason, plan.wanted.to), (FAIL, 600.0, "wrong prices", "a@b.test"))
        self.assertEqual(read_plan({"action": "hold", "reason": "x", "undo_s": 5}, NOW).undo_s, 5.0)
        self.assertEqual(read_plan({"action": "delay", "reason": "x", "until": NOW + 60}, NOW).until, NOW + 60)
        led = read_plan({"action": "reroute", "reason": "x", "route": "MX.test"}, NOW)
        self.assertEqual((led.route, led.undo_s), ("mx.test:25", 600.0))
        self.assertIsNone(read_plan({"action": "reroute", "reason": "x", "route": None}, NOW).route)
        for given, field in (
            ({"action": "reroute", "reason": "x"}, "route"), ({"action": "reroute", "reason": "x", "route": "a b"}, "route"), ({"action": "reroute", "reason": "x", "route": 5}, "route"),
            ({"action": "fail", "reason": "x", "route": "mx.test"}, "route"), ({"action": "send", "reason": "x"}, "action"), ({"action": "fail"}, "reason"), ({"action": "fail", "reason": "x", "undo_s": -1}, "undo_s"),
            ({"action": "fail", "reason": "x", "until": NOW + 5}, "until"), ({"action": "delay", "reason": "x"}, "until"), ({"action": "fail", "reason": "a\nb"}, "reason"),
            ({"action": "delay", "reason": "x", "until": NOW + 1e6}, "until"), ({"action": "fail", "reason": "x", "filters": {}}, "filters"),
        ):
            self.assertEqual(self.assertRaises(Invalid, read_plan, given, NOW).faults[0].field, field, given)

    def test_until_when_it_can_be_undone(self):
        """Before the action begins; a hold always."""
        for action in (FAIL, REQUEUE, DELAY, REROUTE, HOLD):
            found = {status for status in ("gathering", "waiting", "running", "done", "undoing", "undone") if may_undo(action, status)}
            self.assertEqual(found, {"gathering", "waiting"} | ({"done"} if action == HOLD else set()))
