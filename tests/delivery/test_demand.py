from scaisend.delivery.demand import Demand
from scaisend.delivery.mta_sts import ENFORCE, Sts
from tests.base import PlainTestCase


class DemandTests(PlainTestCase):
    def test_equal_demands_are_one(self) -> None:
        """Connections are shared by it; a policy that was published anew under another id, with the same text, changes nothing."""
        one, two = (Demand("verify", True, Sts(ENFORCE, ("mx.in.test",), 86400)) for _ in range(2))
        self.assertEqual({one: 1}[two], 1)
        self.assertNotEqual(one, Demand("verify", False, one.sts))
