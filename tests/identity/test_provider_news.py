from scaisend.faults import Fault
from scaisend.identity.provider_news import GROUPS, PARTNERS, TENANTS, USERS, Told, moment_of, read_told, status_of
from tests.base import PlainTestCase

AT = 1_800_000_000.0


class ReadToldTests(PlainTestCase):
    def read(self, noun: str, given: object) -> Told | list[str | None]:
        """The thing, or the fields of the faults."""
        faults: list[Fault] = []
        told = read_told(noun, given, faults, at=AT)
        return told if told is not None else [each.field for each in faults]

    def test_things(self) -> None:
        """Each kind with its own fields; what is not said is absent; unknown fields are passed over."""
        self.assertEqual(
            self.read(PARTNERS, {"id": "p1", "name": "Ö", "status": "ACTIVE", "updated_at": 5, "logo": {}}),
            Told(PARTNERS, "p1", 5.0, {"name": "Ö", "status": "active"}),
        )
        self.assertEqual(
            self.read(TENANTS, {"id": "t1", "slug": "acme", "partner_id": "p1", "updated_at": "2027-01-15T08:00:00Z"}),
            Told(TENANTS, "t1", AT, {"slug": "acme"}, {"partner_id": "p1"}),
        )
        self.assertEqual(
            self.read(USERS, {"sub": "u1", "email": "a@example.org", "role": "member", "tenant_id": "t1", "partner_id": None}),
            Told(USERS, "u1", AT, {"email": "a@example.org", "role": None}, {"tenant_id": "t1", "partner_id": None}),
        )
        self.assertEqual(
            self.read(GROUPS, {"id": "g1", "tenant_id": "t1", "parent_id": "g0", "members": ["u1", {"user_id": "u2"}, {"id": "u1"}]}),
            Told(GROUPS, "g1", AT, {}, {"tenant_id": "t1", "parent_id": "g0"}, ("u1", "u2")),
        )

    def test_faults(self) -> None:
        """What cannot be kept is named by its field, all of it at once."""
        for noun, given, fields in (
            (USERS, [], [None]), (USERS, {}, ["id"]), (USERS, {"id": "é"}, ["id"]), (USERS, {"id": "x" * 129}, ["id"]),
            (USERS, {"id": "u", "updated_at": "soon", "email": 1}, ["updated_at", "email"]), (TENANTS, {"id": "t", "partner_id": None}, ["partner_id"]),
            (GROUPS, {"id": "g", "members": [1]}, ["members"]), (GROUPS, {"id": "g", "tenant_id": "a\nb"}, ["tenant_id"]),
        ):
            self.assertEqual(self.read(noun, given), fields, given)

    def test_moments(self) -> None:
        """ISO 8601 with and without zone, and unix seconds; nothing else."""
        self.assertEqual([moment_of(each) for each in ("2027-01-15T08:00:00Z", "2027-01-15T08:00:00", "2027-01-15T10:00:00.5+02:00", 12, 1.5)],
                         [AT, AT, AT + 0.5, 12.0, 1.5])
        for wrong in ("", "now", True, -1, 1e12, [], float("nan"), "0001-01-01T00:00:00Z"):
            self.assertIsNone(moment_of(wrong), wrong)

    def test_statuses(self) -> None:
        """What is neither active nor suspended may do nothing."""
        words = ("ACTIVE", "active", "Suspended", "DELETED", "INACTIVE", "PENDING")
        self.assertEqual([status_of(word) for word in words], ["active", "active", "suspended", *["deactivated"] * 3])
