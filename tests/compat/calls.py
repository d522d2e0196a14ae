"""The calls of the official client suites (sendgrid-python 6 and @sendgrid/client 8), with the statuses they expect.

The suites are written against a mock and give the literal `test_url_param` for every id; here ids are those of things that were
made before. Campaigns and contacts are left out: they are another product.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Calling:
    """One call. `{name}` in path and body stands for what an earlier call kept under that name; `keep` maps names to keys of the answer.

    `by_partner`: the admin of the tenant's partner makes it, with a token; else the tenant, with its key.
    """

    method: str
    path: str
    expected: int
    body: object = None
    keep: Mapping[str, str] = field(default_factory=dict)
    by_partner: bool = False


def c(calls: str, path: str, body: object = None, **keep: str) -> list[Calling]:
    """Calls of one path, `GET=200 POST=201`; the body goes with those that have one."""
    found = []
    for each in calls.split():
        method, _, status = each.partition("=")
        found.append(Calling(method, path, int(status), body if method in ("POST", "PUT", "PATCH", "DELETE") else None, keep if method == "POST" else {}))
    return found


def p(calls: str, path: str, body: object = None, **keep: str) -> list[Calling]:
    """The same, by the partner's admin."""
    return [replace(each, by_partner=True) for each in c(calls, path, body, **keep)]


MAIL = {
    "personalizations": [{"to": [{"email": "john@example.com", "name": "John"}], "subject": "Hello"}], "from": {"email": "{sender}"},
    "reply_to": {"email": "{sender}"}, "subject": "Hello", "content": [{"type": "text/html", "value": "<p>Hello</p>"}],
    "attachments": [{"content": "aGVsbG8=", "filename": "a.txt", "type": "text/plain", "disposition": "inline", "content_id": "ii"}],
    "categories": ["a"], "headers": {"X-Test": "1"}, "custom_args": {"a": "b"}, "asm": {"group_id": "{group}", "groups_to_display": ["{group}"]},
    "batch_id": "{batch}", "mail_settings": {"bcc": {"enable": True, "email": "a@example.com"}, "spam_check": {"enable": True, "threshold": 3}},
    "tracking_settings": {"click_tracking": {"enable": True, "enable_text": True}},
}
P = "test_url_param"
LISTS = ("bounces", "blocks", "invalid_emails", "spam_reports")

