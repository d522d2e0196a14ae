"""What operators and tenants are told of a destination."""

from scaisend.delivery.orders import Order
from scaisend.delivery.overview import order_shape, overview
from scaisend.delivery.told import blanked, told_to_operator, told_to_tenant
from tests.base import PlainTestCase
from tests.world.tenants import NOW

ORDER = Order("mx.test", is_paused=True, reason="Acme sends rubbish", ordered_by="root@ops", updated_at=NOW)


class ToldTests(PlainTestCase):
    def known(self, order: Order | None = None, **more: object) -> dict[str, object]:
        return overview((), [Order("mx.test")], {}, (), NOW)[0] | {"order": order and order_shape(order), "limits": [], "changes": []} | more

    def test_a_pause(self) -> None:
        """Both are told, the operator by whom and why; of a pause of the domain too."""
        for known in (self.known(ORDER, state="paused"), self.known(domain="in.test", domain_order=order_shape(ORDER))):
            operators, tenants = told_to_operator(known), told_to_tenant(known, ())
            self.assertEqual((operators["state"], tenants["state"]), ("paused", "paused"))
            self.assertIn(f"resume {'in.test' if 'domain' in known else 'mx.test'}`", str(operators["cure"]))
            self.assertIn("ask there", str(tenants["cure"]))
            self.assertIn("Acme", str(operators))
            self.assertNotIn("Acme", str(tenants))
            self.assertNotIn("root@ops", str(tenants))

    def test_limits(self) -> None:
        """What was learned of the tenant's addresses, or ordered, makes an open destination a limited one."""
        limits = [{"source": source, "connections": 2, "per_minute": 30.0, "complained_at": "2027", "reason": "421"} for source in ("192.0.2.1", "192.0.2.2", "system")]
        told = told_to_tenant(self.known(limits=limits), ("192.0.2.1",))
        self.assertEqual([each["source"] for each in told["limits"]], ["192.0.2.1", "system"])
        self.assertEqual((told["state"], told["meaning"]), ("open", "it takes mail, fewer connections or mails a minute than were tried"))
        ordered = told_to_tenant(self.known(Order("mx.test", most_connections=3)), ())
        self.assertEqual((ordered["ordered_limits"], ordered["meaning"]), ({"connections": 3, "per_minute": None}, told["meaning"]))
        self.assertEqual(told_to_tenant(self.known(), ())["meaning"], "it takes mail")

    def test_addresses_are_blanked(self) -> None:
        """In whatever brackets, with the URL that they are in; the reply stays readable."""
        for text, shown in (
            ("450 4.2.1 <eve@x.test> is over quota", "450 4.2.1 <…> is over quota"), ("421 see https://h.test/?to=eve%40x.test&a=b", "421 see …"),
            ("421 eve@x.test: rate; from=bounces+a=b@y.test", "421 … rate; …"), ("421 4.7.28 too many from 192.0.2.1", "421 4.7.28 too many from 192.0.2.1"),
            (None, None),
        ):
            self.assertEqual(blanked(text), shown)
