"""A send request: the JSON of POST /v3/mail/send, and what is accepted of it.

`read_send_request` has two layers, as SendGrid's validator has. What cannot be decoded is one `Bad Request` without a field;
of what can, every fault is told at once with its field. What only the database knows (templates, groups, batches, pools, the
sender's domain) is asked by sending/accept.py.

`SendRequest.shared` is what all messages of the request share, JSON-able, kept once a request. Absent is what was not given
or is empty:
    from            {email, name?}                    reply_to         {email, name?}
    reply_to_list   [{email, name?}]                  subject          text
    content         [{type, value}] in wire order     template_id      text
    headers         {name: text}                      categories       [text]
    custom_args     {key: text}                       sections         {tag: text}
    asm             {group_id, groups_to_display?}    ip_pool_name     text
    tracking_settings, mail_settings  {setting: {field: value}} as given, the retired bcc and spam_check left out
    attachments     [{filename, type, disposition, size, content_id?}] without the content; `type` is always a media type,
                    `content_id` bare of angle brackets; sending/api.py adds `object` and `encoded_size`

`PersonalMessage.own` is what one message has of its own, over what it shares; absent is what was not given or is empty:
    from {email, name?} · subject text · headers {name: text} · custom_args {key: text}
    substitutions {tag: text} · dynamic_template_data {key: any JSON, nested 250 levels deep at most}
"""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from scaisend.address import domain_of
from scaisend.faults import Invalid, UnsupportedType
from scaisend.sending import request_faults as say
from scaisend.sending.attachments import LARGEST_MESSAGE, Attachment, read_attachments, total_bytes
from scaisend.sending.mailboxes import read_mailbox, read_reply_to_list
from scaisend.sending.personalizations import DEEPEST_DATA, PersonalMessage, RecipientSpec, Root, read_personalizations
from scaisend.sending.request_faults import Found, bad_request
from scaisend.sending.request_fields import (
    Groups,
    read_asm,
    read_batch_id,
    read_categories,
    read_content,
    read_pool,
    read_send_at,
    read_subject,
    read_template_id,
)
from scaisend.sending.request_maps import (
    CUSTOM_ARGS_BYTES,
    doubled_headers,
    is_larger,
    is_texts,
    read_headers,
    read_sections,
)
from scaisend.sending.request_settings import bypassed, read_mail_settings, read_tracking_settings

__all__ = ["Attachment", "PersonalMessage", "RecipientSpec", "SendRequest", "read_send_request"]

_FIELDS = frozenset({
    "personalizations", "from", "reply_to", "reply_to_list", "subject", "content", "attachments", "template_id", "sections", "headers",
    "categories", "custom_args", "send_at", "batch_id", "asm", "ip_pool_name", "mail_settings", "tracking_settings",
})
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class SendRequest:
    """A request without faults: what its messages share, the messages, and what accepting it must ask for.

    `from_domains` holds the A-labels of every sender; `bypass` is of list, spam, bounce, unsubscribe; `sandbox` says that
    sandbox_mode is on; `scheduled` that a message has a send_at to come.
    """

    shared: Mapping[str, object]
    messages: tuple[PersonalMessage, ...]
    attachments: tuple[Attachment, ...]
    from_domains: frozenset[str]
    sandbox: bool
    template_id: str | None
    batch_id: str | None
    asm_group_id: int | None
    asm_groups_to_display: tuple[int, ...]
    ip_pool_name: str | None
    categories: tuple[str, ...]
    bypass: frozenset[str]
    scheduled: bool


def read_send_request(body: bytes, *, now_s: float) -> SendRequest:
    """The request that the body of a POST /v3/mail/send makes at the moment `now_s`.

    Raises: Invalid with all its faults; UnsupportedType when the body is not UTF-8.
    """
    given = _decode(body)
    found = Found()
    if not given.keys() <= _FIELDS:
        found.add_unknown(given, _FIELDS, "")
    shared: dict[str, object] = {}
    email = _read_senders(shared, given, found)
    subject, template_id, categories, pool = _read_texts(shared, given, found)
    arguments = _read_maps(shared, given, found)
    batch_id = read_batch_id(given["batch_id"], found) if "batch_id" in given else None
    groups = read_asm(given["asm"], found) if "asm" in given else Groups()
    bypass, sandbox = _read_settings(shared, given, found)
    attachments = _read_attachments(shared, given, found)
    root = Root(
        from_email=email, from_domain=domain_of(email) if email else "", subject=subject,
        send_at=read_send_at(given["send_at"], "send_at", found, now_s) if "send_at" in given else None,
        template=None if template_id is None else "dynamic" if template_id.startswith("d-") else "legacy",
        custom_args=arguments, now_s=now_s, may_be_deep=body.count(b"{") + body.count(b"[") > DEEPEST_DATA,
    )
    messages = read_personalizations(given.get("personalizations", []), root, found)
    _check_whole(shared, given, messages, attachments, found, body)
    if found.faults:
        raise Invalid(found.faults)
    if "asm" in given:
        shared["asm"] = given["asm"]
    return SendRequest(
        shared=shared, messages=messages, attachments=attachments, from_domains=frozenset([each.from_domain for each in messages]),
        sandbox=sandbox, template_id=template_id, batch_id=batch_id, asm_group_id=groups.group_id, asm_groups_to_display=groups.shown,
        ip_pool_name=pool, categories=categories, bypass=bypass,
        scheduled=any(each.send_at is not None for each in messages),
    )


