"""What the calls of /v3/subusers ask for, read and checked."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address

from scaisend.address import is_valid
from scaisend.faults import Fault, Invalid
from scaisend.shape import Reader, finish

MOST_ADDRESSES = 100
LONGEST_NAME = 64
ID = "tnt_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*").fullmatch


@dataclass(frozen=True, slots=True)
class NewSubuser:
    """A tenant to be made. `partner_id` where it was named; `addresses` none for any."""

    username: str
    email: str
    addresses: tuple[str, ...]
    partner_id: str | None


def read_subuser(given: object, sources: Collection[str]) -> NewSubuser:
    """The body of a POST; the password is read and forgotten, since there are none here. Raises: Invalid with every fault."""
    faults: list[Fault] = []
    reader = Reader(given, faults)
    username = reader.text("username", required=True, least=1, most=LONGEST_NAME) or ""
    if username and (not _NAME(username) or username.startswith(ID)):
        reader.fault(
            "username invalid", "username", "letters, digits and . _ @ + -, with a letter or digit first, and not like an id of a tenant",
        )
    email = reader.text("email", required=True, least=1) or ""
    if email and not is_valid(email):
        reader.fault("Does not contain a valid address.", "email")
    reader.text("password")
    addresses = _addresses(reader, sources)
    partner_id = reader.text("partner_id", least=1, most=128)
    finish(faults)
    return NewSubuser(username, email, addresses, partner_id)


def read_disabled(given: object) -> bool:
    """What a PATCH says. Raises: Invalid, also when it says nothing."""
    faults: list[Fault] = []
    reader = Reader(given, faults)
    if not faults and not reader.has("disabled"):
        raise Invalid("no fields provided", "disabled", "say whether the account is disabled: true or false")
    disabled = reader.flag("disabled", required=True)
    finish(faults)
    return bool(disabled)


def read_addresses(given: object, sources: Collection[str]) -> tuple[str, ...]:
    """The bare array of a PUT; an empty one is any address. Raises: Invalid with every fault."""
    faults: list[Fault] = []
    found = _addresses(Reader({"ips": given}, faults), sources, required=True)
    finish(faults)
    return found


def _addresses(reader: Reader, sources: Collection[str], *, required: bool = False) -> tuple[str, ...]:
    """`ips`, each one of `sources` in its one form, once."""
    found = []
    for place, text in enumerate(reader.texts("ips", required=required, most=64, most_items=MOST_ADDRESSES) or ()):
        try:
            address = str(ip_address(text.strip()))
        except ValueError:
            address = ""
        if address in sources:
            found.append(address)
        else:
            reader.fault("This is not an address that this service sends from.", f"ips.{place}", "GET /v3/ips lists them; leave it out for any of them")
    return tuple(dict.fromkeys(found))
