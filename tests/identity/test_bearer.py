from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from scaisend.faults import Forbidden, TooManyRequests, Unauthenticated, Unavailable
from scaisend.http.outgoing import Answer
from scaisend.identity.authenticate import Authenticator
from scaisend.identity.bearer import Bearers
from scaisend.identity.keys_store import check_callers, find_credential
from scaisend.identity.lockout import FAILURES
from scaisend.identity.mirror_store import seen_across_tenants
from scaisend.identity.oidc_client import OidcClient
from scaisend.identity.people_store import make_tenant, roles, set_partner_status, set_tenant_status
from scaisend.identity.permissions import EVERYTHING
from scaisend.identity.reach import ABOVE
from scaisend.identity.roles_store import give_role, take_role
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.people import make_a_user
from tests.world.provider import AUDIENCE, ISSUER, NOW, Provider
from tests.world.tenants import a_lockout, caller_with, id_maker, make_a_key, make_a_tenant, now


async def hang(*more: object, **named: object) -> Answer:
    return await Deferred()


class Below:
    """A provider whose metadata are below a path."""

    def __init__(self, provider: Provider, place: str) -> None:
        self.provider, self.place = provider, place

    async def get(self, url: str, *more: object, **named: object) -> Answer:
        given = url.replace(f"{ISSUER}{self.place}/.well-known", f"{ISSUER}/.well-known")
        is_elsewhere = given == url and ".well-known" in url
        return Answer(404, b"{}", {}) if is_elsewhere else await self.provider.get(given, *more, **named)  # type: ignore[arg-type]


class BearersTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids, self.clock, self.provider = inline_database(), id_maker(), Clock(), Provider()
        self.clock.advance(NOW)
        self.tenant, self.other = make_a_tenant(self.database, self.ids), make_a_tenant(self.database, self.ids, "Other")
        self.key = make_a_key(self.database, self.ids, self.tenant.id)
        oidc = OidcClient(outgoing=self.provider, api_url=ISSUER, client_id=AUDIENCE, audience="", jwks_url="", issuer="", now_s=self.clock.seconds)
        self.bearers = Bearers(
            keys=Authenticator(look_up=lambda key_hash: self.database.run(find_credential, key_hash), note_use=lambda *_: None, lockout=a_lockout()),
            claims_of=oidc.claims,
            stand=lambda claims, behalf: self.database.run(seen_across_tenants, self.ids, claims, behalf, now_s=self.clock.seconds()),
            lockout=a_lockout(),
        )

    def ask(self, credential: str, behalf: str | None = None):  # type: ignore[no-untyped-def]
        asked = {"now_s": self.clock.seconds(), "remote": "192.0.2.1", "on_behalf_of": behalf}
        found = now(self, self.bearers.authenticate(credential, **asked))
        self.assertEqual(now(self, self.bearers.authenticate_cached(credential, permission="mail.send", **asked)), found)
        return found

    def test_keys_and_tokens(self) -> None:
        """Both kinds of credential lead to one tenant; a key still acts for nobody else."""
        self.assertEqual(self.ask(self.key), caller_with(self.database, self.key))
        self.assertEqual(self.ask(self.provider.token(tenant_id=self.tenant.id)).tenant_id, self.tenant.id)
        self.assertRaises(Forbidden, self.ask, self.key, self.tenant.id)

    def test_roles_count_at_once(self) -> None:
        """A person has what its roles give on its next request; a stale verdict is looked up again before a mail is accepted."""
        user_id = make_a_user(self.database, self.ids, self.tenant.id, "ann")
        token = self.provider.token(tenant_id=self.tenant.id)
        self.assertEqual(self.ask(token).permissions, frozenset())
        developer = next(role.id for role in self.database.now(roles, self.tenant.id) if role.name == "developer")
        self.database.now(give_role, self.tenant.id, user_id, developer, now_s=NOW)
        sender = self.ask(token)
        self.assertTrue(sender.may("mail.send"))
        make_a_key(self.database, self.ids, self.other.id)
        self.assertEqual(self.database.now(check_callers, [sender], NOW), [None])
        self.database.now(take_role, self.tenant.id, user_id, developer)
        self.assertIsInstance(self.database.now(check_callers, [sender], NOW)[0], Forbidden)
        self.assertFalse(self.ask(token).may("mail.send"))

    def test_suspension(self) -> None:
        """A suspended user, tenant or partner is refused on the next request."""
        token = self.provider.token(tenant_id=self.tenant.id, role="tenant_admin")
        self.assertEqual(self.ask(token).permissions, EVERYTHING)
        for suspend, an_id in ((set_tenant_status, self.tenant.id), (set_partner_status, self.tenant.partner_id)):
            self.database.now(suspend, an_id, "suspended", now_s=NOW)
            self.assertRaises(Forbidden, self.ask, token)
            self.database.now(suspend, an_id, "active", now_s=NOW)
        make_a_user(self.database, self.ids, self.tenant.id, "ann", status="suspended")
        self.assertRaises(Forbidden, self.ask, token)

    def test_acting_for_others(self) -> None:
        """A partner admin acts for its partner's tenants, a super admin for all, others for their own; and then sees no other."""
        partner = self.provider.token("pat", role="partner_admin", partner_id=self.tenant.partner_id)
        above, plain = self.provider.token("sue", role="super_admin"), self.provider.token(tenant_id=self.tenant.id, role="tenant_admin")
        self.assertEqual((self.ask(partner).tenant_id, self.ask(partner).permissions), ("", frozenset((ABOVE,))))
        for token in (partner, above, plain):
            for name in (self.tenant.id, f"account-id {self.tenant.id}"):
                found = self.ask(token, name)
                self.assertEqual((found.tenant_id, found.permissions), (self.tenant.id, EVERYTHING))
        self.assertEqual(self.ask(above, self.other.id).tenant_id, self.other.id)
        for token in (partner, plain):
            for name in (self.other.id, "tnt_x", "é"):
                self.assertRaises(Forbidden, self.ask, token, name)

    def test_usernames(self) -> None:
        """SendGrid's way: the account is named by its slug, or its name where it has none, among those that the person sees."""
        other = self.database.now(make_tenant, self.ids, name="Größe & Co", partner_id=self.tenant.partner_id, now_s=NOW)
        slugged = self.database.now(make_tenant, self.ids, name="Acme", slug="acme-2", partner_id=self.tenant.partner_id, now_s=NOW)
        partner = self.provider.token("pat", role="partner_admin", partner_id=self.tenant.partner_id)
        above, plain = self.provider.token("sue", role="super_admin"), self.provider.token(tenant_id=self.tenant.id, role="tenant_admin")
        for name, tenant in (("Acme", self.tenant), ("acme-2", slugged), ("Größe & Co".encode().decode("latin-1"), other)):
            for token in (partner, above):
                self.assertEqual(self.ask(token, name).tenant_id, tenant.id, name)
        self.assertEqual(self.ask(plain, "Acme").tenant_id, self.tenant.id)
        self.assertEqual(self.ask(above, "Other").tenant_id, self.other.id)
        self.database.now(make_tenant, self.ids, name="Acme", partner_id=self.other.partner_id, now_s=NOW)
        self.assertEqual(self.ask(partner, "Acme").tenant_id, self.tenant.id)
        for token, name in ((above, "Acme"), (partner, "Other"), (plain, "acme-2"), (plain, "Other"), (partner, "x" * 300)):
            self.assertRaises(Forbidden, self.ask, token, name)

    def test_unknown_accounts(self) -> None:
        """A token of an account that is not known here is refused, and so is one of no account at all."""
        for claims in ({"tenant_id": "nowhere"}, {"partner_id": "nowhere", "role": "partner_admin"}, {}, {"role": "partner_admin"}):
            self.assertRaises(Forbidden, self.ask, self.provider.token(**claims))

    def test_a_newer_token_is_news(self) -> None:
        """A role that a newer token no longer names is lost, and an older token does not bring it back."""
        old = self.provider.token(tenant_id=self.tenant.id, role="tenant_admin")
        self.assertEqual(self.ask(old).role, "tenant_admin")
        self.assertIsNone(self.ask(self.provider.token(tenant_id=self.tenant.id, iat=NOW + 10)).role)
        self.assertIsNone(self.ask(old).role)

    def test_bad_tokens_lock_out(self) -> None:
        """Who keeps on bringing tokens that were never good is told to wait; good ones from there, and those that have expired, are answered."""
        good, old = self.provider.token(tenant_id=self.tenant.id), self.provider.token(exp=NOW - 100, iat=NOW - 700)
        for _ in range(200):
            self.assertRaises(Unauthenticated, self.ask, old)
        for number in range(FAILURES[0].count // 2):
            self.assertRaises(Unauthenticated, self.ask_once, self.provider.token(f"x{number}", aud="other"))
            self.assertRaises(Unauthenticated, self.ask_once, "ey.e.x" + str(number))
        self.assertRaises(TooManyRequests, self.ask, self.provider.token(aud="other"))
        self.ask(good)
        self.assertRaises(Unauthenticated, self.ask, old)

    def ask_once(self, credential: str) -> None:
        now(self, self.bearers.authenticate(credential, now_s=self.clock.seconds(), remote="192.0.2.1", on_behalf_of=None))

    def test_keys_turn(self) -> None:
        """A new key is found at once; unknown ones do not make this service call the provider again and again."""
        token = self.provider.token(tenant_id=self.tenant.id)
        self.ask(token)
        self.provider.add("r2", "ES256")
        self.ask(self.provider.token(tenant_id=self.tenant.id, kid="r2"))
        before = len(self.provider.asked)
        for number in range(10):
            self.assertRaises(Unauthenticated, self.ask, self.provider.token(headers={"kid": f"x{number}"}))
        self.assertEqual(len(self.provider.asked), before)

    def test_the_platforms_metadata(self) -> None:
        """A provider of several realms has its metadata below its platform's path."""
        token = self.provider.token(tenant_id=self.tenant.id)
        for place in ("/platform", "/api/v1/platform"):
            oidc = OidcClient(
                outgoing=Below(self.provider, place), api_url=ISSUER, client_id=AUDIENCE, audience="", jwks_url="", issuer="", now_s=self.clock.seconds,
            )
            self.assertEqual(now(self, oidc.claims(token)).subject, "ann")
            self.assertEqual((oidc.trouble, now(self, oidc.metadata()).issuer), ("", ISSUER))

    def test_the_provider_hangs(self) -> None:
        """One request waits for a provider that does not answer; while the keys can be used the others do not."""
        forever = self.provider.token(tenant_id=self.tenant.id, exp=NOW + 1_000_000)
        self.ask(forever)
        self.provider.is_away = True
        self.clock.advance(601)
        self.ask(forever)
        self.clock.advance(31)
        hanging, self.provider.get = self.provider.get, hang  # type: ignore[method-assign,assignment]
        asked = [self.ask(forever) for _ in range(3)]
        self.assertEqual(len(asked), 3)
        self.provider.get, self.provider.is_away = hanging, False  # type: ignore[method-assign]

    def test_the_provider_is_away(self) -> None:
        """What is kept serves for a day and then no longer; without anything kept the answer is 503."""
        forever = {"tenant_id": self.tenant.id, "exp": NOW + 1_000_000}
        self.ask(self.provider.token(**forever))
        self.provider.is_away = True
        self.clock.advance(80_000)
        self.ask(self.provider.token(**forever))
        self.clock.advance(10_000)
        self.assertRaises(Unavailable, self.ask, self.provider.token(**forever))
        self.provider.is_away = False
        self.clock.advance(31)
        self.ask(self.provider.token(**forever))
