"""The single fields of a send request, each read by a function of its own: the good value, or faults and nothing."""

import re
from dataclasses import dataclass

from scaisend.sending import request_faults as say
from scaisend.sending.request_faults import Found
from scaisend.sending.request_maps import is_safe

HORIZON_S = 72 * 3600
MOST_CATEGORIES = 10
LONGEST_CATEGORY = 255
MOST_GROUPS_SHOWN = 25
LARGEST_GROUP_ID = 2**31 - 1

_GROUP_FIELDS = frozenset({"group_id", "groups_to_display"})
_CONTENT_FIELDS = frozenset({"type", "value"})
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_UNSAFE_TYPE = re.compile("[;,\r\n\0]")
_DYNAMIC = re.compile("d-[0-9a-f]{32}")
_GUID = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_BATCH = re.compile("[A-Za-z0-9_-]{1,48}")


@dataclass(frozen=True, slots=True)
class Groups:
    """asm: the unsubscribe group of the mail, and the groups its page shows."""

    group_id: int | None = None
    shown: tuple[int, ...] = ()


def read_subject(value: object, path: str, found: Found) -> str | None:
    if type(value) is not str or not value:
        found.add(say.SUBJECT, path)
        return None
    if not is_safe(value):
        found.add(say.SUBJECT_UNSAFE, path)
    return value


def read_send_at(value: object, path: str, found: Found, now_s: float) -> int | None:
    """The moment in epoch seconds; None when it has passed, for that means now."""
    if type(value) is not int:
        found.add(say.SEND_AT, path)
        return None
    if value > now_s + HORIZON_S:
        found.add(say.SEND_AT_FAR, path)
        return None
    return value if value > now_s else None


def read_content(value: object, found: Found) -> list[dict[str, str]]:
    """The content blocks, text/plain before text/html before all others, the first two once at most (RFC 2046 5.1.4)."""
    if type(value) is not list:
        found.add_type("array", value, "content")
        return []
    blocks: list[dict[str, str]] = []
    for number, each in enumerate(value):
        if type(each) is not dict:
            found.add_type("object", each, f"content.{number}")
            continue
        kind, text = each.get("type"), each.get("value")
        if not (type(kind) is str and _MEDIA_TYPE.fullmatch(kind) and type(text) is str and text and len(each) == 2):
            _add_content_faults(each, f"content.{number}", found)
        blocks.append(each)
    places = [_place(each.get("type")) for each in blocks]
    if places.count(0) > 1 or places.count(1) > 1:
        found.add(say.CONTENT_ONCE, "content", say.NO_HELP)
    if places != sorted(places):
        found.add(say.CONTENT_ORDER, "content")
    return blocks


def _place(kind: object) -> int:
    lower = kind.lower() if isinstance(kind, str) else ""
    return 0 if lower == "text/plain" else 1 if lower == "text/html" else 2


def _add_content_faults(each: dict[str, object], path: str, found: Found) -> None:
    found.add_unknown(each, _CONTENT_FIELDS, path)
    kind = each.get("type")
    if "type" not in each:
        found.add(say.CONTENT_TYPE_NEEDED, f"{path}.type")
    elif type(kind) is not str or not kind:
        found.add(say.CONTENT_TYPE, f"{path}.type")
    elif _UNSAFE_TYPE.search(kind):
        found.add(say.CONTENT_TYPE_UNSAFE, f"{path}.type")
    elif not _MEDIA_TYPE.fullmatch(kind):
        found.add(say.CONTENT_TYPE_MEDIA, f"{path}.type")
    if "value" not in each:
        found.add(say.CONTENT_VALUE_NEEDED, f"{path}.value")
    elif type(each["value"]) is not str or not each["value"]:
        found.add(say.CONTENT_VALUE, f"{path}.value")


def read_template_id(value: object, found: Found) -> str | None:
    """`d-` and 32 hex digits for a dynamic template, a GUID for a legacy one; whether the tenant has it is asked later."""
    if type(value) is not str:
        found.add(say.TEMPLATE.format(say.shown(value)), "template_id")
        return None
    if not (_DYNAMIC.fullmatch(value) or _GUID.fullmatch(value)):
        found.add(say.TEMPLATE_GUID.format(say.shown(value)), "template_id")
        return None
    return value


def read_categories(value: object, found: Found) -> tuple[str, ...]:
    if type(value) is not list or set(map(type, value)) - {str}:
        found.add(say.CATEGORIES, "categories")
        return ()
    if len(value) > MOST_CATEGORIES:
        found.add(say.CATEGORIES_MANY.format(len(value)), "categories")
        return ()
    for number, each in enumerate(value):
        if len(each) > LONGEST_CATEGORY:
            found.add(say.CATEGORY_LONG.format(say.shown(each)), "categories")
        if not each.isascii():
            found.add(say.CATEGORY_ASCII, "categories")
        if not is_safe(each):
            found.add(say.CATEGORY_UNSAFE, f"categories.{number}")
    if len(set(value)) < len(value):
        for each in dict.fromkeys(each for each in value if value.count(each) > 1):
            found.add(say.CATEGORY_TWICE.format(say.shown(each)), "categories")
    return tuple(value)


def read_batch_id(value: object, found: Found) -> str | None:
    """A batch id of the right letters; whether the tenant made it is asked later."""
    if type(value) is not str:
        found.add(say.BATCH, "batch_id")
        return None
    if not is_batch_id(value):
        found.add(say.BATCH_INVALID, "batch_id")
    return value


def is_batch_id(text: str) -> bool:
    """Whether it has the form of a batch id: 1 to 48 letters, digits, `-` and `_`."""
    return _BATCH.fullmatch(text) is not None


def read_asm(value: object, found: Found) -> Groups:
    if type(value) is not dict:
        found.add_type("object", value, "asm")
        return Groups()
    found.add_unknown(value, _GROUP_FIELDS, "asm")
    group_id, shown = value.get("group_id"), value.get("groups_to_display", [])
    if not _is_group_id(group_id):
        found.add(say.GROUP, "asm.group_id")
    if type(shown) is not list or not all(map(_is_group_id, shown)):
        found.add(say.GROUPS, "asm.groups_to_display")
        return Groups()
    if len(shown) > MOST_GROUPS_SHOWN:
        found.add(say.GROUPS_MANY, "asm.groups_to_display")
    return Groups(group_id, tuple(shown))


def _is_group_id(value: object) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_GROUP_ID


def read_pool(value: object, found: Found) -> str | None:
    """The name of a pool; whether the tenant has it is asked later."""
    if type(value) is not str:
        found.add(say.POOL, "ip_pool_name")
        return None
    if not 2 <= len(value) <= 64:
        found.add(say.POOL_INVALID.format(say.shown(value)), "ip_pool_name")
    return value
