from scaisend.delivery.destination import BACKING_OFF, DestinationState
from scaisend.delivery.destinations_store import KeptDestination
from scaisend.delivery.lanes import LaneChange
from scaisend.delivery.orders import Order
from scaisend.delivery.overview import change_shape, overview, uses
from scaisend.delivery.shaping import Shape
from scaisend.delivery.shaping_store import Learned
from tests.base import PlainTestCase

NOW = 1_800_000_000.0


class OverviewTests(PlainTestCase):
    def test_nothing_is_nothing(self):
        """And what was learned without a complaint is not worth a line."""
        self.assertEqual(overview((), (), {}, [Learned("", "mx.test", Shape(5), NOW)], NOW), [])

    def test_a_back_off_that_is_over_is_over(self):
        """What was stored against a destination counts until its moment."""
        kept = [KeptDestination(DestinationState("mx.test", BACKING_OFF, at, 2, "421"), NOW) for at in (NOW - 1, NOW + 1)]
        self.assertEqual([overview([each], (), {}, (), NOW)[0]["state"] for each in kept], ["open", "backing_off"])

    def test_the_source_of_the_system_has_a_name(self):
        """Where no source addresses are configured."""
        learned = Learned("", "mx.test", Shape(1, cut_at=NOW), NOW)
        self.assertEqual(overview((), (), {}, [learned], NOW)[0]["limits"][0]["source"], "system")
        self.assertEqual(change_shape(LaneChange("", "mx.test", "a", "b", "c", NOW))["source"], "system")

    def test_orders_stand_above(self):
        """A paused destination is paused, whatever else it is."""
        shown = overview((), [Order("mx.test", is_paused=True), Order("a.test", route="b:25")], {}, (), NOW)
        self.assertEqual([(each["name"], each["state"]) for each in shown], [("a.test", "open"), ("mx.test", "paused")])

    def test_uses(self):
        """Each process by itself."""
        use = {"name": "mx.test", "state": "open", "waiting": 1, "connections": 2, "lanes": []}
        self.assertEqual([each["process"] for each in uses("mx.test", {"b": [use], "a": [use, use | {"name": "other"}]})], ["a", "b"])
