"""How each route of the public listener is asked: one row or more a route, and what its owner is answered.

A row's thing (makers.py) gives the values of the path's parameters and of the `{names}` in its query and body. So a row proves two
things at once: that its owner is answered with `own`, and that for another tenant the very same request is answered as one about
a thing that does not exist, with `unknown`. Without a thing the row asks for what is the caller's own, whoever calls.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scaisend.app.unsupported_api import TABLE
from tests.isolation.makers import FORM, LISTS, image_form

HOW = (
    "give it a row in tests/isolation/rows.py: r(\"METHOD=status of its owner\", path, thing, body). If its path or body names a thing, the thing is a maker"
    " in tests/isolation/makers.py, which really makes one and answers the values of the path's parameters; then `python -m tests.isolation`"
)
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Row:
    """One way to ask a route. `seen_by` says who else may see the thing: nobody, the `partner`'s tenants, or `everybody`."""

    method: str
    path: str
    own: int
    thing: str | None = None
    body: object = None
    query: str = ""
    unknown: int = 404
    content_type: str = "application/json"
    seen_by: str = ""
    note: str = ""

    @property
    def route(self) -> str:
        return named(self.method, self.path)

    @property
    def is_hidden(self) -> bool:
        """Whether it names a thing that others must not see."""
        return self.thing is not None and not self.seen_by

    def target(self, values: Mapping[str, str]) -> str:
        """Path and query with the values in their places."""
        return re.sub(r"<(?:path:)?(\w+)>", lambda found: values.get(found[1], "any"), self.path) + _filled(self.query, values)

    def content(self, values: Mapping[str, str]) -> bytes | None:
        """The body with the values in their places."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return _filled(self.body, values).encode()
        return json.dumps(_filled(self.body, values)).encode()


def named(method: str, path: str) -> str:
    """Method and path, whatever the path's parameters are called."""
    return f"{method} {re.sub(r'<[^>]+>', '<>', path)}"


