from scaisend.caller import Caller
from scaisend.faults import Forbidden, Unauthenticated
from scaisend.identity.api_key import hash_of
from scaisend.identity.instance_store import identity_epoch
from scaisend.identity.keys_store import (
    change_key,
    check_callers,
    credentials_across_tenants,
    find_credential,
    key,
    key_count,
    keys,
    note_keys_used,
    revoke_key,
)
from scaisend.identity.people_store import make_tenant, set_tenant_status
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, caller_with, id_maker, make_a_key, make_a_tenant


class StoreTestCase(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.ids = id_maker()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.other = make_a_tenant(self.database, self.ids, "Other")
        self.secret = make_a_key(self.database, self.ids, self.tenant.id, ["mail.send", "alerts.read"])
        self.caller = caller_with(self.database, self.secret)

    def epoch(self) -> int:
        return self.database.now(identity_epoch)


class KeyTests(StoreTestCase):
    def test_the_key_itself_is_not_stored(self) -> None:
        """Neither the key nor more than its shown prefix is anywhere in the database."""
        dump = "\n".join(self.database.connection.iterdump())
        self.assertIn(self.secret[:12], dump)
        self.assertNotIn(self.secret[8:24], dump)
        self.assertNotIn(self.secret[16:], dump)

    def test_a_key_reads_as_it_was_made(self) -> None:
        """Name, scopes as given, kind and expiry come back; moments to the microsecond."""
        make_a_key(self.database, self.ids, self.tenant.id, is_test=True, expires_at=NOW + 0.25)
        first, second = self.database.now(keys, self.tenant.id, most=10)
        self.assertEqual((first.id, first.scopes, first.is_test, first.expires_at), (self.caller.credential_id, ("mail.send", "alerts.read"), False, None))
        self.assertEqual((second.is_test, second.expires_at, second.created_at, second.prefix[:8]), (True, NOW + 0.25, NOW, "sg_test_"))
        self.assertEqual(self.database.now(keys, self.tenant.id, most=1), [first])
        self.assertEqual(self.database.now(key, self.tenant.id, first.id), first)

    def test_another_tenant_sees_and_changes_nothing(self) -> None:
        """With another tenant's id in hand a key cannot be seen, counted, changed or revoked."""
        there, key_id = self.other.id, self.caller.credential_id
        self.assertEqual(self.database.now(keys, there, most=10), [])
        self.assertEqual(self.database.now(key_count, there), 0)
        self.assertIsNone(self.database.now(key, there, key_id))
        self.database.now(change_key, there, key_id, name="taken", scopes=["admin.api_keys"])
        self.assertFalse(self.database.now(revoke_key, there, key_id, revoked_at=NOW))
        self.database.now(note_keys_used, [(there, key_id)], NOW)
        found = self.database.now(key, self.tenant.id, key_id)
        self.assertEqual((found.name, found.scopes, found.last_used_at), ("a key", ("mail.send", "alerts.read"), None))

    def test_a_revoked_key_is_gone(self) -> None:
        """A revoked key is in no list, makes room for another, and cannot be revoked or changed again."""
        key_id = self.caller.credential_id
        self.assertTrue(self.database.now(revoke_key, self.tenant.id, key_id, revoked_at=NOW))
        self.assertFalse(self.database.now(revoke_key, self.tenant.id, key_id, revoked_at=NOW))
        self.assertEqual(self.database.now(keys, self.tenant.id, most=10), [])
        self.assertEqual(self.database.now(key_count, self.tenant.id), 0)
        self.assertIsNone(self.database.now(key, self.tenant.id, key_id))
        self.assertEqual(self.database.now(find_credential, hash_of(self.secret)).revoked_at, NOW)

    def test_every_change_moves_the_epoch(self) -> None:
        """A key made, changed or revoked, a tenant made or suspended: each ends what others remember."""
        key_id, before = self.caller.credential_id, self.epoch()
        acts = [
            lambda: make_a_key(self.database, self.ids, self.tenant.id),
            lambda: self.database.now(change_key, self.tenant.id, key_id, name="n", scopes=["mail.send"]),
            lambda: self.database.now(revoke_key, self.tenant.id, key_id, revoked_at=NOW),
            lambda: self.database.now(set_tenant_status, self.tenant.id, "suspended", now_s=NOW),
            lambda: self.database.now(make_tenant, self.ids, name="New", partner_id=self.tenant.partner_id, now_s=NOW),
        ]
        for act in acts:
            act()
            before, last = self.epoch(), before
            self.assertGreater(before, last)

    def test_last_use(self) -> None:
        """Last uses are written for many keys of many tenants at once, and move no epoch."""
        there = caller_with(self.database, make_a_key(self.database, self.ids, self.other.id))
        before = self.epoch()
        pairs = [(self.tenant.id, self.caller.credential_id), (self.other.id, there.credential_id)]
        self.database.now(note_keys_used, pairs, NOW + 60)
        for tenant_id, key_id in pairs:
            self.assertEqual(self.database.now(key, tenant_id, key_id).last_used_at, NOW + 60)
        self.assertEqual(self.epoch(), before)

    def test_credentials_in_one_query(self) -> None:
        """Several hashes are answered at once, unknown ones left out, each with its own tenant."""
        there = make_a_key(self.database, self.ids, self.other.id)
        found = self.database.now(credentials_across_tenants, [hash_of(self.secret), hash_of(there), bytes(32)])
        self.assertEqual({each.tenant_id for each in found.values()}, {self.tenant.id, self.other.id})
        self.assertEqual(set(found), {hash_of(self.secret), hash_of(there)})
        self.assertEqual(self.database.now(credentials_across_tenants, []), {})


class CheckCallersTests(StoreTestCase):
    def check(self, *callers, now_s: float = NOW, needed=None):  # type: ignore[no-untyped-def]
        return self.database.now(check_callers, callers, now_s, needed)

    def queries(self, *callers) -> int:  # type: ignore[no-untyped-def]
        seen: list[str] = []
        self.database.connection.set_trace_callback(lambda sql: seen.append(sql) if sql.startswith("SELECT") else None)
        self.check(*callers)
        self.database.connection.set_trace_callback(None)
        return len(seen)

    def test_nothing_changed(self) -> None:
        """While identity did not change the check is one query, and all pass."""
        self.assertEqual(self.check(self.caller, self.caller), [None, None])
        self.assertEqual(self.queries(self.caller, self.caller), 1)
        self.assertIsInstance(self.check(self.caller, needed=[{"mail.schedule"}])[0], Forbidden)
        self.assertEqual(self.check(), [])

    def test_changed_elsewhere(self) -> None:
        """When something else changed, the callers are asked for by one more query, and pass."""
        there = caller_with(self.database, make_a_key(self.database, self.ids, self.other.id))
        make_a_key(self.database, self.ids, self.other.id)
        self.assertEqual(self.check(self.caller, there, self.caller), [None, None, None])
        self.assertEqual(self.queries(self.caller, there, self.caller), 2)

    def test_revoked_between_door_and_commit(self) -> None:
        """A key revoked after the door let it in is refused in the transaction, and only that one."""
        there = caller_with(self.database, make_a_key(self.database, self.ids, self.other.id))
        self.database.now(revoke_key, self.tenant.id, self.caller.credential_id, revoked_at=NOW)
        refused, passed = self.check(self.caller, there)
        self.assertIsInstance(refused, Unauthenticated)
        self.assertIsNone(passed)

    def test_suspended_between_door_and_commit(self) -> None:
        """A tenant suspended meanwhile is forbidden."""
        self.database.now(set_tenant_status, self.tenant.id, "suspended", now_s=NOW)
        self.assertIsInstance(self.check(self.caller)[0], Forbidden)

    def test_expired_and_changed(self) -> None:
        """A key that expired meanwhile is refused as soon as it is asked about."""
        caller = caller_with(self.database, make_a_key(self.database, self.ids, self.tenant.id, expires_at=NOW + 5))
        make_a_key(self.database, self.ids, self.other.id)
        self.assertEqual(self.check(caller, now_s=NOW + 4), [None])
        self.assertIsInstance(self.check(caller, now_s=NOW + 5)[0], Unauthenticated)

    def test_permission_taken_away(self) -> None:
        """A key whose scopes were cut is refused what it may not do any more, and keeps the rest."""
        self.database.now(change_key, self.tenant.id, self.caller.credential_id, name="n", scopes=["mail.send"])
        self.assertEqual(self.check(self.caller), [None])
        refused = self.check(self.caller, needed=[{"mail.send", "mail.schedule"}])[0]
        self.assertIsInstance(refused, Forbidden)
        self.database.now(change_key, self.tenant.id, self.caller.credential_id, name="n", scopes=["stats.read"])
        self.assertEqual(str(self.check(self.caller)[0]), "access forbidden")

    def test_permission_given(self) -> None:
        """A permission that the key was given after its verdict counts in the transaction."""
        self.database.now(change_key, self.tenant.id, self.caller.credential_id, name="n", scopes=["mail.send", "mail.schedule"])
        self.assertEqual(self.check(self.caller, needed=[{"mail.send", "mail.schedule"}]), [None])

    def test_a_caller_from_nowhere(self) -> None:
        """A caller with an unknown hash and an old epoch is refused: what cannot be asked again is not trusted."""
        stranger = Caller(tenant_id=self.tenant.id, partner_id="prt", credential_id="key_x", permissions=frozenset(("mail.send",)), epoch=-1)
        self.assertIsInstance(self.check(stranger)[0], Unauthenticated)
