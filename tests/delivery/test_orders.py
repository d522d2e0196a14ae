from scaisend.delivery.lanes import Override
from scaisend.delivery.mx import Exchange
from scaisend.delivery.orders import Order, exchange_of, read_host, read_limits, read_name, read_route, standing
from scaisend.faults import Invalid
from tests.base import PlainTestCase


class OrdersTests(PlainTestCase):
    def test_names(self):
        """Domains become A-labels in lower case; names of MX sets stay; what is neither is refused."""
        for given, name in (
            ("Example.COM.", "example.com"), ("müller.example", "xn--mller-kva.example"), ("mx1.a.test,mx2.a.test", "mx1.a.test,mx2.a.test"),
            ("mx.test:2525", "mx.test:2525"), ("192.0.2.1", "192.0.2.1"),
        ):
            self.assertEqual(read_name(given), name)
        for given in ("", "a b", "*", "x" * 256, "a\r\nb"):
            self.assertEqual(self.assertRaises(Invalid, read_name, given).faults[0].field, "name")
        self.assertEqual(read_name("*", limits=True), "*")

    def test_routes(self):
        """A host, with a port or without; nothing that would be another setting."""
        for given, route in (("mx.test", "mx.test:25"), ("mx.test:2525", "mx.test:2525"), ("192.0.2.1:25", "192.0.2.1:25"), ("[2001:db8::1]:26", "[2001:db8::1]:26")):
            self.assertEqual(read_route("a.test", given), route)
            self.assertIsNotNone(exchange_of(Order("a.test", route=route)))
        for given in ("", " ", "mx.test:99999", "mx.test:x", "a,b=c", "a\r\nb", "mx.test:0"):
            self.assertEqual(self.assertRaises(Invalid, read_route, "a.test", given).faults[0].field, "route")
        for name in ("mx1.test,mx2.test", "mx.test:25"):
            self.assertRaises(Invalid, read_route, name, "mx.test")
        for given in ("mx.test,*=other.test", "mx.test=x", "m" * 241, "bücher.test"):
            self.assertEqual(self.assertRaises(Invalid, read_host, given).faults[0].field, "route")

    def test_limits(self):
        """Whole connections, any rate from 1; null is as learned."""
        self.assertEqual(read_limits(3, 60), (3, 60.0))
        self.assertEqual(read_limits(None, None), (None, None))
        for connections, rate, field in ((0, None, "most_connections"), (True, None, "most_connections"), ("3", None, "most_connections"), (None, 0, "most_per_minute"), (None, "x", "most_per_minute")):
            self.assertEqual(self.assertRaises(Invalid, read_limits, connections, rate).faults[0].field, field)

    def test_standing(self):
        """All orders put together."""
        found = standing([
            Order("a.test", is_paused=True), Order("b.test", route="mx.test:2525"), Order("c.test", most_connections=2), Order("d.test", flushed_at=5.0),
        ])
        self.assertEqual(found.paused, {"a.test"})
        self.assertEqual(found.routes, {"b.test": Exchange(0, "mx.test", 2525)})
        self.assertEqual(found.overrides, {"c.test": Override(2, None)})
        self.assertEqual(found.flushed, {"d.test": 5.0})

    def test_what_orders_nothing_is_empty(self):
        """And need not be kept."""
        self.assertTrue(Order("a.test", reason="x").is_empty)
        for order in (Order("a", is_paused=True), Order("a", route="b:25"), Order("a", most_per_minute=1.0), Order("a", flushed_at=1.0)):
            self.assertFalse(order.is_empty)
