from scaisend.delivery.lanes import LaneChange
from scaisend.delivery.shaping import Shape
from scaisend.delivery.shaping_store import (
    changes_across_tenants,
    drop_old_shapes_across_tenants,
    drop_plan_across_tenants,
    keep_plan_across_tenants,
    keep_shapes_across_tenants,
    plans_across_tenants,
    shapes_across_tenants,
    take_across_tenants,
    taken_across_tenants,
)
from scaisend.delivery.warming import Plan, midnight
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW

DAY = midnight(NOW)


class ShapingStoreTests(PlainTestCase):
    def setUp(self):
        super().setUp()
        self.database = inline_database()

    def test_shapes_come_back_whole(self):
        """As they were kept, the last one of each source address at each destination."""
        shape = Shape(3, 12.5, 4, 25.0, NOW - 10, NOW - 5, "451 4.7.28 rate")
        for each in (Shape(5), shape):
            self.database.now(keep_shapes_across_tenants, {("192.0.2.1", "mx.test"): each, ("", "mx.test"): Shape()}, [], NOW)
        found = {each.source: each.shape for each in self.database.now(shapes_across_tenants)}
        self.assertEqual(found, {"192.0.2.1": shape, "": Shape()})
        self.assertEqual(self.database.now(shapes_across_tenants, destination="other"), [])

    def test_changes_are_on_record(self):
        """Newest first, for a week."""
        changes = [LaneChange("", "mx.test", str(n), str(n + 1), "said", NOW + n) for n in range(5)]
        self.database.now(keep_shapes_across_tenants, {}, changes, NOW)
        self.assertEqual(self.database.now(changes_across_tenants, "mx.test", most=2), [changes[4], changes[3]])
        self.database.now(drop_old_shapes_across_tenants, NOW + 8 * 86_400)
        self.assertEqual(self.database.now(changes_across_tenants, "mx.test"), [])

    def test_a_ceiling_is_never_passed(self):
        """However many ask, an hour gives its tenth and a day its whole; a warm address all that is wanted."""
        plan, given = Plan("192.0.2.1", DAY, (50,)), []
        self.database.now(keep_plan_across_tenants, plan, NOW)
        self.assertEqual(self.database.now(plans_across_tenants), [plan])
        for hour in range(12):
            given.append([self.database.now(take_across_tenants, plan, 3, DAY + hour * 3_600) for _ in range(3)])
        self.assertEqual(given, [[3, 2, 0]] * 10 + [[0, 0, 0]] * 2)
        self.assertEqual(sum(self.database.now(taken_across_tenants, plan.source, int(DAY // 3_600)).values()), 50)
        self.assertEqual(self.database.now(take_across_tenants, plan, 1_000, DAY + 86_400), 1_000)
        self.assertTrue(self.database.now(drop_plan_across_tenants, plan.source))
        self.assertFalse(self.database.now(drop_plan_across_tenants, plan.source))