CALLS: tuple[Calling, ...] = (
    # mail
    *c("POST=201", "/v3/mail/batch", batch="batch_id"), *c("GET=200", "/v3/mail/batch/{batch}"),
    *c("POST=201", "/v3/asm/groups", {"name": "News", "description": "d", "is_default": True}, group="id"),
    *c("POST=202", "/v3/mail/send", MAIL),
    *c("POST=201", "/v3/user/scheduled_sends", {"batch_id": "{batch}", "status": "pause"}), *c("GET=200", "/v3/user/scheduled_sends"),
    *c("GET=200", "/v3/user/scheduled_sends/{batch}"), *c("PATCH=204", "/v3/user/scheduled_sends/{batch}", {"status": "cancel"}),
    *c("DELETE=204", "/v3/user/scheduled_sends/{batch}"),
    # templates
    *c("GET=200 POST=201", "/v3/templates", {"name": "example_name", "generation": "dynamic"}, template="id"),
    *c("GET=200 PATCH=200", "/v3/templates/{template}", {"name": "new_name"}),
    *c("POST=201", "/v3/templates/{template}/versions", {
        "name": "v", "subject": "Hello {{name}}", "html_content": "<p>{{name}}</p>", "plain_content": "{{name}}", "active": 1,
    }, version="id"),
    *c("GET=200 PATCH=200", "/v3/templates/{template}/versions/{version}", {"name": "v2", "subject": "Hi", "active": 1}),
    *c("POST=200", "/v3/templates/{template}/versions/{version}/activate"), *c("DELETE=204", "/v3/templates/{template}/versions/{version}"),
    *c("DELETE=204", "/v3/templates/{template}"),
    # keys
    *c("GET=200 POST=201", "/v3/api_keys", {"name": "My API Key", "sample": "data", "scopes": ["mail.send", "alerts.create"]}, key="api_key_id"),
    *c("GET=200", "/v3/api_keys/{key}"), *c("PUT=200", "/v3/api_keys/{key}", {"name": "A", "scopes": ["user.profile.read"]}),
    *c("PATCH=200", "/v3/api_keys/{key}", {"name": "B"}),
    *c("DELETE=204", "/v3/api_keys/{key}"), *c("GET=200", "/v3/scopes"),
    # suppressions
    *[call for name in LISTS for call in (
        *c("POST=201", f"/v3/suppression/{name}", {"emails": ["test1@example.com", "test2@example.com"]}),
        *c("GET=200", f"/v3/suppression/{name}"), *c("GET=200 DELETE=204", f"/v3/suppression/{name}/test1@example.com"),
        *c("DELETE=204", f"/v3/suppression/{name}", {"delete_all": True}),
    )],
    *c("GET=200", "/v3/suppression/unsubscribes"),
    *c("GET=200", "/v3/asm/groups"), *c("GET=200 PATCH=201", "/v3/asm/groups/{group}", {"name": "N", "description": "d"}),
    *c("GET=200 POST=201", "/v3/asm/groups/{group}/suppressions", {"recipient_emails": ["test1@example.com"]}),
    *c("POST=200", "/v3/asm/groups/{group}/suppressions/search", {"recipient_emails": ["test1@example.com"]}),
    *c("DELETE=204", "/v3/asm/groups/{group}/suppressions/test1@example.com"), *c("GET=200", "/v3/asm/suppressions"),
    *c("GET=200", "/v3/asm/suppressions/test1@example.com"), *c("POST=201", "/v3/asm/suppressions/global", {"recipient_emails": ["test1@example.com"]}),
    *c("GET=200 DELETE=204", "/v3/asm/suppressions/global/test1@example.com"), *c("DELETE=204", "/v3/asm/groups/{group}"),
    # statistics and webhooks
    *c("GET=200", "/v3/stats?aggregated_by=day&limit=1&start_date=2026-01-01&end_date=2026-01-31&offset=1"),
    *c("GET=200", "/v3/categories?category=a&limit=1&offset=1"),
    *c("GET=200", "/v3/categories/stats?end_date=2026-04-01&aggregated_by=day&limit=1&offset=1&start_date=2026-01-01&categories=a"),
    *c("GET=200", "/v3/categories/stats/sums?end_date=2026-04-01&aggregated_by=day&limit=1&start_date=2026-01-01&offset=1"),
    *c("GET=200", "/v3/mailbox_providers/stats?end_date=2026-04-01&mailbox_providers=Gmail&aggregated_by=day&limit=1&offset=1&start_date=2026-01-01"),
    *c("GET=200 PATCH=200", "/v3/user/webhooks/event/settings", {"enabled": False, "url": "https://example.com/x", "bounce": True, "click": True}),
    *c("POST=204", "/v3/user/webhooks/event/test", {"url": "{hook}"}),
    # domains, and a subuser
    *p("GET=200 POST=200", "/v3/subusers", {
        "username": "John@example.com", "email": "John@example.com", "password": "johns_password", "ips": [],
    }, subuser="username"),
    *c("GET=200 POST=201", "/v3/whitelabel/domains", {"domain": "example.com", "subdomain": "news", "custom_spf": True, "default": True, "automatic_security": False}, domain="id"),
    *c("GET=200 PATCH=200", "/v3/whitelabel/domains/{domain}", {"default": False, "custom_spf": True}),
    *c("GET=200", "/v3/whitelabel/domains/default?domain=example.com"), *c("POST=200", "/v3/whitelabel/domains/{domain}/validate"),
    *p("POST=201", "/v3/whitelabel/domains/{domain}/subuser", {"username": "{subuser}"}),
    *p("GET=200 DELETE=204", "/v3/whitelabel/domains/subuser?username={subuser}"), *c("POST=200", "/v3/whitelabel/domains/{domain}/ips", {"ip": "{ip}"}),
    *c("DELETE=200", "/v3/whitelabel/domains/{domain}/ips/{ip}"), *c("DELETE=204", "/v3/whitelabel/domains/{domain}"),
    *c("GET=200 POST=201", "/v3/verified_senders", {"nickname": "a", "from_email": "a@example.com", "reply_to": "a@example.com"}, verified="id"),
    *c("PATCH=200", "/v3/verified_senders/{verified}", {"nickname": "b"}), *c("POST=204", "/v3/verified_senders/resend/{verified}"),
    *c("GET=200", "/v3/verified_senders/domains"), *c("GET=200", "/v3/verified_senders/steps_completed"), *c("DELETE=204", "/v3/verified_senders/{verified}"),
    *c("GET=200 POST=201", "/v3/whitelabel/links", {"domain": "example.com", "subdomain": "mail", "default": False}, link="id"),
    *c("GET=200 PATCH=200", "/v3/whitelabel/links/{link}", {"default": True}), *c("GET=200", "/v3/whitelabel/links/default?domain=example.com"),
    *c("POST=200", "/v3/whitelabel/links/{link}/validate"), *c("POST=200", "/v3/whitelabel/links/{link}/subuser", {"username": "jane"}),
    *p("GET=200 DELETE=204", "/v3/whitelabel/links/subuser?username={account}"), *c("DELETE=204", "/v3/whitelabel/links/{link}"),
    *c("GET=200 POST=201", "/v3/whitelabel/ips", {"ip": "192.0.2.1", "subdomain": "mail", "domain": "example.com"}),
    *c("GET=200 DELETE=204", f"/v3/whitelabel/ips/{P}"), *c("POST=200", f"/v3/whitelabel/ips/{P}/validate"),
    # settings
    *c("GET=200", "/v3/mail_settings"), *c("GET=200 PATCH=200", "/v3/mail_settings/address_whitelist", {"list": ["email1@example.com", "example.com"], "enabled": True}),
    *c("GET=200 PATCH=200", "/v3/mail_settings/bcc", {"enabled": False, "email": "email@example.com"}),
    *c("GET=200 PATCH=200", "/v3/mail_settings/bounce_purge", {"hard_bounces": 5, "soft_bounces": 5, "enabled": True}),
    *c("GET=200 PATCH=200", "/v3/mail_settings/footer", {"html_content": "...", "enabled": True, "plain_content": "..."}),
    *c("GET=200 PATCH=200", "/v3/mail_settings/forward_bounce", {"enabled": True, "email": "example@example.com"}),
    *c("GET=200 PATCH=200", "/v3/mail_settings/forward_spam", {"enabled": False, "email": ""}),
    *c("GET=200 PATCH=200", "/v3/mail_settings/plain_content", {"enabled": False}),
    *c("GET=200 PATCH=200", "/v3/mail_settings/spam_check", {"url": "http://example.com/url", "max_score": 5, "enabled": True}),
    *c("GET=200 PATCH=200", "/v3/mail_settings/template", {"html_content": "<% body %>", "enabled": True}),
    *c("GET=200", "/v3/tracking_settings"), *c("GET=200 PATCH=200", "/v3/tracking_settings/click", {"enabled": True}),
    *c("GET=200 PATCH=200", "/v3/tracking_settings/google_analytics", {"utm_campaign": "website", "utm_term": "", "utm_content": "", "enabled": True, "utm_source": "sendgrid.com", "utm_medium": "email"}),
    *c("GET=200 PATCH=200", "/v3/tracking_settings/open", {"enabled": True}),
    *c("GET=200 PATCH=200", "/v3/tracking_settings/subscription", {"url": "https://example.com", "html_content": "h", "landing": "l", "enabled": True, "replace": "r", "plain_content": "p"}),
    # account
    *c("GET=200", "/v3/user/account"), *c("GET=200", "/v3/user/credits"), *c("GET=200 PUT=200", "/v3/user/email", {"email": "example@example.com"}),
    *c("PUT=200", "/v3/user/password", {"new_password": "n", "old_password": "o"}), *c("GET=200 PATCH=200", "/v3/user/profile", {"city": "Orange", "first_name": "Example"}),
    *c("GET=200 PUT=200", "/v3/user/username", {"username": "test_username"}),
    *c("GET=200 PATCH=200", "/v3/user/settings/enforced_tls", {"require_tls": False, "require_valid_cert": False}),
    *c("GET=200 POST=201", "/v3/user/webhooks/parse/settings", {"url": "https://example.com/mail", "send_raw": False, "hostname": "in.{from_domain}", "spam_check": True}),
    *c("GET=200 PATCH=200 DELETE=204", "/v3/user/webhooks/parse/settings/in.{from_domain}", {"url": "https://example.com/x", "send_raw": True, "spam_check": False}),
    *c("GET=200", "/v3/user/webhooks/parse/stats?aggregated_by=day&limit=1&start_date=2026-01-01&end_date=2026-01-31&offset=1"),
    # addresses
    *c("GET=200 POST=201", "/v3/ips", {"count": 1, "warmup": True}), *c("GET=200", "/v3/ips/{ip}"), *c("GET=200", "/v3/ips/assigned"),
    *c("GET=200", "/v3/ips/remaining"), *c("GET=200 POST=200", "/v3/ips/pools", {"name": "marketing"}), *c("GET=200", "/v3/ips/pools/marketing"),
    *c("PUT=200", "/v3/ips/pools/marketing", {"name": "new_pool_name"}), *c("POST=201", "/v3/ips/pools/new_pool_name/ips", {"ip": "{ip}"}),
    *c("DELETE=204", "/v3/ips/pools/new_pool_name/ips/{ip}"), *c("DELETE=204", "/v3/ips/pools/new_pool_name"),
    *c("GET=200 POST=200", "/v3/ips/warmup", {"ip": "{ip}"}), *c("GET=200 DELETE=204", "/v3/ips/warmup/{ip}"),
    # subusers
    *p("PUT=200", "/v3/subusers/{subuser}/ips", ["{ip}"]), *p("PATCH=204 DELETE=204", "/v3/subusers/{subuser}", {"disabled": True}),
    *p("GET=200", "/v3/subusers/reputations"),
    # what tenants, people and operators do in another way here
    *c("GET=200 POST=200 PUT=200 DELETE=204", f"/v3/subusers/{P}/monitor", {"email": "a@example.com", "frequency": 500}),
    *c("GET=200", f"/v3/subusers/{P}/stats/monthly"), *c("GET=200", "/v3/subusers/stats"),
    *c("GET=200", "/v3/subusers/stats/monthly"), *c("GET=200", "/v3/subusers/stats/sums"),
    *c("GET=200 POST=201", "/v3/alerts", {"type": "stats_notification"}), *c("GET=200 PATCH=200 DELETE=204", f"/v3/alerts/{P}", {"email_to": "a@example.com"}),
    *c("GET=200", "/v3/access_settings/activity"), *c("GET=200 POST=201 DELETE=204", "/v3/access_settings/whitelist", {"ips": [{"ip": "192.0.2.1"}]}),
    *c("GET=200 DELETE=204", f"/v3/access_settings/whitelist/{P}"),
    *[call for path in ("browsers", "clients", f"clients/{P}", "devices", "geo") for call in c("GET=200", f"/v3/{path}/stats")],
    *c("GET=200", "/v3/partner_settings"), *c("GET=200 PATCH=200", "/v3/partner_settings/new_relic", {"enabled": True}),
    *c("GET=200 POST=201", "/v3/senders", {"nickname": "a"}), *c("GET=200 PATCH=200 DELETE=204", f"/v3/senders/{P}", {"nickname": "a"}),
    *c("POST=204", f"/v3/senders/{P}/resend_verification"),
    *c("GET=200", "/v3/scopes/requests"), *c("DELETE=204", f"/v3/scopes/requests/{P}"), *c("PATCH=200", f"/v3/scopes/requests/{P}/approve"),
    *c("GET=200 POST=201", "/v3/teammates", {"email": "a@example.com", "scopes": []}), *c("GET=200 PATCH=200 DELETE=204", f"/v3/teammates/{P}", {"scopes": []}),
    *c("GET=200", "/v3/teammates/pending"), *c("DELETE=204", f"/v3/teammates/pending/{P}"), *c("POST=200", f"/v3/teammates/pending/{P}/resend"),
)
