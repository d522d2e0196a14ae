"""What a caller may do: our permissions, SendGrid's scope names in terms of them, and the default roles.

A permission may include narrower ones: those carry SendGrid's names, for scopes which are less than any permission of
ours. A route names all that open it: `("admin.api_keys", "api_keys.read")`.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing to be allowed; `includes` are the narrower ones that come with it."""

    name: str
    meaning: str
    includes: tuple[str, ...] = ()


PERMISSIONS: tuple[Permission, ...] = (
    Permission("mail.send", "send mail"),
    Permission("mail.schedule", "send mail at a later moment, and make batch ids"),
    Permission("mail.cancel", "pause, cancel and resume scheduled mail", ("user.scheduled_sends.read",)),
    Permission("templates.read", "see templates and their versions"),
    Permission("templates.write", "make and change templates and their versions"),
    Permission("templates.delete", "delete templates and their versions"),
    Permission("suppressions.read", "see suppression lists and unsubscribe groups"),
    Permission("suppressions.write", "change suppression lists and unsubscribe groups"),
    Permission("stats.read", "see statistics and the activity of messages"),
    Permission("stats.export", "export statistics and the activity of messages"),
    Permission("webhooks.read", "see webhooks and their deliveries"),
    Permission("webhooks.write", "make, change and delete webhooks, and replay their deliveries"),
    Permission("domains.read", "see sender domains and their DNS records"),
    Permission("domains.write", "add, verify, rotate and delete sender domains"),
    Permission(
        "admin.api_keys", "make, change and revoke API keys",
        ("api_keys.read", "api_keys.create", "api_keys.update", "api_keys.delete"),
    ),
    Permission("admin.users", "manage people, groups and roles"),
    Permission(
        "admin.settings", "change the tenant's settings and see the audit log",
        ("tracking_settings.read", "mail_settings.read", "user.account.read", "user.profile.read", "ips.read"),
    ),
)
OURS: tuple[str, ...] = tuple(permission.name for permission in PERMISSIONS)

VERBS = ("read", "create", "update", "delete")
# Scope families, and what their verbs read, create, update and delete give; "" gives nothing, and the scope is only kept.
_FAMILIES: tuple[tuple[str, str, str, str, str], ...] = (
    ("mail.batch", "mail.schedule", "mail.schedule", "mail.schedule", "mail.schedule"),
    ("user.scheduled_sends", "user.scheduled_sends.read", "mail.cancel", "mail.cancel", "mail.cancel"),
    ("templates templates.versions templates.versions.activate", "templates.read", "templates.write", "templates.write", "templates.delete"),
    (
        "suppression suppression.blocks suppression.bounces suppression.invalid_emails suppression.spam_reports"
        " suppression.unsubscribes asm.groups asm.groups.suppressions asm.suppressions asm.suppressions.global",
        "suppressions.read", "suppressions.write", "suppressions.write", "suppressions.write",
    ),
    (
        "stats stats.global browsers.stats categories categories.stats categories.stats.sums clients.stats"
        " clients.desktop.stats clients.phone.stats clients.tablet.stats clients.webmail.stats devices.stats geo.stats"
        " mailbox_providers.stats email_activity messages user.webhooks.parse.stats",
        "stats.read", "", "", "",
    ),
    (
        "user.webhooks.event.settings user.webhooks.event.test user.webhooks.parse.settings",
        "webhooks.read", "webhooks.write", "webhooks.write", "webhooks.write",
    ),
    ("whitelabel", "domains.read", "domains.write", "domains.write", "domains.write"),
    ("api_keys", "api_keys.read", "api_keys.create", "api_keys.update", "api_keys.delete"),
    ("teammates", "", "admin.users", "admin.users", "admin.users"),
    (
        "tracking_settings tracking_settings.click tracking_settings.google_analytics tracking_settings.open"
        " tracking_settings.subscription",
        "tracking_settings.read", "admin.settings", "admin.settings", "admin.settings",
    ),
    (
        "mail_settings mail_settings.address_whitelist mail_settings.bcc mail_settings.bounce_purge mail_settings.footer"
        " mail_settings.forward_bounce mail_settings.forward_spam mail_settings.plain_content mail_settings.spam_check"
        " mail_settings.template",
        "mail_settings.read", "admin.settings", "admin.settings", "admin.settings",
    ),
    ("user.account user.credits user.settings.enforced_tls", "user.account.read", "", "", ""),
    ("user.profile user.email user.username", "user.profile.read", "", "", ""),
    ("ips ips.assigned ips.pools ips.pools.ips", "ips.read", "admin.settings", "admin.settings", "admin.settings"),
    (
        "access_settings access_settings.activity access_settings.whitelist alerts billing credentials ips.warmup"
        " marketing_campaigns partner_settings partner_settings.new_relic partner_settings.sendwithus scopes subusers"
        " subusers.credits subusers.credits.remaining subusers.monitor subusers.reputations subusers.stats"
        " subusers.stats.monthly subusers.stats.sums subusers.summary user.multifactor_authentication user.password"
        " user.timezone",
        "", "", "", "",
    ),
)
# GET /v3/scopes lists these at SendGrid, so programs that copy one key's scopes to another send them.
_NO_VERB = ("sender_verification_eligible", "2fa_required")


def _scopes() -> dict[str, frozenset[str]]:
    table: dict[str, frozenset[str]] = {name: frozenset() for name in _NO_VERB}
    included = {permission.name: frozenset((permission.name, *permission.includes)) for permission in PERMISSIONS}
    for families, *gives in _FAMILIES:
        for family in families.split():
            for verb, name in zip(VERBS, gives, strict=True):
                table[f"{family}.{verb}"] = included.get(name, frozenset((name,) if name else ()))
    table.update(included)
    return table


SCOPES: dict[str, frozenset[str]] = _scopes()
EVERYTHING: frozenset[str] = frozenset().union(*SCOPES.values())


@dataclass(frozen=True, slots=True)
class DefaultRole:
    """A role that every tenant begins with."""

    name: str
    description: str
    permissions: tuple[str, ...]


DEFAULT_ROLES: tuple[DefaultRole, ...] = (
    DefaultRole("admin", "may do everything", OURS),
    DefaultRole(
        "developer", "sends mail and sees what became of it",
        ("mail.send", "mail.schedule", "templates.read", "stats.read", "webhooks.read"),
    ),
    DefaultRole("viewer", "sees and changes nothing", tuple(name for name in OURS if name.endswith(".read"))),
)


def permissions_of(scopes: Iterable[str]) -> frozenset[str]:
    """All that these scopes (SendGrid's names or ours) allow, narrower permissions included; an unknown name allows nothing."""
    allowed: set[str] = set()
    for scope in scopes:
        allowed |= SCOPES.get(scope, frozenset())
    return frozenset(allowed)


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    """The names that are neither SendGrid's nor ours, in the order given."""
    return [scope for scope in scopes if scope not in SCOPES]


def scopes_beyond(scopes: Iterable[str], permissions: frozenset[str]) -> list[str]:
    """The scopes that allow more than `permissions` do, in the order given."""
    return [scope for scope in scopes if not SCOPES.get(scope, frozenset()) <= permissions]


def scopes_shown(scopes: tuple[str, ...], permissions: frozenset[str]) -> tuple[str, ...]:
    """What GET /v3/scopes lists: the names as they were given; SendGrid's too for a caller that may do everything."""
    if not permissions >= EVERYTHING:
        return scopes
    given = set(scopes)
    return (*scopes, *(scope for scope in SCOPES if scope not in given and scope not in _NO_VERB and SCOPES[scope]))
