from scaisend.faults import Invalid, Unauthenticated
from scaisend.identity.provider_events import Event, check_signature, read_event, sign
from scaisend.identity.provider_news import GROUPS, TENANTS, USERS, Told
from tests.base import PlainTestCase

NOW = 1_800_000_000
ENVELOPE = {"event_id": "e1", "timestamp": NOW, "actor": {"id": "x"}}


class SignatureTests(PlainTestCase):
    def refused(self, header: str | None, body: bytes = b"{}", now_s: float = NOW) -> str:
        with self.assertRaises(Unauthenticated) as caught:
            check_signature(header, body, secret="s3cret", now_s=now_s)
        return str(caught.exception)

    def test_good_ones(self) -> None:
        """The last five minutes and the next; one of several signatures suffices while the secret changes."""
        header = sign("s3cret", b"{}", NOW)
        for now_s in (NOW - 300, NOW, NOW + 300):
            check_signature(header, b"{}", secret="s3cret", now_s=now_s)
        check_signature(header.replace("v1=", "v1=00,v1="), b"{}", secret="s3cret", now_s=NOW)
        self.assertEqual(sign("s3cret", b"{}", 1), "t=1,v1=3aef069923b329162e71de34136b0ef6ee4b9253867069748da3fc3680c71406")  # as openssl says

    def test_wrong_ones(self) -> None:
        """Another secret, body or time, no header, no time, two times: refused in the same words; old ones say so."""
        good = sign("s3cret", b"{}", NOW)
        wrong = [
            None, "", "t=,v1=", sign("other", b"{}", NOW), sign("s3cret", b"{ }", NOW), good.replace(f"t={NOW}", f"t={NOW + 1}"), f"t=1,{good}",
            good.replace("v1=", "v0="), "t=1e9,v1=x", f"t={NOW},v1=é", f"t={NOW}", "v1=" + "0" * 64, f"t={NOW}," + "v1=0," * 50 + good.partition(",")[2],
        ]
        self.assertEqual(len({self.refused(each) for each in wrong}), 1)
        for now_s in (NOW - 301, NOW + 301):
            self.assertIn("five minutes", self.refused(good, now_s=now_s))


class ReadEventTests(PlainTestCase):
    def read(self, kind: str, **more: object) -> Event:
        return read_event({**ENVELOPE, "event_type": kind, **more}, client_id="ours")

    def fields(self, given: object) -> list[str | None]:
        with self.assertRaises(Invalid) as caught:
            read_event(given, client_id="ours")
        return [each.field for each in caught.exception.faults]

    def test_changes(self) -> None:
        """The type decides the status; what data does not say the envelope does; updated_at is the moment."""
        told = self.read("tenant.updated", partner_id="p1", data={"id": "t1", "name": "Acme", "status": "ACTIVE", "updated_at": NOW - 5}).told
        self.assertEqual(told, Told(TENANTS, "t1", NOW - 5, {"name": "Acme", "status": "active"}, {"partner_id": "p1"}))
        for verb, status in (("suspended", "suspended"), ("activated", "active"), ("deleted", "deactivated")):
            told = self.read(f"user.{verb}", tenant_id="t1", partner_id="p1", resource={"type": "user", "id": "u1"}, data={"status": "ACTIVE"}).told
            self.assertEqual(told, Told(USERS, "u1", NOW, {"status": status}, {"tenant_id": "t1"}))
        self.assertEqual(self.read("partner.deleted", resource="p1").told.columns, {"status": "deactivated"})  # type: ignore[union-attr]

    def test_memberships(self) -> None:
        """A membership names group and user, in either form."""
        expected = Told(GROUPS, "g1", NOW, {}, {"tenant_id": "t1"})
        for data in ({"group_id": "g1", "user_id": "u1"}, {"group_id": "g1", "member": {"id": "u1"}}, {"group_id": "g1", "user": {"id": "u1"}}):
            found = self.read("group.member_added", tenant_id="t1", data=data)
            self.assertEqual((found.effect, found.told, found.user_id, found.is_in), ("membership", expected, "u1", True))
        found = self.read("group.member_removed", tenant_id="t1", resource={"id": "g1"}, data={"user_id": "u1"})
        self.assertEqual((found.told, found.is_in), (expected, False))

    def test_assignments(self) -> None:
        """Those of this application count, those of others do not."""
        found = self.read("application.user_unassigned", tenant_id="t1", resource={"id": "ours"}, data={"user_id": "u1"})
        self.assertEqual((found.effect, found.user_id, found.is_in), ("assignment", "u1", False))
        self.assertEqual(found.told, Told(USERS, "u1", NOW, {}, {"tenant_id": "t1"}))
        self.assertTrue(self.read("application.user_assigned", data={"user_id": "u1", "client_id": "ours"}).is_in)
        self.assertEqual(self.read("application.user_assigned", data={"user_id": "u1", "client_id": "theirs"}).effect, "none")

    def test_unknown_types_have_no_effect(self) -> None:
        """Whatever their data is."""
        for kind in ("user.renamed", "group.suspended", "invoice.created", "user", "user.", "application.updated"):
            self.assertEqual((self.read(kind, data=[1]).effect, self.read(kind).told), ("none", None))

    def test_faults(self) -> None:
        """Each names its field."""
        self.assertEqual(self.fields([]), [None, "event_type", "event_id", "timestamp"])
        self.assertEqual(self.fields({**ENVELOPE, "event_type": "user.updated", "event_id": "é", "timestamp": "x"}), ["event_id", "timestamp"])
        self.assertEqual(self.fields({**ENVELOPE, "event_type": "user.updated", "data": {"updated_at": "x"}}), ["data.id", "data.updated_at"])
        self.assertEqual(self.fields({**ENVELOPE, "event_type": "group.member_added", "data": {}}), ["data.id", "data.user_id"])
        self.assertEqual(self.fields({**ENVELOPE, "event_type": "application.user_assigned", "resource": "ours"}), ["data.user_id"])
