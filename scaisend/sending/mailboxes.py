"""Mailboxes in a send request: `{"email", "name"?}` of recipients, senders and reply addresses."""

from scaisend.address import fold, is_valid
from scaisend.sending import request_faults as say
from scaisend.sending.request_faults import Found
from scaisend.sending.request_maps import is_safe

LONGEST_ADDRESS = 320
LONGEST_NAME = 255
MOST_REPLY_TO = 1000
_FIELDS = frozenset({"email", "name"})
_TITLES = {"to": "To", "cc": "CC", "bcc": "BCC", "from": "From", "reply_to": "Reply-To", "reply_to_list": "Reply-To"}


def is_mailbox(value: object) -> bool:
    """Whether there is nothing wrong with the mailbox: the quick look before `add_mailbox_faults`."""
    if type(value) is not dict:
        return False
    email, name = value.get("email"), value.get("name")
    if type(email) is not str or not is_valid(email):
        return False
    if name is None:
        return len(value) == 1 or value.keys() <= _FIELDS
    return len(value) == 2 and type(name) is str and len(name) <= LONGEST_NAME and (name.isprintable() or is_safe(name))


def add_mailbox_faults(value: object, path: str, kind: str, found: Found) -> None:
    """All that is wrong with the mailbox at `path` is found; `kind` is to, cc, bcc, from, reply_to or reply_to_list."""
    if type(value) is not dict:
        found.add_type("object", value, path)
        return
    found.add_unknown(value, _FIELDS, path)
    email = value.get("email", "")
    if type(email) is not str:
        found.add_type("string", email, f"{path}.email")
    elif kind == "from" and not email:
        found.add(say.FROM_NEEDED, f"{path}.email")
    elif len(email) > LONGEST_ADDRESS:
        found.add(say.ADDRESS_LONG.format(_TITLES[kind]), f"{path}.email")
    elif not is_valid(email):
        found.add(say.FROM_ADDRESS if kind == "from" else say.ADDRESS, f"{path}.email")
    name = value.get("name")
    if name is None:
        return
    if type(name) is not str:
        found.add_type("string", name, f"{path}.name")
    elif len(name) > LONGEST_NAME:
        found.add(say.NAME_LONG, f"{path}.name")
    elif not is_safe(name):
        found.add(say.NAME_UNSAFE, f"{path}.name")


def read_mailbox(value: object, path: str, kind: str, found: Found) -> dict[str, str] | None:
    """The mailbox as `{"email"}` or `{"email", "name"}`, None when it has faults."""
    if type(value) is dict and is_mailbox(value):
        return {"email": value["email"], "name": value["name"]} if value.get("name") else {"email": value["email"]}
    add_mailbox_faults(value, path, kind, found)
    return None


def read_reply_to_list(value: object, found: Found) -> list[dict[str, str]]:
    """The mailboxes that replies go to; those with faults are left out."""
    if type(value) is not list:
        found.add_type("array", value, "reply_to_list")
        return []
    if len(value) > MOST_REPLY_TO:
        found.add(say.REPLY_TO_MANY, "reply_to_list")
        return []
    mailboxes = [read_mailbox(each, f"reply_to_list.{number}", "reply_to_list", found) for number, each in enumerate(value)]
    good = [each for each in mailboxes if each is not None]
    seen = set()
    for each in good:
        address = fold(each["email"])
        if address in seen:
            found.add(say.REPLY_TO_UNIQUE.format(say.shown(each["email"])), "reply_to_list")
            break
        seen.add(address)
    return good
