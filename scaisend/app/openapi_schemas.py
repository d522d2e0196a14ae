"""The schemas of the OpenAPI document: requests and answers that programs are written against."""

from collections.abc import Mapping, Sequence

from scaisend.tracking.settings import ADDRESS, DAYS, LISTED, MAIL_SETTINGS, SCORE, TRACKING_SETTINGS, URL, Setting
from scaisend.tracking.settings import FLAG as A_FLAG
from scaisend.tracking.settings import TEXT as A_TEXT

Json = object


def _object(required: Sequence[str] = (), *, closed: bool = False, **properties: Json) -> dict[str, Json]:
    shape: dict[str, Json] = {"type": "object", "properties": properties}
    if required:
        shape["required"] = list(required)
    if closed:
        shape["additionalProperties"] = False
    return shape


def _list(of: Json, *, least: int = 0, most: int | None = None) -> dict[str, Json]:
    return {"type": "array", "items": of} | ({"minItems": least} if least else {}) | ({"maxItems": most} if most else {})


def _ref(name: str) -> dict[str, Json]:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Mapping[str, Json] = {"type": "string"}
FLAG: Mapping[str, Json] = {"type": "boolean"}
NUMBER: Mapping[str, Json] = {"type": "integer"}
FREE: Mapping[str, Json] = {"type": "object"}
NAMED_TEXTS: Mapping[str, Json] = {"type": "object", "additionalProperties": TEXT}
MAYBE_TEXT: Mapping[str, Json] = {"type": ["string", "null"]}
EMAIL: Mapping[str, Json] = {"type": "string", "format": "email", "maxLength": 254}
SEND_AT: Mapping[str, Json] = {"type": "integer", "description": "Epoch seconds, at most 72 hours ahead."}
ON: Mapping[str, Json] = _object(closed=True, enable=FLAG)

_DNS_RECORD = _object(valid=FLAG, type={"enum": ["txt", "mx", "cname"]}, host=TEXT, data=TEXT)
_SENDER_FIELDS: Mapping[str, Json] = {
    "nickname": TEXT, "from_email": EMAIL, "from_name": TEXT, "reply_to": EMAIL, "reply_to_name": TEXT, "address": TEXT, "address2": TEXT,
    "state": {"type": "string", "maxLength": 2}, "city": TEXT, "zip": {"type": "string", "maxLength": 10}, "country": TEXT,
}

_OF_SETTINGS: Mapping[str, Json] = {
    A_FLAG: FLAG, A_TEXT: TEXT, ADDRESS: TEXT, URL: TEXT, DAYS: {"type": ["integer", "null"], "minimum": 1, "maximum": 3650},
    SCORE: {"type": "integer", "minimum": 1, "maximum": 10}, LISTED: _list(TEXT, most=1000),
}


def _setting(setting: Setting) -> dict[str, Json]:
    return {"type": "object", "properties": {field: _OF_SETTINGS[kind] for field, kind in setting.fields.items()}}


