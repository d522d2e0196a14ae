"""What the provider tells becomes rows, in whatever order it comes."""

from scaisend.faults import Conflict
from scaisend.identity.api_key import caller_of, hash_of
from scaisend.identity.audit_store import acts
from scaisend.identity.instance_store import identity_epoch
from scaisend.identity.keys_store import find_credential
from scaisend.identity.people_store import roles
from scaisend.identity.provider_events import Event, read_event
from scaisend.identity.provider_news import GROUPS, NOUNS, PARTNERS, TENANTS, USERS, Told
from scaisend.identity.standing_store import standing_across_tenants
from scaisend.identity.syncs_store import begin_sync_across_tenants, move_sync_across_tenants
from scaisend.identity.told_store import (
    deactivate_across_tenants,
    left_across_tenants,
    list_members_across_tenants,
    see_across_tenants,
    take_event_across_tenants,
    tell_across_tenants,
)
from scaisend.identity.users_store import members, users
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, id_maker, make_a_key


class ToldCase(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids, self.count = inline_database(), id_maker(), 0

    def tell(self, noun: str, external_id: str, at: float = NOW, references: dict[str, str | None] | None = None, **columns: str | None) -> str | None:
        return self.database.now(tell_across_tenants, self.ids, Told(noun, external_id, at, columns, references or {}), now_s=NOW)

    def event(self, kind: str, at: float = NOW, *, event_id: str = "", **more: object) -> bool:
        self.count += 1
        given = {"event_id": event_id or f"e{self.count}", "event_type": kind, "timestamp": at, **more}
        return self.database.now(take_event_across_tenants, self.ids, read_event(given, client_id="ours"), now_s=NOW)

    def rows(self, table: str, columns: str = "external_id, name, status") -> list[tuple[object, ...]]:
        return self.database.rows(f"SELECT {columns} FROM {table} ORDER BY external_id")


class TellTests(ToldCase):
    def test_the_newer_word_wins(self) -> None:
        """News that are older than the row are passed over, and telling the same twice moves nothing."""
        self.tell(PARTNERS, "p1", NOW, name="New")
        epoch = self.database.now(identity_epoch)
        self.tell(PARTNERS, "p1", NOW - 1, name="Old", status="suspended")
        self.tell(PARTNERS, "p1", NOW, name="New")
        self.assertEqual((self.rows("partners"), self.database.now(identity_epoch)), ([("p1", "New", "active")], epoch))
        self.tell(PARTNERS, "p1", NOW + 1, status="suspended")
        self.assertEqual(self.rows("partners"), [("p1", "New", "suspended")])

    def test_what_is_referred_to_gets_a_row_until_it_is_told_of(self) -> None:
        """A user before its tenant before its partner: all are there, with the default roles, and later words fill them."""
        tenant = Told(USERS, "u1", NOW, {"email": "u@example.org"}, {"tenant_id": "t1", "partner_id": "p1"})
        self.assertIsNotNone(self.database.now(tell_across_tenants, self.ids, tenant, now_s=NOW))
        self.assertEqual(self.rows("tenants"), [("t1", "t1", "active")])
        self.tell(TENANTS, "t1", 1.0, {"partner_id": "p1"}, name="Acme")
        self.tell(PARTNERS, "p1", 1.0, name="Partner")
        self.assertEqual((self.rows("partners")[0][1], self.rows("tenants")[0][1]), ("Partner", "Acme"))
        (tenant_id,) = self.database.rows("SELECT id FROM tenants")[0]
        self.assertEqual(len(self.database.now(roles, tenant_id)), 3)

    def test_what_belongs_to_nothing_known_is_not_kept(self) -> None:
        """A tenant without a partner, a group without a tenant, a user of a tenant whose partner nobody named."""
        self.assertIsNone(self.tell(TENANTS, "t1"))
        self.assertIsNone(self.tell(GROUPS, "g1", name="Staff"))
        self.assertIsNone(self.tell(USERS, "u1", NOW, {"tenant_id": "t1"}))
        self.assertEqual(self.rows("tenants") + self.rows("users") + self.rows("user_groups"), [])
        self.assertIsNotNone(self.tell(USERS, "root", NOW, {"tenant_id": None}, role="super_admin"))


class EventTests(ToldCase):
    def setUp(self) -> None:
        super().setUp()
        self.tell(PARTNERS, "p1", 1.0, name="P")
        self.tenant = self.tell(TENANTS, "t1", 1.0, {"partner_id": "p1"}, name="T") or ""

    def status(self, external_id: str = "u1") -> str:
        (user_id,) = self.database.rows("SELECT id FROM users WHERE external_id = ?", external_id)[0]
        standing = self.database.now(standing_across_tenants, user_id)
        assert standing is not None
        return standing.status

    def test_an_event_counts_once(self) -> None:
        """The same id again has no effect and leaves no second line in the audit log."""
        self.assertTrue(self.event("user.created", event_id="e", tenant_id="t1", data={"id": "u1", "email": "a@example.org"}))
        self.assertFalse(self.event("user.suspended", NOW + 9, event_id="e", data={"id": "u1"}))
        self.assertEqual(self.status(), "active")
        done = self.database.now(acts, self.tenant, before=None, most=9)
        self.assertEqual([(act.actor, act.action, act.change) for act in done], [("identity provider", "user.created", {"event_id": "e", "email": "a@example.org"})])

    def test_old_event_ids_are_forgotten(self) -> None:
        """After thirty days; the signature's freshness refuses replays long before."""
        self.event("user.created", event_id="old", tenant_id="t1", data={"id": "u1"})
        later = Event("new", "x.y", NOW)
        self.database.now(take_event_across_tenants, self.ids, later, now_s=NOW + 31 * 86_400)
        self.assertEqual(self.database.rows("SELECT event_id FROM provider_events"), [("new",)])

    def test_out_of_order(self) -> None:
        """Whatever order they come in, the newest updated_at stands."""
        events = [("user.created", 1), ("user.suspended", 2), ("user.activated", 3), ("user.suspended", 4)]
        for number, order in enumerate(((0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1))):
            for each in order:
                kind, at = events[each]
                self.event(kind, NOW, tenant_id="t1", data={"id": f"u{number}", "updated_at": NOW + at})
            self.assertEqual(self.status(f"u{number}"), "suspended")

    def test_a_suspended_tenant_or_partner_is_refused_on_the_next_request(self) -> None:
        """And is let in again once it is activated."""
        key = make_a_key(self.database, self.ids, self.tenant)
        for kind, an_id in (("tenant", "t1"), ("partner", "p1")):
            for verb, at in (("suspended", 5), ("activated", 6)):
                self.event(f"{kind}.{verb}", NOW + at, resource={"id": an_id})
                found = self.database.now(find_credential, hash_of(key))
                if verb == "suspended":
                    self.assertRaisesRegex(Exception, "suspended", caller_of, found, NOW)
                else:
                    self.assertEqual(caller_of(found, NOW).tenant_id, self.tenant)

    def test_memberships_out_of_order(self) -> None:
        """A departure that came first is not undone by the older arrival; lists leave alone what is newer than they are."""
        self.event("group.created", tenant_id="t1", data={"id": "g1", "name": "Staff"})
        (group_id,) = self.database.rows("SELECT id FROM user_groups")[0]

        def inside() -> list[str | None]:
            return [each.external_id for each in self.database.now(members, self.tenant, group_id, most=9)]

        def change(kind: str, at: float, user: str) -> None:
            self.event(f"group.member_{kind}", at, tenant_id="t1", resource={"id": "g1"}, data={"user_id": user})

        change("removed", NOW + 2, "u1")
        change("added", NOW + 1, "u1")
        self.assertEqual(inside(), [])
        change("added", NOW + 3, "u1")
        change("removed", NOW + 2, "u1")
        self.assertEqual(inside(), ["u1"])
        group = Told(GROUPS, "g1", NOW)
        self.database.now(list_members_across_tenants, self.ids, group, ["u2"], at=NOW, now_s=NOW)
        self.assertEqual(inside(), ["u1", "u2"])
        change("removed", NOW + 4, "u2")
        self.database.now(list_members_across_tenants, self.ids, group, ["u2"], at=NOW + 3.5, now_s=NOW)
        self.assertEqual(inside(), [])

    def test_assignment(self) -> None:
        """Who is not assigned may do nothing, whatever its status is told to be; the newest word counts."""
        self.event("user.created", tenant_id="t1", data={"id": "u1"})
        self.event("application.user_unassigned", NOW + 2, resource="ours", data={"user_id": "u1"})
        self.event("application.user_assigned", NOW + 1, resource="ours", data={"user_id": "u1"})
        self.event("user.activated", NOW + 3, data={"id": "u1"})
        self.assertEqual(self.status(), "deactivated")
        self.assertEqual(self.database.now(users, self.tenant, most=9)[0].status, "deactivated")
        self.event("application.user_assigned", NOW + 5, resource="ours", data={"user_id": "u1"})
        self.event("user.suspended", NOW + 4, data={"id": "u1"})
        self.assertEqual(self.status(), "suspended")

    def test_an_event_about_nothing_known_is_not_taken(self) -> None:
        """It can be brought again."""
        with self.assertRaises(LookupError):
            self.event("user.created", event_id="early", tenant_id="t9", data={"id": "u1"})
        self.tell(TENANTS, "t9", 1.0, {"partner_id": "p1"})
        self.assertTrue(self.event("user.created", event_id="early", tenant_id="t9", data={"id": "u1"}))


class SyncTests(ToldCase):
    def begin(self, *, is_full: bool = False, at: float = NOW):  # type: ignore[no-untyped-def]
        return self.database.now(begin_sync_across_tenants, self.ids, is_full=is_full, now_s=at)

    def test_a_sync_goes_on_where_it_was_interrupted(self) -> None:
        """The place and the counts are those of the last page; the process that was overtaken is told so."""
        first = self.begin()
        self.assertEqual((first.noun, first.place, first.since, first.is_resumed), ("partners", None, None, False))
        self.database.now(move_sync_across_tenants, first, noun="users", place="c7", counts={"users": 7}, now_s=NOW)
        second = self.begin(at=NOW + 60)
        self.assertEqual((second.id, second.noun, second.place, second.counts, second.is_resumed), (first.id, "users", "c7", {"users": 7}, True))
        with self.assertRaises(Conflict):
            self.database.now(move_sync_across_tenants, first, noun="users", place="c8", counts={}, now_s=NOW)
        self.database.now(move_sync_across_tenants, second, noun="end", place=None, counts={}, now_s=NOW, completed=True)
        third = self.begin(at=NOW + 3_600)
        self.assertEqual((third.since, third.is_full, third.is_resumed), (NOW - 600, False, False))

    def test_what_is_not_resumed(self) -> None:
        """A full one is not satisfied by one of changes, nor any by one of the day before; a full one serves both."""
        changes = self.begin()
        full = self.begin(is_full=True, at=NOW + 1)
        self.assertNotEqual(full.id, changes.id)
        self.assertEqual(self.begin(at=NOW + 2).id, full.id)
        self.assertNotEqual(self.begin(is_full=True, at=NOW + 2 * 86_400).id, full.id)

    def test_what_left_is_deactivated(self) -> None:
        """Of all nouns, but for what was seen, what changed meanwhile, and what the provider never told of."""
        self.tell(PARTNERS, "p1")
        for each in ("t1", "t2", "t3"):
            self.tell(TENANTS, each, NOW, {"partner_id": "p1"})
        sync = self.begin(is_full=True, at=NOW + 10)
        self.database.now(see_across_tenants, TENANTS, ["t1"], sync.id)
        told = Told(TENANTS, "t3", NOW + 20, {"name": "Three"})
        self.database.now(tell_across_tenants, self.ids, told, now_s=NOW + 20)
        self.database.now(see_across_tenants, PARTNERS, ["p1"], sync.id)
        self.assertEqual([self.database.now(left_across_tenants, noun, sync.id, began_at=sync.began_at) for noun in NOUNS], [0, 1, 0, 0])
        self.assertEqual(self.database.now(deactivate_across_tenants, TENANTS, sync.id, began_at=sync.began_at, now_s=NOW + 30), 1)
        self.assertEqual([row[2] for row in self.rows("tenants")], ["active", "deactivated", "active"])
