from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.identity.permissions import (
    DEFAULT_ROLES,
    EVERYTHING,
    OURS,
    SCOPES,
    permissions_of,
    scopes_beyond,
    scopes_shown,
    unknown_scopes,
)
from tests.base import PlainTestCase

PUBLISHED = [
    "access_settings.activity.read", "access_settings.whitelist.create", "alerts.create", "api_keys.delete",
    "asm.groups.update", "billing.read", "browsers.stats.read", "categories.create", "categories.stats.read",
    "categories.stats.sums.read", "clients.stats.read", "clients.desktop.stats.read", "clients.phone.stats.read",
    "clients.tablet.stats.read", "clients.webmail.stats.read", "credentials.create", "devices.stats.read",
    "email_activity.read", "geo.stats.read", "ips.read", "ips.assigned.read", "ips.pools.create",
    "ips.pools.ips.delete", "ips.warmup.read", "mail.batch.create", "mail.send", "mail_settings.read",
    "mail_settings.footer.update", "mail_settings.address_whitelist.update", "mailbox_providers.stats.read",
    "marketing_campaigns.create", "partner_settings.new_relic.read", "scopes.read", "stats.read", "stats.global.read",
    "subusers.create", "subusers.credits.remaining.update", "subusers.monitor.read", "subusers.reputations.read",
    "subusers.stats.monthly.read", "subusers.stats.sums.read", "subusers.summary.read", "suppression.create",
    "suppression.blocks.read", "suppression.bounces.delete", "suppression.invalid_emails.read",
    "suppression.spam_reports.delete", "suppression.unsubscribes.update", "teammates.create", "templates.create",
    "templates.versions.update", "templates.versions.activate.create", "tracking_settings.click.update",
    "tracking_settings.google_analytics.read", "tracking_settings.open.read", "tracking_settings.subscription.update",
    "user.account.read", "user.credits.read", "user.email.update", "user.multifactor_authentication.create",
    "user.password.update", "user.profile.read", "user.scheduled_sends.create", "user.settings.enforced_tls.update",
    "user.timezone.read", "user.username.update", "user.webhooks.event.settings.update",
    "user.webhooks.event.test.create", "user.webhooks.parse.settings.create", "user.webhooks.parse.stats.read",
    "whitelabel.create", "messages.read",
]


class PermissionsTests(PlainTestCase):
    def test_every_published_family_is_known(self) -> None:
        """A key of SendGrid's can be made anew with the scopes it has there, whichever they are."""
        self.assertEqual(unknown_scopes(PUBLISHED), [])

    def test_ours_are_scopes(self) -> None:
        """Our own permissions are scope names too, and mean themselves."""
        self.assertEqual(unknown_scopes(OURS), [])
        for name in OURS:
            self.assertIn(name, permissions_of([name]))
        self.assertEqual(permissions_of(OURS), EVERYTHING)

    def test_unknown_names_are_listed_and_allow_nothing(self) -> None:
        """A mistyped scope is named in the order given, and gives nothing even if it got through."""
        self.assertEqual(unknown_scopes(["mail.sned", "mail.send", "Mail.Send", ""]), ["mail.sned", "Mail.Send", ""])
        self.assertEqual(permissions_of(["mail.sned", "Mail.Send"]), frozenset())

    def test_reading_gives_no_writing(self) -> None:
        """No scope whose verb is read opens a door that changes something."""
        harmless = {"mail.schedule"}  # mail.batch.read: asks for ids and makes them
        for scope, allowed in SCOPES.items():
            if scope.endswith(".read"):
                changing = {name for name in allowed if not name.endswith(".read")} - harmless
                self.assertEqual(changing, set(), scope)

    def test_one_verb_of_api_keys_gives_no_other(self) -> None:
        """A key that may only make keys can neither revoke nor see them."""
        self.assertEqual(permissions_of(["api_keys.create"]), {"api_keys.create"})
        self.assertLessEqual({"api_keys.read", "api_keys.delete"}, permissions_of(["admin.api_keys"]))

    def test_verbs_map_to_ours(self) -> None:
        """SendGrid's verbs open the doors that our permissions name."""
        rows = {
            "templates.create": "templates.write", "templates.versions.delete": "templates.delete", "whitelabel.read": "domains.read",
            "suppression.bounces.delete": "suppressions.write", "asm.groups.read": "suppressions.read", "mail.batch.create": "mail.schedule",
            "user.scheduled_sends.update": "mail.cancel", "user.webhooks.event.settings.update": "webhooks.write",
            "categories.stats.read": "stats.read", "tracking_settings.open.update": "admin.settings",
        }
        for scope, ours in rows.items():
            self.assertIn(ours, permissions_of([scope]), scope)

    def test_what_goes_beyond(self) -> None:
        """Scopes that allow more than is held are named; those that allow nothing here never go beyond."""
        held = permissions_of(["mail.send", "templates.read"])
        self.assertEqual(scopes_beyond(["mail.send", "templates.versions.read", "templates.create", "alerts.create"], held), ["templates.create"])

    def test_default_roles(self) -> None:
        """The roles are the product's three, each of known permissions; the viewer's read and do nothing else."""
        roles = {role.name: set(role.permissions) for role in DEFAULT_ROLES}
        self.assertEqual(roles["admin"], set(OURS))
        self.assertEqual(roles["developer"], {"mail.send", "mail.schedule", "templates.read", "stats.read", "webhooks.read"})
        self.assertEqual(roles["viewer"], {"templates.read", "suppressions.read", "stats.read", "webhooks.read", "domains.read"})

    def test_scopes_shown(self) -> None:
        """A key sees its scopes as given; one that may do everything sees SendGrid's names for that too."""
        self.assertEqual(scopes_shown(("mail.send",), permissions_of(["mail.send"])), ("mail.send",))
        shown = scopes_shown(OURS, permissions_of(OURS))
        self.assertEqual(len(shown), len(set(shown)))
        self.assertLessEqual({"mail.send", "templates.create", "admin.settings", "user.account.read"}, set(shown))

    @given(st.lists(st.sampled_from(sorted(SCOPES))), st.lists(st.sampled_from(sorted(SCOPES))))
    @settings(deadline=None, max_examples=100)
    def test_more_scopes_never_allow_less(self, some: list[str], more: list[str]) -> None:
        """Permissions grow with scopes, and a caller may always hand on what it has."""
        self.assertLessEqual(permissions_of(some), permissions_of(some + more))
        self.assertEqual(scopes_beyond(some, permissions_of(some + more)), [])