SCHEMAS: Mapping[str, Json] = {
    "Anything": {},
    "Object": FREE,
    "Error": _object(
        ("errors", "detail"),
        errors=_list(_object(("message", "field", "help"), message=TEXT, field=MAYBE_TEXT, help=MAYBE_TEXT)),
        detail=TEXT, ids=_list(TEXT),
    ),
    "Mailbox": _object(("email",), closed=True, email=EMAIL, name=TEXT),
    "Personalization": _object(
        ("to",), closed=True, to=_list(_ref("Mailbox"), least=1, most=1000), cc=_list(_ref("Mailbox"), most=1000),
        bcc=_list(_ref("Mailbox"), most=1000), subject=TEXT, headers=NAMED_TEXTS, substitutions=NAMED_TEXTS, dynamic_template_data=FREE,
        custom_args=NAMED_TEXTS, send_at=SEND_AT, **{"from": _ref("Mailbox")},
    ),
    "MailSend": _object(
        ("personalizations", "from"), closed=True, personalizations=_list(_ref("Personalization"), least=1, most=1000),
        reply_to=_ref("Mailbox"), reply_to_list=_list(_ref("Mailbox"), most=1000), subject={"type": "string", "minLength": 1},
        content=_list(_object(("type", "value"), closed=True, type=TEXT, value={"type": "string", "minLength": 1})),
        attachments=_list(_object(
            ("content", "filename"), closed=True, content={"type": "string", "contentEncoding": "base64"}, filename=TEXT, type=TEXT,
            disposition={"enum": ["attachment", "inline"]}, content_id=TEXT,
        )),
        template_id=TEXT, sections=NAMED_TEXTS, headers=NAMED_TEXTS, categories=_list({"type": "string", "maxLength": 255}, most=10),
        custom_args=NAMED_TEXTS, send_at=SEND_AT, batch_id=TEXT, ip_pool_name={"type": "string", "minLength": 2, "maxLength": 64},
        asm=_object(("group_id",), closed=True, group_id=NUMBER, groups_to_display=_list(NUMBER, most=25)),
        mail_settings=_object(
            bypass_list_management=ON, bypass_spam_management=ON, bypass_bounce_management=ON, bypass_unsubscribe_management=ON,
            sandbox_mode=ON, footer=_object(closed=True, enable=FLAG, text=TEXT, html=TEXT),
        ),
        tracking_settings=_object(
            click_tracking=_object(enable=FLAG, enable_text=FLAG), open_tracking=_object(enable=FLAG, substitution_tag=TEXT),
            subscription_tracking=_object(enable=FLAG, text=TEXT, html=TEXT, substitution_tag=TEXT),
            ganalytics=_object(enable=FLAG, utm_source=TEXT, utm_medium=TEXT, utm_term=TEXT, utm_content=TEXT, utm_campaign=TEXT),
        ),
        **{"from": _ref("Mailbox")},
    ),
    "MailSent": _object(message_id=TEXT, message_ids=_list(TEXT)),
    "Batch": _object(("batch_id",), batch_id=TEXT),
    "Scopes": _object(("scopes",), scopes=_list(TEXT)),
    "ApiKeyRequest": _object(("name",), name={"type": "string", "minLength": 1, "maxLength": 100}, scopes=_list(TEXT)),
    "ApiKey": _object(("api_key_id", "name"), api_key=TEXT, api_key_id=TEXT, name=TEXT, scopes=_list(TEXT)),
    "DomainRequest": _object(("domain",), domain=TEXT, default=FLAG, subdomain=TEXT, custom_spf=FLAG, automatic_security=FLAG),
    "Domain": _object(
        ("id", "domain", "valid", "dns"), id=NUMBER, user_id=NUMBER, subdomain=TEXT, domain=TEXT, username=TEXT, ips=_list(TEXT),
        custom_spf=FLAG, default=FLAG, legacy=FLAG, automatic_security=FLAG, valid=FLAG, last_validation_attempt_at=NUMBER,
        dns={"type": "object", "additionalProperties": _DNS_RECORD},
    ),
    "Domains": _list(_ref("Domain")),
    "VerifiedSenderRequest": {"type": "object", "required": ["nickname", "from_email", "reply_to"], "properties": _SENDER_FIELDS},
    "ScheduledSend": _object(("batch_id", "status"), batch_id=TEXT, status={"enum": ["pause", "cancel"]}),
    "Group": _object(("name",), name={"type": "string", "minLength": 1, "maxLength": 30}, description={"type": "string", "maxLength": 100}, is_default=FLAG),
    "Emails": _object(("recipient_emails",), recipient_emails=_list(EMAIL, most=1000)),
    "Template": _object(("name",), name={"type": "string", "minLength": 1, "maxLength": 100}, generation={"enum": ["dynamic", "legacy"]}),
    "TemplateVersion": _object(
        ("name", "subject"), name={"type": "string", "minLength": 1, "maxLength": 100}, subject={"type": "string", "maxLength": 255},
        html_content=TEXT, plain_content=TEXT, active={"enum": [0, 1]}, generate_plain_content=FLAG, editor={"enum": ["code", "design"]}, test_data=TEXT,
    ),
    "WebhookRequest": _object(
        url={"type": "string", "format": "uri", "maxLength": 2048}, events=_list(TEXT, most=100), enabled=FLAG, friendly_name=TEXT,
        oauth_client_id=TEXT, oauth_client_secret=TEXT, oauth_token_url=TEXT,
    ),
    "ParseSetting": _object(hostname=TEXT, url={"type": "string", "format": "uri", "maxLength": 2048}, spam_check=FLAG, send_raw=FLAG),
    "Name": _object(("name",), name={"type": "string", "minLength": 2, "maxLength": 64}),
    "PoolAddress": _object(("ip",), ip=TEXT),
    "SubuserRequest": _object(
        ("username", "email"), username={"type": "string", "minLength": 1, "maxLength": 64}, email=EMAIL, password=TEXT, ips=_list(TEXT, most=100), partner_id=TEXT,
    ),
    "Subuser": _object(("username", "user_id", "email"), username=TEXT, user_id=NUMBER, email=TEXT, credit_allocation=_object(type=TEXT)),
    "Subusers": _list(_object(("id", "username", "email", "disabled"), id=NUMBER, username=TEXT, email=TEXT, disabled=FLAG)),
    "SubuserChange": _object(("disabled",), disabled=FLAG),
    "Addresses": _list(TEXT, most=100),
    "SubuserAddresses": _object(("ips",), ips=_list(TEXT, most=100)),
    **{f"{group}.{each.name}": _setting(each) for group, settings in (("mail_settings", MAIL_SETTINGS), ("tracking_settings", TRACKING_SETTINGS)) for each in settings},
    "VerifiedSender": {
        "type": "object", "required": ["id", "verified"], "properties": {"id": NUMBER, "verified": FLAG, "locked": FLAG, **_SENDER_FIELDS},
    },
}

