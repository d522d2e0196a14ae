"""The parameters of the OpenAPI document beside those of the path: what each operation may be asked for in its query or a header."""

from collections.abc import Iterable, Mapping, Sequence

from scaisend.app.openapi_schemas import NUMBER, TEXT, Json
from scaisend.messages import search
from scaisend.messages.status import MESSAGE_STATES
from scaisend.reporting.webhook import TOLD

TEXTS: Mapping[str, Json] = {"type": "array", "items": TEXT}
WHOLE = ("limit", "offset", "page", "page_size", "start_time", "end_time", "lastSeenID")


def _one(name: str, schema: Json = None, description: str = "") -> dict[str, Json]:
    told = schema or (NUMBER if name in WHOLE else TEXT)
    return {"name": name, "in": "query", "required": False, "schema": told} | ({"description": description} if description else {})


def _all(names: str) -> tuple[dict[str, Json], ...]:
    return tuple(_one(name) for name in names.split())


def _choice(values: Iterable[str]) -> dict[str, Json]:
    return {"enum": sorted(values)}


_PAGE, _LISTED, _AFTER = _all("limit offset"), _all("start_time end_time limit offset email"), _all("after limit")
_TENANT = _one("tenant_id", description="One of the tenants that the caller administers; its own where none is named.")
_SPAN = (_one("start_date", description="A day, YYYY-MM-DD."), _one("end_date"), _one("aggregated_by", _choice(("day", "week", "month"))))
_CATEGORIES = _one("categories", TEXTS)
_STATUS_CHANGE = (_one("include", _choice(("account_status_change",))),)
_ADMIN, _SETTINGS = "/api/admin", "/v3/user/webhooks/event/settings"
_OF_A_TENANT = (
    "POST bulk-jobs", "POST bulk-jobs/preview", "GET bulk-jobs/{job_id}", "POST bulk-jobs/{job_id}/undo", "POST erasures", "GET groups/{group_id}",
    "POST roles", "GET roles/{role}", "PATCH roles/{role}", "DELETE roles/{role}", "POST users/{user_id}/roles/{role}", "DELETE users/{user_id}/roles/{role}",
    "POST group-mappings", "DELETE group-mappings/{group_id}/{role}",
)

_QUERIES: Mapping[str, Sequence[Mapping[str, Json]]] = {
    **{f"/v3/suppression/{name}": _LISTED for name in ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")},
    "/v3/asm/suppressions/global": _LISTED, "/v3/asm/suppressions": _PAGE, "/v3/asm/groups": (_one("id", {"type": "array", "items": NUMBER}),),
    "/v3/asm/groups/{group_id}/suppressions": _PAGE, f"{_ADMIN}/suppressions": (_one("email", description="Required."),),
    "/v3/messages": (
        _one("query", description="In the language of SendGrid's Email Activity, which also answers in its shape; only limit may stand beside it."),
        *[_one(name, _choice(MESSAGE_STATES) if name == "status" else None) for name in sorted(search.PARAMETERS)],
    ),
    "/v3/events": (_one("event_type", {"type": "array", "items": _choice(TOLD)}), *_all("cursor limit since")),
    "/v3/user/webhooks/{webhook_id}/deliveries": (_one("status", _choice(("queued", "delivered", "failed"))), *_all("cursor limit")),
    **dict.fromkeys((_SETTINGS, f"{_SETTINGS}/all", f"{_SETTINGS}/{{webhook_id}}"), _STATUS_CHANGE),
    "/v3/user/webhooks/parse/settings": _PAGE, "/v3/user/webhooks/parse/stats": (*_SPAN, *_PAGE),
    "/v3/stats": (*_SPAN, *_PAGE), "/v3/stats/sum": _SPAN, "/v3/stats/summary": _SPAN, "/v3/stats/categories": (*_SPAN, *_PAGE, _CATEGORIES),
    "/v3/categories": (*_PAGE, _one("category"), _one("sort_by", _choice(("category",)))),
    "/v3/categories/stats": (*_SPAN, *_PAGE, _CATEGORIES),
    "/v3/categories/stats/sums": (*_SPAN, *_PAGE, _one("sort_by_metric"), _one("sort_by_direction", _choice(("asc", "desc")))),
    "/v3/mailbox_providers/stats": (*_SPAN, *_PAGE, _one("mailbox_providers", TEXTS)),
    "/v3/templates": (_one("generations", description="legacy (the default), dynamic, or legacy,dynamic."), *_all("page_size page_token")),
    "/v3/images": _all("page page_size folder search"), "/i/{image_id}": (_one("variant", _choice(("thumbnail",))),),
    "/v3/whitelabel/domains": (*_PAGE, _one("domain")), "/v3/whitelabel/domains/default": (_one("domain"),),
    "/v3/whitelabel/links": _PAGE, "/v3/whitelabel/links/default": (_one("domain"),),
    **{f"/v3/whitelabel/{each}": (_one("username"),) for each in ("domains/subuser", "domains/subuser/all", "links/subuser")},
    "/v3/verified_senders": (*_all("limit lastSeenID"), _one("id", NUMBER)),
    "/v3/subusers": (*_PAGE, _one("username")), "/v3/subusers/reputations": (_one("usernames", TEXTS),),
    "/v3/ips": (*_PAGE, _one("ip")), "/v3/api_keys": _all("limit"), "/v3/mail_settings": _PAGE, "/v3/tracking_settings": _PAGE,
    "/v3/auth/login": (_one("next", description="Where to go afterwards: a path of this site."),), "/v3/auth/callback": _all("code state"),
    "/t/c/{token}": (_one("u", description="Where the link leads, as it was when it was signed."),),
    **{f"{_ADMIN}/{noun}": (*_AFTER, _TENANT) for noun in ("users", "groups", "roles", "group-mappings")},
    f"{_ADMIN}/groups/{{group_id}}/members": (*_AFTER, _TENANT), f"{_ADMIN}/partners": _AFTER, f"{_ADMIN}/tenants": (*_AFTER, _one("partner_id")),
    f"{_ADMIN}/audit-log": (*_all("before limit"), _TENANT), f"{_ADMIN}/bulk-jobs": (_one("limit"), _TENANT),
    f"{_ADMIN}/destinations": _all("cursor limit"), f"{_ADMIN}/inbound/unparsed": _all("kind before limit"),
}
# By method and path.
PARAMETERS: Mapping[tuple[str, str], Sequence[Mapping[str, Json]]] = {
    ("POST", "/v3/mail/send"): (
        {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 255}},
    ),
    **{("GET", path): parameters for path, parameters in _QUERIES.items()},
    **{(method, f"{_ADMIN}/{path}"): (_TENANT,) for method, path in (each.split(" ") for each in _OF_A_TENANT)},
}
