"""What SendGrid has and ScaiSend has not: a table of paths, each answered in SendGrid's form of an error, or with nothing found.

A list that must be empty here (there are no alerts) is answered as an empty list, since programs read it on their way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from scaisend.faults import Fault
from scaisend.http.call import Call
from scaisend.http.reply import Reply, error_reply, json_reply
from scaisend.http.route import Route

WARMUP = "Warm-up plans are the operator's: scaisend destinations warmup, or PUT /api/admin/warmups/{address}."
OWN_LINKS = "A branded link belongs to the tenant whose links lead over it: add it by POST /v3/whitelabel/links with on-behalf-of, or delete it there."
SUBUSER_STATS = "Statistics are those of one account: use GET /v3/stats with on-behalf-of."
CREDITS = "There are no credits: PUT /api/admin/tenants/{id}/limits says what a tenant may send."
MONITOR = "Mail of others is not copied to a monitor: GET /v3/messages with on-behalf-of shows what is sent."
REVERSE = "There is no reverse DNS by API: the operator sets the PTR records of the source addresses."
TEAM = "People and their roles come from the identity provider, or are seen in the console."
ACCESS = "Addresses that may call the API are not kept here: the operator's firewall does that."
POLICIES = "Webhooks have their OAuth and signing settings in themselves: use /v3/user/webhooks/event/settings."
MARKETING = "ScaiSend sends transactional mail: there are no campaigns, contacts and segments."


@dataclass(frozen=True, slots=True)
class Unsupported:
    """One path: which methods SendGrid has, why they are not here, and the answers of those that have an honest one."""

    path: str
    methods: str
    reason: str
    answers: Mapping[str, object]


def _row(path: str, methods: str, reason: str, **answers: object) -> Unsupported:
    return Unsupported(path, methods, reason, answers)


TABLE: Sequence[Unsupported] = (
    _row("/v3/whitelabel/links/subuser", "DELETE", OWN_LINKS),
    _row("/v3/whitelabel/links/<link_id>/subuser", "POST", OWN_LINKS),
    _row("/v3/whitelabel/ips", "GET POST", REVERSE, GET=[]),
    _row("/v3/whitelabel/ips/<rdns_id>", "GET DELETE", REVERSE),
    _row("/v3/whitelabel/ips/<rdns_id>/validate", "POST", REVERSE),
    _row("/v3/whitelabel/dns/email", "POST", "Records are not mailed: show them by GET /v3/whitelabel/domains/{id}."),
    _row("/v3/senders", "GET POST", "The marketing sender API is not here: use /v3/verified_senders.", GET={"result": []}),
    _row("/v3/senders/<sender_id>", "GET PATCH DELETE", "The marketing sender API is not here: use /v3/verified_senders."),
    _row("/v3/senders/<sender_id>/resend_verification", "POST", "The marketing sender API is not here: use /v3/verified_senders."),
    _row("/v3/partner_settings", "GET", "There are no partner settings.", GET={"result": []}),
    _row("/v3/partner_settings/new_relic", "GET PATCH", "There are no partner settings."),
    _row("/v3/user/password", "PUT", "There are no passwords: credentials are API keys, or the identity provider's."),
    _row("/v3/subusers/stats", "GET", SUBUSER_STATS),
    _row("/v3/subusers/stats/monthly", "GET", SUBUSER_STATS),
    _row("/v3/subusers/stats/sums", "GET", SUBUSER_STATS),
    _row("/v3/subusers/<username>/credits", "GET PUT", CREDITS),
    _row("/v3/subusers/<username>/credits/remaining", "PATCH", CREDITS),
    _row("/v3/subusers/<username>/monitor", "GET POST PUT DELETE", MONITOR),
    _row("/v3/subusers/<username>/stats/monthly", "GET", SUBUSER_STATS),
    _row("/v3/subusers/<username>/website_access", "PATCH", TEAM),
    _row("/v3/teammates", "GET POST", TEAM, GET={"result": []}),
    _row("/v3/teammates/pending", "GET", TEAM, GET={"result": []}),
    _row("/v3/teammates/pending/<token>", "DELETE", TEAM),
    _row("/v3/teammates/pending/<token>/resend", "POST", TEAM),
    _row("/v3/teammates/<username>", "GET PATCH DELETE", TEAM),
    _row("/v3/teammates/<username>/subuser_access", "GET", TEAM),
    _row("/v3/scopes/requests", "GET", TEAM, GET=[]),
    _row("/v3/scopes/requests/<request_id>", "DELETE", TEAM),
    _row("/v3/scopes/requests/<request_id>/approve", "PATCH", TEAM),
    _row("/v3/alerts", "GET POST", "There are no alerts by mail: watch /metrics.", GET=[]),
    _row("/v3/alerts/<alert_id>", "GET PATCH DELETE", "There are no alerts by mail: watch /metrics."),
    _row("/v3/access_settings/activity", "GET", ACCESS, GET={"result": []}),
    _row("/v3/access_settings/whitelist", "GET POST DELETE", ACCESS, GET={"result": []}),
    _row("/v3/access_settings/whitelist/<rule_id>", "GET DELETE", ACCESS),
    _row("/v3/ips", "POST", "Addresses are the operator's: SMTP_SOURCE_IPS names them."),
    _row("/v3/ips/remaining", "GET", "Addresses are the operator's: none are for sale."),
    _row("/v3/ips/warmup", "POST", WARMUP),
    _row("/v3/ips/warmup/<ip>", "DELETE", WARMUP),
    _row("/v3/send_ips/ips", "GET POST", "The newer address API is not here: use /v3/ips."),
    _row("/v3/send_ips/ips/<path:rest>", "GET POST PATCH DELETE", "The newer address API is not here: use /v3/ips."),
    _row("/v3/send_ips/pools", "GET POST", "The newer address API is not here: use /v3/ips/pools."),
    _row("/v3/send_ips/pools/<path:rest>", "GET POST PUT PATCH DELETE", "The newer address API is not here: use /v3/ips/pools."),
    _row("/v3/suppression/bounces/classifications", "GET", "Bounces are not divided by class: each has its reason and status."),
    _row("/v3/suppression/bounces/classifications/<name>", "GET", "Bounces are not divided by class: each has its reason and status."),
    _row("/v3/user/webhooks/security/policies", "GET POST", POLICIES),
    _row("/v3/user/webhooks/security/policies/<policy_id>", "GET PATCH DELETE", POLICIES),
    _row("/v3/engagementquality/scores", "GET", "Engagement is not scored: /v3/stats has the numbers."),
    _row("/v3/browsers/stats", "GET", "Statistics are not divided by browser."),
    _row("/v3/clients/stats", "GET", "Statistics are not divided by mail client."),
    _row("/v3/clients/<client_type>/stats", "GET", "Statistics are not divided by mail client."),
    _row("/v3/devices/stats", "GET", "Statistics are not divided by device."),
    _row("/v3/geo/stats", "GET", "Statistics are not divided by country."),
    _row("/v3/validations/email", "POST", "Addresses are not validated by guess: send, and read what comes back."),
    _row("/v3/messages/download/<token>", "GET", "There is no CSV export of the activity: page through GET /v3/messages."),
    _row("/v3/messages/download", "POST", "There is no CSV export of the activity: page through GET /v3/messages."),
    _row("/v3/logs/<message_id>", "GET", "The log search is not here: use GET /v3/messages/{id}."),
    _row("/v3/logs", "POST", "The log search is not here: use GET /v3/messages?query=."),
    _row("/v3/marketing/<path:rest>", "GET POST PUT PATCH DELETE", MARKETING),
    _row("/v3/sso/<path:rest>", "GET POST PATCH DELETE", "People log in at the identity provider (SCAIKEY_API_URL)."),
    _row("/v3/contactdb/<path:rest>", "GET POST PUT PATCH DELETE", MARKETING),
    _row("/v3/campaigns", "GET POST", MARKETING),
    _row("/v3/campaigns/<path:rest>", "GET POST PUT PATCH DELETE", MARKETING),
)


class UnsupportedApi:
    """404 with the reason, or the answer that is true here. A 5xx would make clients try again and operators look for a fault."""

    def routes(self) -> list[Route]:
        return [
            Route(method, each.path, partial(self.answer, each, method), summary=f"Not offered. {each.reason}")
            for each in TABLE for method in each.methods.split()
        ]

    async def answer(self, each: Unsupported, method: str, call: Call) -> Reply:
        """What SendGrid's clients can read."""
        if method in each.answers:
            return json_reply(each.answers[method])
        return error_reply(404, [Fault("not offered by this service", None, each.reason)])


def is_unsupported(route: Route) -> bool:
    """Whether the route stands in the table and only refuses."""
    return any(each.path == route.path and route.method in each.methods.split() and route.method not in each.answers for each in TABLE)
