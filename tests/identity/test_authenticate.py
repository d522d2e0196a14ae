from scaisend.faults import Forbidden, TooManyRequests, Unauthenticated, Unavailable
from scaisend.identity.api_key import Credential, hash_of
from scaisend.identity.authenticate import Authenticator
from scaisend.identity.keys_store import change_key, find_credential, revoke_key
from scaisend.identity.lockout import FAILURES
from scaisend.identity.people_store import set_partner_status, set_tenant_status
from tests.base import PlainTestCase
from tests.world.inline_database import InlineDatabase, inline_database
from tests.world.tenants import NOW, a_lockout, caller_with, id_maker, make_a_key, make_a_tenant, now


class Process:
    """One process's Authenticator, on a database it shares with others; counts what it asks."""

    def __init__(self, database: InlineDatabase, **more: int) -> None:
        self.database = database
        self.queries = 0
        self.used: list[tuple[str, str]] = []
        self.authenticator = Authenticator(look_up=self.look_up, note_use=lambda key_id, tenant_id: self.used.append((key_id, tenant_id)), lockout=a_lockout(), **more)

    async def look_up(self, key_hash: bytes) -> Credential | None:
        self.queries += 1
        return await self.database.read(find_credential, key_hash)


class AuthenticateTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.ids = id_maker()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.key = make_a_key(self.database, self.ids, self.tenant.id)
        self.here, self.there = Process(self.database), Process(self.database)

    def ask(self, process: Process, key: str | None = None, *, at: float = NOW, remote: str = "192.0.2.1", on_behalf_of: str | None = None):  # type: ignore[no-untyped-def]
        asked = process.authenticator.authenticate(key or self.key, now_s=at, remote=remote, on_behalf_of=on_behalf_of)
        return now(self, asked)

    def ask_cached(self, process: Process, key: str | None = None, *, at: float = NOW, on_behalf_of: str | None = None):  # type: ignore[no-untyped-def]
        asked = process.authenticator.authenticate_cached(key or self.key, now_s=at, remote="192.0.2.1", on_behalf_of=on_behalf_of)
        return now(self, asked)

    def revoke(self) -> None:
        caller = caller_with(self.database, self.key)
        self.assertTrue(self.database.now(revoke_key, self.tenant.id, caller.credential_id, revoked_at=NOW))

    def test_caller(self) -> None:
        """A good key is its tenant's caller, and its use is noted."""
        caller = self.ask(self.here)
        self.assertEqual((caller.tenant_id, caller.partner_id, caller.is_test), (self.tenant.id, self.tenant.partner_id, False))
        self.assertEqual(self.here.used, [(caller.credential_id, self.tenant.id)])

    def test_no_key_is_refused_without_a_query(self) -> None:
        """Texts which are no keys cost the database nothing."""
        for text in ("x", "sg_live_", "SG.aaaaaaaaaaaaaaaaaaaaaa.bbb", "a.b.c", self.key + "0", "é" * 40):
            self.assertRaises(Unauthenticated, self.ask, self.here, text)
            self.assertRaises(Unauthenticated, self.ask_cached, self.here, text)
        self.assertEqual((self.here.queries, self.here.used), (0, []))

    def test_revocation_is_obeyed_on_the_next_request_everywhere(self) -> None:
        """A key revoked through one process is refused by another one that has just accepted it."""
        for process in (self.here, self.there):
            self.ask(process)
        self.revoke()
        self.assertRaises(Unauthenticated, self.ask, self.here)
        self.assertRaises(Unauthenticated, self.ask, self.there)
        self.assertRaises(Unauthenticated, self.ask_cached, self.there)

    def test_suspension_is_obeyed_on_the_next_request(self) -> None:
        """A tenant or partner that is suspended gets 403 at once, and is let in again at once."""
        self.ask(self.here)
        for suspend, an_id in ((set_tenant_status, self.tenant.id), (set_partner_status, self.tenant.partner_id)):
            self.database.now(suspend, an_id, "suspended", now_s=NOW)
            self.assertRaises(Forbidden, self.ask, self.here)
            self.database.now(suspend, an_id, "active", now_s=NOW)
            self.ask(self.here)

    def test_memory_answers_without_a_query(self) -> None:
        """The hot route's verdict comes from memory for 30 seconds, and then from the database."""
        first = self.ask_cached(self.here)
        for later in (0.0, 1.0, 29.9):
            self.assertIs(self.ask_cached(self.here, at=NOW + later), first)
        self.assertEqual(self.here.queries, 1)
        self.ask_cached(self.here, at=NOW + 30)
        self.assertEqual((self.here.queries, len(self.here.used)), (2, 5))

    def test_memory_does_not_outlive_the_key(self) -> None:
        """A remembered key is refused from the moment it expires."""
        key = make_a_key(self.database, self.ids, self.tenant.id, expires_at=NOW + 10)
        self.ask_cached(self.here, key)
        self.ask_cached(self.here, key, at=NOW + 9.9)
        self.assertRaises(Unauthenticated, self.ask_cached, self.here, key, at=NOW + 10)
        self.assertRaises(Unauthenticated, self.ask, self.here, key, at=NOW + 10)

    def test_a_newer_epoch_empties_the_memory(self) -> None:
        """What any request learns of a newer epoch ends all verdicts that were reached before it."""
        other = make_a_key(self.database, self.ids, self.tenant.id)
        self.ask_cached(self.here)
        self.revoke()
        self.assertIsNotNone(self.here.authenticator.remembered(self.key, NOW))
        self.ask(self.here, other)
        self.assertIsNone(self.here.authenticator.remembered(self.key, NOW))
        self.assertRaises(Unauthenticated, self.ask_cached, self.here)

    def test_memory_does_not_withhold_a_permission(self) -> None:
        """A remembered caller that lacks what the route asks for is asked for again, so a scope given counts at once."""
        found = self.ask_cached(self.here)
        self.database.now(change_key, self.tenant.id, found.credential_id, name="n", scopes=["mail.send", "stats.read"])
        asked = {"now_s": NOW, "remote": "192.0.2.1", "on_behalf_of": None}
        self.assertIs(now(self, self.here.authenticator.authenticate_cached(self.key, permission="mail.send", **asked)), found)
        again = now(self, self.here.authenticator.authenticate_cached(self.key, permission="stats.read", **asked))
        self.assertTrue(again.may("stats.read"))

    def test_on_behalf_of(self) -> None:
        """No key acts for another account, whether its verdict is remembered or not; a bad key learns only that it is bad."""
        for ask in (self.ask, self.ask_cached, self.ask_cached):
            self.assertRaises(Forbidden, ask, self.here, on_behalf_of="tnt_other")
        self.assertRaises(Unauthenticated, self.ask, self.here, "sg_live_" + "0" * 32, on_behalf_of="tnt_other")
        self.assertEqual(self.here.used, [])

    def test_one_bad_key_again_and_again(self) -> None:
        """A program with a wrong key costs one query in five seconds, not one a request."""
        for _ in range(10):
            self.assertRaises(Unauthenticated, self.ask, self.here, "sg_live_" + "0" * 32)
        self.assertEqual(self.here.queries, 1)
        self.assertRaises(Unauthenticated, self.ask, self.here, "sg_live_" + "0" * 32, at=NOW + 5)
        self.assertEqual(self.here.queries, 2)

    def test_guessing_is_bounded(self) -> None:
        """A source that guesses keys is told to wait; known keys from there, and all from elsewhere, still pass."""
        self.ask(self.here)
        for number in range(FAILURES[0].count):
            self.assertRaises(Unauthenticated, self.ask, self.here, f"sg_live_{number:032x}")
        before = self.here.queries
        error = self.assertRaises(TooManyRequests, self.ask, self.here, "sg_live_" + "f" * 32)
        self.assertTrue(0 < error.retry_after_s <= 61)
        self.assertEqual(self.here.queries, before)
        self.ask(self.here)
        self.assertRaises(Unauthenticated, self.ask, self.here, "sg_live_" + "e" * 32, remote="192.0.2.2")
        self.assertRaises(Unauthenticated, self.ask, self.here, "sg_live_" + "d" * 32, at=NOW + 60)

    def test_what_is_no_key_is_guessing_too(self) -> None:
        """Passwords that could be no key of ours are counted with the wrong keys, as robots try them."""
        for number in range(FAILURES[0].count):
            self.assertRaises(Unauthenticated, self.ask, self.here, f"password{number}")
        self.assertRaises(TooManyRequests, self.ask, self.here, "hunter2")
        self.assertRaises(TooManyRequests, self.ask_cached, self.here, "hunter2")
        self.assertRaises(TooManyRequests, self.ask, self.here)

    def test_one_wrong_key_is_no_guessing(self) -> None:
        """A program that keeps on using one wrong key locks nobody out, however long it does."""
        for minute in range(200):
            self.assertRaises(Unauthenticated, self.ask, self.here, "sg_live_" + "0" * 32, at=NOW + 60 * minute)
        self.assertRaises(Unauthenticated, self.ask, self.here, "sg_live_" + "1" * 32)

    def test_memory_is_bounded(self) -> None:
        """The memory keeps the keys used last, good and unknown ones apart."""
        process = Process(self.database, most=2)
        keys = [make_a_key(self.database, self.ids, self.tenant.id) for _ in range(3)]
        for key in (keys[0], keys[1], keys[0], keys[2]):
            self.ask_cached(process, key)
        self.assertEqual([process.authenticator.remembered(key, NOW) is not None for key in keys], [True, False, True])
        for number in range(5):
            self.assertRaises(Unauthenticated, self.ask, process, f"sg_live_{number:032x}")
        self.assertIsNotNone(process.authenticator.remembered(keys[2], NOW))

    def test_database_away(self) -> None:
        """With the database away a remembered key still reaches the hot route, whose transaction will tell; others get 503."""
        self.ask_cached(self.here)
        self.database.away = True
        self.assertEqual(self.ask_cached(self.here).key_hash, hash_of(self.key))
        self.assertRaises(Unavailable, self.ask, self.here)
