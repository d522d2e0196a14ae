from scaisend.reporting.envelope import flat, own_form
from scaisend.reporting.samples import samples
from scaisend.reporting.webhook import TOLD
from tests.base import PlainTestCase
from tests.world.tenants import NOW


class SamplesTests(PlainTestCase):
    def test_one_of_each(self) -> None:
        """Each type that is told has a sample that both forms can show."""
        made = samples("tnt_a", NOW)
        self.assertEqual([each.type for each in made], list(TOLD))
        self.assertEqual({flat(each)["event"] for each in made}, {
            "processed", "deferred", "delivered", "bounce", "dropped", "open", "click", "spamreport", "unsubscribe", "group_unsubscribe", "group_resubscribe",
        })
        self.assertTrue(all(own_form(each)["event_type"] == each.type for each in made))