def _decode(body: bytes) -> dict[str, object]:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            body.decode()
        except UnicodeDecodeError:
            raise UnsupportedType("Invalid UTF8 in request") from None
        raise bad_request() from None
    if type(given) is not dict:
        raise bad_request()
    return given


def _read_senders(shared: dict[str, object], given: dict[str, object], found: Found) -> str:
    """The email of from, empty when it has faults."""
    sender = None
    if "from" not in given:
        found.add(say.FROM_NEEDED, "from.email")
    elif sender := read_mailbox(given["from"], "from", "from", found):
        shared["from"] = sender
    if "reply_to" in given and (reply_to := read_mailbox(given["reply_to"], "reply_to", "reply_to", found)):
        shared["reply_to"] = reply_to
    if "reply_to_list" in given and (mailboxes := read_reply_to_list(given["reply_to_list"], found)):
        shared["reply_to_list"] = mailboxes
        if "reply_to" in given:
            found.add(say.REPLY_TO_BOTH, "reply_to_list")
    return sender["email"] if sender else ""


def _read_texts(
    shared: dict[str, object], given: dict[str, object], found: Found
) -> tuple[str | None, str | None, tuple[str, ...], str | None]:
    """Subject, template_id, categories and ip_pool_name; the content is read as well."""
    subject = template_id = pool = None
    categories: tuple[str, ...] = ()
    if "subject" in given and (subject := read_subject(given["subject"], "subject", found)):
        shared["subject"] = subject
    if "content" in given and (content := read_content(given["content"], found)):
        shared["content"] = content
    if "template_id" in given and (template_id := read_template_id(given["template_id"], found)):
        shared["template_id"] = template_id
    if "categories" in given and (categories := read_categories(given["categories"], found)):
        shared["categories"] = categories
    if "ip_pool_name" in given and (pool := read_pool(given["ip_pool_name"], found)):
        shared["ip_pool_name"] = pool
    return subject, template_id, categories, pool


def _read_maps(shared: dict[str, object], given: dict[str, object], found: Found) -> Mapping[str, str]:
    """The custom_args; headers and sections are read as well."""
    if "headers" in given and (headers := read_headers(given["headers"], "headers", found)):
        shared["headers"] = headers
    if "sections" in given and (sections := read_sections(given["sections"], found)):
        shared["sections"] = sections
    if "custom_args" not in given:
        return _NOTHING
    arguments = given["custom_args"]
    if not is_texts(arguments):
        found.add_type("object", arguments, "custom_args")
        return _NOTHING
    if arguments:
        shared["custom_args"] = arguments
        if is_larger(arguments, CUSTOM_ARGS_BYTES):
            found.add(say.CUSTOM_ARGS_LARGE, "custom_args")
    return arguments


def _read_attachments(shared: dict[str, object], given: dict[str, object], found: Found) -> tuple[Attachment, ...]:
    attachments = read_attachments(given["attachments"], found) if "attachments" in given else ()
    if attachments:
        shared["attachments"] = [each.described() for each in attachments]
    return attachments


def _read_settings(shared: dict[str, object], given: dict[str, object], found: Found) -> tuple[frozenset[str], bool]:
    """What is bypassed, and whether this is the sandbox."""
    if "tracking_settings" in given and (tracking := read_tracking_settings(given["tracking_settings"], found)):
        shared["tracking_settings"] = tracking
    if "mail_settings" not in given or not (settings := read_mail_settings(given["mail_settings"], found)):
        return frozenset(), False
    shared["mail_settings"] = settings
    return bypassed(settings), settings.get("sandbox_mode", {}).get("enable") is True


def _check_whole(
    shared: dict[str, object], given: dict[str, object], messages: tuple[PersonalMessage, ...], attachments: tuple[Attachment, ...],
    found: Found, body: bytes,
) -> None:
    """The rules that need more than one field."""
    if "template_id" not in given:
        if "content" not in given or given["content"] == []:
            found.add(say.CONTENT_NEEDED, "content")
        if "subject" not in given and not (messages and all("subject" in each.own for each in messages)):
            found.add(say.SUBJECT_NEEDED, "subject")
        if any("dynamic_template_data" in each.own for each in messages):
            found.add(say.TEMPLATE_NEEDED, "template_id")
    if len(body) > LARGEST_MESSAGE and total_bytes(attachments) + _content_bytes(shared.get("content")) > LARGEST_MESSAGE:
        found.add(say.MESSAGE_LARGE, "attachments" if attachments else "content")
    maps = [each.own["headers"] for each in messages if "headers" in each.own]
    if "headers" in shared:
        maps.append(shared["headers"])
    if maps:
        for path in doubled_headers(body, [each for each in maps if isinstance(each, dict)]):
            found.add(say.HEADERS_DOUBLED, path)


def _content_bytes(content: object) -> int:
    return sum(len(each["value"].encode()) for each in content if isinstance(each.get("value"), str)) if isinstance(content, list) else 0