# Requests and answers that have a schema of their own, by method and path: (request, status of the answer, answer).
KNOWN: Mapping[tuple[str, str], tuple[str, str, str]] = {
    ("POST", "/v3/mail/send"): ("MailSend", "202", "MailSent"),
    ("POST", "/v3/mail/batch"): ("Anything", "201", "Batch"),
    ("GET", "/v3/mail/batch/{batch_id}"): ("", "200", "Batch"),
    ("POST", "/v3/user/scheduled_sends"): ("ScheduledSend", "201", "ScheduledSend"),
    ("GET", "/v3/scopes"): ("", "200", "Scopes"),
    ("POST", "/v3/api_keys"): ("ApiKeyRequest", "201", "ApiKey"),
    ("PUT", "/v3/api_keys/{key_id}"): ("ApiKeyRequest", "200", "ApiKey"),
    ("POST", "/v3/asm/groups"): ("Group", "201", "Group"),
    ("PATCH", "/v3/asm/groups/{group_id}"): ("Group", "201", "Group"),
    ("POST", "/v3/asm/groups/{group_id}/suppressions"): ("Emails", "201", "Emails"),
    ("POST", "/v3/asm/suppressions/global"): ("Emails", "201", "Emails"),
    ("POST", "/v3/templates"): ("Template", "201", "Anything"),
    ("POST", "/v3/templates/{template_id}/versions"): ("TemplateVersion", "201", "Anything"),
    ("PATCH", "/v3/templates/{template_id}/versions/{version_id}"): ("TemplateVersion", "200", "Anything"),
    ("POST", "/v3/user/webhooks"): ("WebhookRequest", "201", "Anything"),
    ("PATCH", "/v3/user/webhooks/{webhook_id}"): ("WebhookRequest", "200", "Anything"),
    ("POST", "/v3/user/webhooks/parse/settings"): ("ParseSetting", "201", "ParseSetting"),
    ("PATCH", "/v3/user/webhooks/parse/settings/{hostname}"): ("ParseSetting", "200", "ParseSetting"),
    ("GET", "/v3/whitelabel/domains"): ("", "200", "Domains"),
    ("POST", "/v3/whitelabel/domains"): ("DomainRequest", "201", "Domain"),
    ("GET", "/v3/whitelabel/domains/{domain_id}"): ("", "200", "Domain"),
    ("POST", "/api/admin/domains"): ("DomainRequest", "201", "Anything"),
    ("POST", "/v3/verified_senders"): ("VerifiedSenderRequest", "201", "VerifiedSender"),
    ("POST", "/v3/ips/pools"): ("Name", "200", "Name"),
    ("PUT", "/v3/ips/pools/{pool_name}"): ("Name", "200", "Name"),
    ("POST", "/v3/ips/pools/{pool_name}/ips"): ("PoolAddress", "201", "Anything"),
    ("GET", "/v3/subusers"): ("", "200", "Subusers"),
    ("POST", "/v3/subusers"): ("SubuserRequest", "200", "Subuser"),
    ("PATCH", "/v3/subusers/{username}"): ("SubuserChange", "2XX", "Anything"),
    ("GET", "/v3/subusers/{username}/ips"): ("", "200", "SubuserAddresses"),
    ("PUT", "/v3/subusers/{username}/ips"): ("Addresses", "200", "SubuserAddresses"),
    ("GET", "/v3/whitelabel/domains/subuser"): ("", "200", "Domain"),
    ("GET", "/v3/whitelabel/domains/subuser/all"): ("", "200", "Domains"),
    **{("PATCH", f"/v3/{name.replace('.', '/')}"): (name, "200", name) for name in SCHEMAS if "_settings." in name},
    **{("GET", f"/v3/{name.replace('.', '/')}"): ("", "200", name) for name in SCHEMAS if "_settings." in name},
}
