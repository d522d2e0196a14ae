from scaisend.identity.audit_store import Act, acts, record_act
from tests.base import PlainTestCase
from tests.world.inline_database import InlineDatabase, inline_database


def record(database: InlineDatabase, tenant_id: str | None, action: str = "thing.do", **more: object) -> None:
    row: dict[str, object] = {
        "actor": "key_1", "resource": "thg_1", "change": None, "source": "192.0.2.1", "request_id": "req_1", "happened_at": 1_800_000_000.25,
    }
    database.now(record_act, tenant_id, action=action, **(row | more))  # type: ignore[arg-type]


class AuditStoreTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()

    def test_an_act_reads_as_it_was_recorded(self) -> None:
        """Actor, action, change and moment come back."""
        record(self.database, "tnt_1", change={"name": "Zoë", "scopes": ["a"]})
        (act,) = self.database.now(acts, "tnt_1", before=None, most=10)
        self.assertEqual(act, Act(
            act.number, "tnt_1", "key_1", "thing.do", "thg_1", {"name": "Zoë", "scopes": ["a"]}, "192.0.2.1", "req_1", 1_800_000_000.25,
        ))

    def test_pages(self) -> None:
        """Acts come newest first, page after page, of one tenant only."""
        for number in range(5):
            record(self.database, "tnt_1", f"thing.{number}")
            record(self.database, "tnt_2", "thing.theirs")
            record(self.database, None, "installation.change")
        seen, before = [], None
        while page := self.database.now(acts, "tnt_1", before=before, most=2):
            seen += [act.action for act in page]
            before = page[-1].number
        self.assertEqual(seen, [f"thing.{number}" for number in (4, 3, 2, 1, 0)])

    def test_overlong_words_are_cut(self) -> None:
        """What a client made too long does not keep the act from being recorded."""
        record(self.database, "tnt_1", request_id="r" * 500, source="s" * 500, resource="x" * 500, actor="a" * 500)
        (act,) = self.database.now(acts, "tnt_1", before=None, most=10)
        self.assertEqual([len(word or "") for word in (act.request_id, act.source, act.resource, act.actor)], [64, 64, 128, 128])
