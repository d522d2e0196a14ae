from scaisend.tracking.personal import CLICK, OPEN, Named
from scaisend.tracking.seen import record_sightings
from scaisend.tracking.verdict import Click, Sighting
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW, id_maker, make_a_tenant


class RecordTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids = inline_database(), id_maker()
        self.tenants = [make_a_tenant(self.database, self.ids, name) for name in ("Acme", "Other")]
        self.made = [
            self.database.now(insert_message, self.ids, each.id, [To(status="delivered", waiting=None, event="delivered")], status="delivered")
            for each in self.tenants
        ]

    def sighting(self, message_id: str, click: Click | None = None, at: float = NOW + 60) -> Sighting:
        return Sighting(Named(CLICK if click else OPEN, message_id, 0), at, "agent", "192.0.2.1", click=click)

    def record(self, *sightings: Sighting) -> list[bool]:
        return self.database.now(record_sightings, self.ids, sightings, NOW + 61)

    def test_each_to_its_tenant(self) -> None:
        """A group may speak of mails of many tenants: each event is its mail's tenant's, at the moment it was seen."""
        self.assertEqual(self.record(*[self.sighting(each.id) for each in self.made]), [True, True])
        rows = self.database.rows("SELECT tenant_id, message_id, happened_at FROM events WHERE type = 'open' ORDER BY message_id")
        self.assertEqual(rows, sorted([(t.id, m.id, int((NOW + 60) * 1e6)) for t, m in zip(self.tenants, self.made, strict=True)], key=lambda row: row[1]))

    def test_forgotten(self) -> None:
        """What is seen of a mail that is not known any more is passed over, and the others are recorded."""
        gone = "msg_" + "0" * 26
        self.assertEqual(self.record(self.sighting(gone), self.sighting(self.made[0].id), self.sighting(gone, Click("https://x.test", 0, False))), [False, True, False])
        self.assertEqual(self.record(), [])

    def test_numbers(self) -> None:
        """Events of one mail have numbers without gaps, as all of history."""
        self.record(*[self.sighting(self.made[0].id, Click("https://x.test", 1, True)) for _ in range(3)])
        rows = self.database.rows("SELECT seq, type FROM events WHERE message_id = ? ORDER BY seq", self.made[0].id)
        self.assertEqual([seq for seq, _ in rows], list(range(1, len(rows) + 1)))
        self.assertEqual([kind for _, kind in rows][-3:], ["click"] * 3)
