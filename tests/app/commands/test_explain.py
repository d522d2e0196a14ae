from types import SimpleNamespace

from scaisend.app.commands.explain import explain
from scaisend.faults import NotFound, ScaiSendError
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.messages import To, insert_message
from tests.world.tenants import id_maker, make_a_tenant, now


class ExplainTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids = inline_database(), id_maker()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.made = [self.database.now(insert_message, self.ids, self.tenant.id, [To(), To("bob@x.test")]) for _ in range(3)]

    def ids_of(self, target: str, limit: int = 2, tenant: str | None = None) -> list[tuple[object, int]]:
        options = SimpleNamespace(target=target, limit=limit, tenant=tenant)
        found = now(self, explain(SimpleNamespace(database=self.database), options))
        return [(each["id"], len(each["recipients"])) for each in found]

    def test_ids(self) -> None:
        """A message by its id, by its X-Message-Id, and one recipient of it by SendGrid's msg_id."""
        made = self.made[1]
        self.assertEqual(self.ids_of(made.id), [(made.id, 2)])
        self.assertEqual(self.ids_of(made.request_id), [(made.id, 2)])
        self.assertEqual(self.ids_of(made.msg_id(1)), [(made.id, 1)])

    def test_addresses(self) -> None:
        """The latest mails to an address, newest first."""
        self.assertEqual(self.ids_of("bob@x.test"), [(self.made[2].id, 2), (self.made[1].id, 2)])
        self.assertRaises(NotFound, self.ids_of, "nobody@x.test")

    def test_several_tenants(self) -> None:
        """An id leads to its tenant, unless another one is named; an address needs the tenant to be named."""
        other = make_a_tenant(self.database, self.ids, "Other")
        self.assertEqual(self.ids_of(self.made[0].id), [(self.made[0].id, 2)])
        self.assertRaises(NotFound, self.ids_of, self.made[0].id, 2, other.id)
        self.assertRaises(ScaiSendError, self.ids_of, "bob@x.test")
        self.assertEqual(len(self.ids_of("bob@x.test", 5, self.tenant.id)), 3)
        self.assertRaises(NotFound, self.ids_of, "ü", 2, self.tenant.id)
