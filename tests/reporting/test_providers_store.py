import orjson

from scaisend.messages import event as events
from scaisend.reporting.events_store import event_bound
from scaisend.reporting.providers_store import FRESH_S, learn_providers_across_tenants, providers_across_tenants
from tests.base import PlainTestCase
from tests.reporting.test_statistics_worker import Statistics
from tests.world.messages import To


class ProvidersStoreTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = Statistics()

    def learn(self, host: str | None, *domains: str, kind: str = events.DELIVERED) -> dict[str, str]:
        self.world.mails[0] = self.world.mail(To(email="bob@Shop.example"))
        self.world.write(kind, 0, detail=orjson.dumps({"host": host} if host else {}).decode())
        self.world.database.now(learn_providers_across_tenants, set(domains), "", event_bound(self.world.now + 9), self.world.now)
        return self.world.database.now(providers_across_tenants, set(domains))

    def test_deliveries_tell(self) -> None:
        """The host that took mail; one that nobody knows is Other; a domain that is known by its name is not looked at."""
        self.assertEqual(self.learn(None, "shop.example"), {})
        self.assertEqual(self.learn("mx.odd.example", "shop.example", kind=events.BOUNCE), {})
        self.assertEqual(self.learn("aspmx.l.google.com", "shop.example", "gmail.com", "bücher.example", "x" * 300), {"shop.example": "Google Workspace", "gmail.com": "Gmail"})
        self.assertEqual(self.world.database.rows("SELECT domain FROM mailbox_domains"), [("shop.example",)])

    def test_a_domain_moves(self) -> None:
        """What is known is kept for a month, and after that until a delivery tells otherwise."""
        self.learn("mx.odd.example", "shop.example")
        self.world.database.connection.execute("DELETE FROM events")
        self.assertEqual(self.learn("x.mail.protection.outlook.com", "shop.example"), {"shop.example": "Other"})
        self.world.now += FRESH_S + 1
        self.world.database.connection.execute("DELETE FROM events")
        self.assertEqual(self.learn(None, "shop.example"), {"shop.example": "Other"})
        self.world.database.connection.execute("DELETE FROM events")
        self.assertEqual(self.learn("x.mail.protection.outlook.com", "shop.example"), {"shop.example": "Microsoft 365"})
