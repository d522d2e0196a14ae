from scaisend.delivery.destination import BACKING_OFF, OPEN, PAUSED, DestinationState
from scaisend.delivery.destinations_store import keep_states_across_tenants, kept_across_tenants
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW


class DestinationsTests(PlainTestCase):
    def test_kept_while_something_is_to_be_said(self) -> None:
        """A destination is stored while it is left alone or paused, with the latest that was said, and forgotten afterwards."""
        database = inline_database()
        states = [
            DestinationState("mx.a.test", BACKING_OFF, NOW + 15.5, 1, "421 busy"), DestinationState("mx.b.test", PAUSED, None, 0, None),
            DestinationState("mx.a.test", BACKING_OFF, NOW + 30.5, 2, "421 " + "x" * 600), DestinationState("mx.c.test", OPEN, None, 0, None),
        ]
        database.now(keep_states_across_tenants, states, NOW)
        kept = database.now(kept_across_tenants)
        self.assertEqual([(each.state.name, each.state.state, each.state.retry_at, each.state.failures) for each in kept], [
            ("mx.a.test", BACKING_OFF, NOW + 30.5, 2), ("mx.b.test", PAUSED, None, 0),
        ])
        self.assertEqual(len(kept[0].state.last_reply or ""), 512)
        database.now(keep_states_across_tenants, [DestinationState("mx.a.test", OPEN, None, 0, None)], NOW)
        self.assertEqual([each.state.name for each in database.now(kept_across_tenants)], ["mx.b.test"])
        self.assertEqual(database.now(kept_across_tenants, after="mx.b.test"), [])
        self.assertEqual([[each.state.name for each in database.now(kept_across_tenants, names=names)] for names in (("mx.b.test", "x"), ("x",))], [["mx.b.test"], []])
        database.now(keep_states_across_tenants, [], NOW)