def _filled(value: object, values: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        return {key: _filled(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, values) for each in value]
    if not isinstance(value, str):
        return value
    alone = re.fullmatch(r"\{(\w+)#\}", value)  # a whole number
    return int(values[alone[1]]) if alone else _PLACE.sub(lambda found: values[found[1]], value)


def r(asked: str, path: str, thing: str | None = None, body: object = None, **more: object) -> Iterator[Row]:
    """Rows of one path: `GET=200 PATCH=204`; the body goes with those that have one."""
    for each in asked.split():
        method, _, status = each.partition("=")
        yield Row(method, path, int(status), thing, None if method == "GET" else body, **more)  # type: ignore[arg-type]


SEND = {
    "personalizations": [{"to": [{"email": "someone@recipients.test"}]}], "from": {"email": "{sender}"}, "subject": "Hello",
    "content": [{"type": "text/plain", "value": "Hello"}],
}
DAYS = "?start_date=2026-01-01&end_date=2026-01-31"
NAMED = {"name": "another-{fresh}"}
STOPPED = "/v3/user/scheduled_sends"
GROUPS, LEFT = "/v3/asm/groups/<group_id>", "/v3/asm/suppressions"
EVENTS, HOOK = "/v3/user/webhooks/event/settings", "/v3/user/webhooks/<webhook_id>"
PARSE = "/v3/user/webhooks/parse/settings"
EMAILS = {"recipient_emails": ["another-{fresh}@left.test"]}
VERSION = "/v3/templates/<template_id>/versions/<version_id>"
ADMIN = "/api/admin"
DESTINATION = f"{ADMIN}/destinations/<name>"
HELD = {"action": "hold", "filter": {"to_domain": "nobody.test"}, "reason": "another"}

MAIL = (
    *r("POST=202", "/v3/mail/send", None, SEND),
    *r("POST=202", "/v3/mail/send", "batch", {**SEND, "batch_id": "{batch_id}"}, unknown=400, note="batch_id"),
    *r("POST=202", "/v3/mail/send", "version", {**SEND, "template_id": "{template_id}"}, unknown=400, note="template_id"),
    *r("POST=202", "/v3/mail/send", "group", {**SEND, "asm": {"group_id": "{group_id#}"}}, unknown=400, note="asm.group_id"),
    *r("POST=202", "/v3/mail/send", "pool", {**SEND, "ip_pool_name": "{pool_name}"}, unknown=400, note="ip_pool_name"),
    *r("POST=201", "/v3/mail/batch"), *r("GET=200", "/v3/mail/batch/<batch_id>", "batch"),
    *r("GET=200", STOPPED), *r("POST=201", STOPPED, "batch", {"batch_id": "{batch_id}", "status": "pause"}, unknown=400, note="batch_id"),
    *r("GET=200", f"{STOPPED}/<batch_id>", "stopped batch", unknown=200),
    *r("PATCH=204 DELETE=204", f"{STOPPED}/<batch_id>", "stopped batch", {"status": "cancel"}),
    *r("GET=200", "/v3/messages"),
    *r("GET=200", "/v3/messages", "message", query="?query=msg_id=\"{activity_id}\"", unknown=200, note="msg_id"),
    *r("GET=200", "/v3/messages", "message", query="?query=to_email=\"{email}\"", unknown=200, note="to_email"),
    *r("GET=200", "/v3/messages/<message_id>", "message"), *r("GET=200", "/v3/messages/<x_message_id>", "message", note="X-Message-Id"),
    *r("GET=200", "/v3/messages/<activity_id>", "message", note="X-Message-Id.rest"),
    *[row for word in ("events", "dialogues", "explain") for row in r("GET=200", f"/v3/messages/<message_id>/{word}", "message")],
    *r("POST=200", "/v3/messages/<message_id>/cancel", "message"), *r("POST=200", "/v3/messages/<message_id>/fail", "message"),
    *r("POST=200", "/v3/messages/<message_id>/retry", "failed message"),
)
KEYS = (
    *r("GET=200 POST=201", "/v3/api_keys", None, {**NAMED, "scopes": ["mail.send"]}), *r("GET=200", f"{ADMIN}/api-keys"), *r("GET=200", "/v3/scopes"),
    *r("GET=200 PUT=200 PATCH=200", "/v3/api_keys/<key_id>", "key", {**NAMED, "scopes": ["mail.send"]}), *r("DELETE=204", "/v3/api_keys/<key_id>", "key"),
    *r("GET=200", f"{ADMIN}/audit-log"),
)
DOMAINS = (
    *r("GET=200 POST=201", f"{ADMIN}/domains", None, {"domain": "another-{fresh}.test"}),
    *r("GET=200 PATCH=200 DELETE=204", f"{ADMIN}/domains/<domain_id>", "domain", {"is_default": False}),
    *r("GET=200", f"{ADMIN}/domains/<name>", "domain", note="by name"),
    *r("GET=200", f"{ADMIN}/domains/<domain_id>/dns-records", "domain"),
    *r("POST=200", f"{ADMIN}/domains/<domain_id>/verify", "domain"), *r("POST=200", f"{ADMIN}/domains/<domain_id>/rotate-dkim", "seen domain"),
    *r("GET=200 POST=201", "/v3/whitelabel/domains", None, {"domain": "another-{fresh}.test", "default": True}),
    *r("GET=200", "/v3/whitelabel/domains", "numbered domain", query="?domain={name}", unknown=200, note="domain"),
    *r("GET=200", "/v3/whitelabel/domains/default"),
    *r("GET=200", "/v3/whitelabel/domains/default", "numbered domain", query="?domain={name}", note="domain"),
    *r("GET=200 PATCH=200 DELETE=204", "/v3/whitelabel/domains/<domain_id>", "numbered domain", {"default": False}),
    *r("POST=200", "/v3/whitelabel/domains/<domain_id>/validate", "numbered domain"),
    *r("POST=200", "/v3/whitelabel/domains/<domain_id>/ips", "numbered domain", {"ip": "127.0.0.1"}),
    *r("DELETE=200", "/v3/whitelabel/domains/<domain_id>/ips/<ip>", "addressed domain"),
    *r("GET=200 POST=201", "/v3/whitelabel/links", None, {"domain": "another-{fresh}.test", "subdomain": "go", "default": True}),
    *r("GET=200", "/v3/whitelabel/links/default"), *r("GET=200", "/v3/whitelabel/links/default", "link", query="?domain={domain}", note="domain"),
    *r("GET=200 PATCH=200 DELETE=204", "/v3/whitelabel/links/<link_id>", "link", {"default": False}),
    *r("POST=200", "/v3/whitelabel/links/<link_id>/validate", "link"),
    *r("GET=200 POST=201", "/v3/verified_senders", None, {
        "nickname": "n", "from_email": "another-{fresh}@left.test", "reply_to": "another-{fresh}@left.test",
    }),
    *r("GET=200", "/v3/verified_senders", "sender", query="?id={sender_id}", unknown=200, note="id"),
    *r("GET=200", "/v3/verified_senders/domains"), *r("GET=200", "/v3/verified_senders/steps_completed"),
    *r("GET=204", "/v3/verified_senders/verify/<token>", "sender"), *r("POST=204", "/v3/verified_senders/resend/<sender_id>", "sender"),
    *r("PATCH=200 DELETE=204", "/v3/verified_senders/<sender_id>", "sender", {"nickname": "another"}),
)
CONTENT = (
    *r("GET=200 POST=201", "/v3/templates", None, {**NAMED, "generation": "dynamic"}),
    *r("GET=200 PATCH=200 DELETE=204", "/v3/templates/<template_id>", "template", NAMED),
    *r("POST=201", "/v3/templates/<template_id>", "version", NAMED),
    *r("GET=200", "/v3/templates/<template_id>/versions", "version"),
    *r("POST=201", "/v3/templates/<template_id>/versions", "template", {**NAMED, "subject": "Hi", "html_content": "<p>Hi</p>"}),
    *r("GET=200 PATCH=200 DELETE=204", VERSION, "version", {**NAMED, "subject": "Hi"}),
    *r("POST=200", f"{VERSION}/activate", "version"), *r("POST=200", f"{VERSION}/preview", "version", {"test_data": {"name": "x"}}),
    *r("GET=200", "/v3/images"), *r("POST=201", "/v3/images", None, image_form("another"), content_type=FORM), *r("GET=200", "/v3/images/folders"),
    *r("GET=200 PATCH=200 DELETE=204", "/v3/images/<image_id>", "image", {"alt_text": "another"}),
    *r("GET=200", "/i/<image_id>", "image", seen_by="everybody"),
)
SUPPRESSIONS = (
    *[row for name in LISTS for path in [f"/v3/suppression/{name}"] for row in (
        *r("GET=200", path), *r("POST=201", path, None, {"emails": ["another-{fresh}@left.test"]}),
        *r("GET=200", path, name, query="?email={email}", unknown=200, note="email"),
        *r("DELETE=204", path, name, {"emails": ["{email}"]}, unknown=204, note="emails"),
        *r("DELETE=204", path, None, {"delete_all": True}, note="all"),
        *r("GET=200", f"{path}/<email>", name, unknown=200), *r("DELETE=204", f"{path}/<email>", name),
        *r("POST=200", f"{path}/import", None, "email\nanother-{fresh}@left.test\n", content_type="text/csv"),
    )],
    *r("GET=200", "/v3/suppression/unsubscribes"),
    *r("POST=200", "/v3/suppression/unsubscribes/import", None, "email\nanother-{fresh}@left.test\n", content_type="text/csv"),
    *r("GET=200", f"{ADMIN}/suppressions", "bounces", query="?email={email}", unknown=200, note="email"),
    *r("POST=200", f"{ADMIN}/suppressions/undo", None, {"rule": "api", "since": 1}),
    *r("GET=200", "/v3/asm/groups"), *r("POST=201", "/v3/asm/groups", None, {**NAMED, "description": "d"}),
    *r("GET=200", "/v3/asm/groups", "group", query="?id={group_id}", unknown=200, note="id"),
    *r("GET=200 PATCH=201 DELETE=204", GROUPS, "group", NAMED),
    *r("GET=200 POST=201", f"{GROUPS}/suppressions", "group", EMAILS),
    *r("POST=200", f"{GROUPS}/suppressions/search", "group", {"recipient_emails": ["{email}"]}),
    *r("DELETE=204", f"{GROUPS}/suppressions/<email>", "group"),
    *r("GET=200", LEFT), *r("GET=200", f"{LEFT}/<email>", "group", unknown=200),
    *r("GET=200 POST=201", f"{LEFT}/global", None, EMAILS),
    *r("GET=200", f"{LEFT}/global/<email>", "opted out", unknown=200), *r("DELETE=204", f"{LEFT}/global/<email>", "opted out", unknown=204),
)
PEOPLE = (
    *r("GET=200", f"{ADMIN}/partners"), *r("GET=200", f"{ADMIN}/partners/<partner_id>", "partner", seen_by="partner"),
    *r("GET=200", f"{ADMIN}/tenants"), *r("GET=200", f"{ADMIN}/tenants", "partner", query="?partner_id={partner_id}", seen_by="partner", note="partner_id"),
    *r("GET=200 PATCH=200", f"{ADMIN}/tenants/<tenant_id>", "tenant", {"settings": {"tracking_settings": {"open": {"enabled": False}}}}),
    *r("GET=200", f"{ADMIN}/permissions"), *r("GET=200", "/v3/auth/me"),
    *r("GET=200", f"{ADMIN}/tenants/<tenant_id>/limits", "tenant"), *r("PUT=403", f"{ADMIN}/tenants/<tenant_id>/limits", "tenant", {"mails_per_day": 5}, unknown=403),
    *r("GET=200", "/v3/subusers"), *r("GET=200", "/v3/subusers", "tenant", query="?username={name}", unknown=200, note="username"),
    *r("GET=200", "/v3/subusers/reputations"),
    *r("POST=403", "/v3/subusers", "partner", {"username": "{partner_id}", "email": "a@left.test", "partner_id": "{partner_id}"}, unknown=403),
    *r("PATCH=403 DELETE=403", "/v3/subusers/<username>", "subuser", {"disabled": True}, unknown=403),
    *r("GET=403 PUT=403", "/v3/subusers/<username>/ips", "subuser", ["127.0.0.1"], unknown=403),
    *[row for word in ("subuser", "subuser:add") for row in r(
        "POST=403", f"/v3/whitelabel/domains/<domain_id>/{word}", "shared domain", {"username": "{username}"}, unknown=403,
    )],
    *r("DELETE=403", "/v3/whitelabel/domains/<domain_id>/subuser", "shared domain", query="?username={username}", unknown=403),
    *r("DELETE=403", "/v3/whitelabel/domains/subuser", "subuser", query="?username={username}", unknown=403, note="username"),
    *[row for noun in ("domains/subuser", "domains/subuser/all", "links/subuser") for row in r(
        "GET=403", f"/v3/whitelabel/{noun}", "subuser", query="?username={username}", unknown=403, note="username",
    )],
    *r("GET=200 PUT=200", f"{ADMIN}/tenants/<tenant_id>/tracking", "tenant", {"open": {"enabled": True}}),
    *r("POST=200", f"{ADMIN}/erasures", None, {"email": "another-{fresh}@left.test"}),
    *r("POST=200", f"{ADMIN}/erasures", "tenant", {"email": "another-{fresh}@left.test"}, query="?tenant_id={tenant_id}", note="tenant_id"),
    *r("GET=200", f"{ADMIN}/users"), *r("GET=200", f"{ADMIN}/users/<user_id>", "user"),
    *r("GET=200", f"{ADMIN}/groups"), *r("GET=200", f"{ADMIN}/groups/<group_id>", "user"), *r("GET=200", f"{ADMIN}/groups/<group_id>/members", "user"),
    *r("GET=200 POST=201", f"{ADMIN}/roles", None, {**NAMED, "permissions": ["mail.send"]}),
    *r("GET=200 PATCH=200 DELETE=204", f"{ADMIN}/roles/<role>", "role", NAMED),
    *r("POST=200 DELETE=204", f"{ADMIN}/users/<user_id>/roles/<role>", "user"),
    *r("GET=200", f"{ADMIN}/group-mappings"),
    *r("POST=201", f"{ADMIN}/group-mappings", "user", {"group_id": "{group_id}", "role_id": "{role}"}, note="group_id, role_id"),
    *r("DELETE=204", f"{ADMIN}/group-mappings/<group_id>/<role>", "user"),
    *[row for noun in ("users", "groups", "roles", "group-mappings") for row in r(
        "GET=200", f"{ADMIN}/{noun}", "tenant", query="?tenant_id={tenant_id}", note="tenant_id",
    )],
    *r("POST=201", f"{ADMIN}/roles", "tenant", {**NAMED, "permissions": ["mail.send"]}, query="?tenant_id={tenant_id}", note="tenant_id"),
)
ADDRESSES = (
    *r("GET=200", f"{ADMIN}/inbound/unparsed"), *r("GET=200 DELETE=204", f"{ADMIN}/inbound/unparsed/<mail_id>", "kept mail"),
    *r("GET=200 POST=201", f"{ADMIN}/ip-pools", None, {**NAMED, "addresses": ["127.0.0.1"]}),
    *r("GET=200 PATCH=200 DELETE=204", f"{ADMIN}/ip-pools/<pool_id>", "pool", NAMED), *r("GET=403", f"{ADMIN}/destinations"),
    *r("GET=403", f"{DESTINATION}"), *[row for word, body in {
        "pause": {"reason": "r"}, "resume": {}, "flush": {}, "reroute": {"route": "mx.example.com:25", "reason": "r"}, "limits": {"most_connections": 1, "reason": "r"},
    }.items() for row in r("POST=403", f"{DESTINATION}/{word}", None, body)],
    *r("GET=403", f"{ADMIN}/warmups"), *r("PUT=403 DELETE=403", f"{ADMIN}/warmups/<ip>", "source", {"ceilings": [100]}, seen_by="everybody"),
    *r("GET=200 POST=202", f"{ADMIN}/bulk-jobs", None, HELD), *r("POST=200", f"{ADMIN}/bulk-jobs/preview", None, {"filter": HELD["filter"]}),
    *r("POST=200", f"{ADMIN}/bulk-jobs/preview", "message", {"filter": {"to": "{email}"}}, unknown=200, note="filter.to"),
    *r("POST=202", f"{ADMIN}/bulk-jobs", "tenant", HELD, query="?tenant_id={tenant_id}", note="tenant_id"),
    *r("GET=200", f"{ADMIN}/bulk-jobs/<job_id>", "bulk job"), *r("POST=202", f"{ADMIN}/bulk-jobs/<job_id>/undo", "bulk job"),
    *r("GET=200", "/v3/ips"), *r("GET=200", "/v3/ips/assigned"), *r("GET=200", "/v3/ips/pools"), *r("POST=200", "/v3/ips/pools", None, NAMED),
    *r("GET=200 PUT=200 DELETE=204", "/v3/ips/pools/<pool_name>", "pool", NAMED),
    *r("POST=201", "/v3/ips/pools/<pool_name>/ips", "pool", {"ip": "127.0.0.1"}), *r("DELETE=204", "/v3/ips/pools/<pool_name>/ips/<ip>", "pool"),
    *r("GET=200", "/v3/ips/<ip>", "source", seen_by="everybody"), *r("GET=200", "/v3/ips/warmup"), *r("GET=404", "/v3/ips/warmup/<ip>", "source", seen_by="everybody"),
)
WEBHOOKS = (
    *r("GET=200", EVENTS), *r("PATCH=200", EVENTS, None, {"enabled": False, "url": "https://example.com/{fresh}"}),
    *r("POST=201", EVENTS, None, {"enabled": True, "url": "https://example.com/{fresh}", "bounce": True}),
    *r("GET=200", f"{EVENTS}/all"), *r("GET=200", f"{EVENTS}/signed"), *r("PATCH=200", f"{EVENTS}/signed", None, {"enabled": True}),
    *r("GET=200 PATCH=200", f"{EVENTS}/signed/<webhook_id>", "event webhook", {"enabled": True}),
    *r("GET=200 PATCH=200 DELETE=204", f"{EVENTS}/<webhook_id>", "event webhook", {"enabled": False}),
    *r("POST=204", "/v3/user/webhooks/event/test", None, {"url": "{peer}"}),
    *r("POST=204", "/v3/user/webhooks/event/test", "event webhook", {"url": "{peer}", "id": "{webhook_id}"}, note="id"),
    *r("GET=200", "/v3/user/webhooks"), *r("POST=201", "/v3/user/webhooks", None, {"url": "https://example.com/hook", "events": ["delivered"]}),
    *r("GET=200 PATCH=200 DELETE=204", HOOK, "endpoint", {"friendly_name": "another"}),
    *r("GET=200 POST=201", f"{HOOK}/signing_secret", "endpoint"), *r("GET=200", f"{HOOK}/deliveries", "endpoint"),
    *r("POST=202", f"{HOOK}/deliveries/<delivery_id>/replay", "endpoint"), *r("POST=202", f"{HOOK}/replay", "endpoint", {"since": "1h"}),
    *r("GET=200", "/v3/events"),
    *r("GET=200", PARSE), *r("GET=200", "/v3/user/webhooks/parse/stats", query=DAYS),
    *r("POST=201", PARSE, None, {"hostname": "another-{fresh}.{from_domain}", "url": "https://example.com/x", "send_raw": False, "spam_check": False}),
    *r("GET=200 PATCH=200 DELETE=204", f"{PARSE}/<hostname>", "parse host", {"url": "https://example.com/y"}),
)
FIGURES = (
    *[row for path in ("/v3/stats", "/v3/stats/sum", "/v3/stats/categories", "/v3/categories/stats/sums") for row in r("GET=200", path, query=DAYS)],
    *r("GET=200", "/v3/categories"), *r("GET=200", "/v3/categories/stats", query=f"{DAYS}&categories=a"), *r("GET=200", "/v3/stats/summary"),
    *r("GET=200", "/v3/mailbox_providers/stats", query=DAYS),
    *r("GET=200", f"{ADMIN}/queues"), *r("GET=200", f"{ADMIN}/setup"),
)
_MAIL, _TRACKING = "/v3/mail_settings", "/v3/tracking_settings"
SETTINGS = (
    *r("GET=200", "/v3/user/account"), *r("GET=200", "/v3/user/credits"), *r("GET=200 PATCH=200", "/v3/user/profile", None, {"city": "Another"}),
    *r("GET=200 PUT=200", "/v3/user/email", None, {"email": "a@example.com"}), *r("GET=200 PUT=200", "/v3/user/username", None, {"username": "another"}),
    *r("GET=200 PATCH=200", "/v3/user/settings/enforced_tls", None, {"require_tls": False}), *r("GET=200", _MAIL), *r("GET=200", _TRACKING),
    *[row for name, body in {
        "address_whitelist": {"list": ["example.com"], "enabled": True}, "bcc": {"enabled": False}, "bounce_purge": {"hard_bounces": 5, "enabled": True},
        "footer": {"enabled": True, "html_content": "x", "plain_content": "x"}, "forward_bounce": {"enabled": False}, "forward_spam": {"enabled": False},
        "plain_content": {"enabled": False}, "spam_check": {"enabled": False}, "template": {"enabled": False},
    }.items() for row in r("GET=200 PATCH=200", f"{_MAIL}/{name}", None, body)],
    *[row for name in ("click", "google_analytics", "open", "subscription") for row in r("GET=200 PATCH=200", f"{_TRACKING}/{name}", None, {"enabled": True})],
    *r("GET=200 PATCH=200", f"{_TRACKING}/image_embed_mode", None, {"mode": "cid"}),
)
# What recipients, browsers and probes ask for; no credential changes the answer.
PUBLIC = (
    *r("GET=200", "/t/u/<token>", "opting out", seen_by="everybody"),
    *r("POST=200", "/t/u/<token>", "opting out", "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded", seen_by="everybody"),
    *r("GET=200", "/t/o/<token>.gif", "opening", seen_by="everybody"), *r("GET=302", "/t/c/<token>", "clicking", query="?u=https://example.org/leads-here", seen_by="everybody"),
    *r("GET=200 POST=200", "/verify-sender/<token>", "sender", seen_by="everybody"),
    *r("GET=302", "/v3/auth/login"), *r("GET=400", "/v3/auth/callback"), *r("POST=401", "/v3/auth/refresh"), *r("GET=302 POST=204", "/v3/auth/logout"),
    *r("POST=401", "/webhooks/scaikey", None, {}),
    *[row for path in ("/health", "/ready", "/", "/openapi.json", "/docs") for row in r("GET=200", path)],
)
NOT_OFFERED = tuple(
    Row(method, each.path, 200 if method in each.answers else 404, None, None if method in ("GET", "DELETE") else {})
    for each in TABLE for method in each.methods.split()
)
GROUPED: Mapping[str, tuple[Row, ...]] = {
    "Mail": MAIL, "API keys and the audit log": KEYS, "Domains and senders": DOMAINS, "Templates and images": CONTENT, "Suppressions": SUPPRESSIONS,
    "Tenants, people and roles": PEOPLE, "Addresses and kept mail": ADDRESSES, "Webhooks, events and parsing": WEBHOOKS, "Figures": FIGURES,
    "Settings": SETTINGS, "Not offered": NOT_OFFERED, "Public": PUBLIC,
}
