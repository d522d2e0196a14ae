"""A domain in SendGrid's words: an integer id, and a `dns` object with a name for each record to publish.

SendGrid points CNAMEs at itself; here the records themselves are published, so `automatic_security` is false, and each record
says its own type. The names stay SendGrid's, since programs look for them: `mail_cname` is the return path, `dkim1` and
`dkim2` are the keys, more of them while keys are being changed.
"""

from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_address

from scaisend.domains.domains import DomainView
from scaisend.domains.records import DKIM, RETURN_PATH, RETURN_PATH_SPF, SPF
from scaisend.domains.store import return_path_host
from scaisend.faults import Fault
from scaisend.shape import Reader, finish

MOST_ID = 2**31 - 1
MOST_ADDRESSES = 100
NAMES = {RETURN_PATH: "mail_cname", RETURN_PATH_SPF: "subdomain_spf", SPF: "domain_spf"}
SHOWN = Mapping[str, object]


def read_id(text: str) -> int | None:
    """The integer id in a path, or None when it can be none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    number = int(text)
    return number if 0 < number <= MOST_ID else None


def read_domain(given: object, sources: Collection[str]) -> tuple[str, bool | None, tuple[str, ...]]:
    """The domain of a POST, whether it becomes the default, and its source addresses, which are some of `sources`.

    What else SendGrid knows is read, checked and not needed. Raises: Invalid with every fault.
    """
    faults: list[Fault] = []
    reader = Reader(given, faults)
    domain = reader.text("domain", required=True, least=1, most=254) or ""
    reader.text("subdomain", most=63)
    addresses = [_source(reader, text, f"ips.{place}", sources) for place, text in enumerate(reader.texts("ips", most=64, most_items=MOST_ADDRESSES) or ())]
    for name in ("custom_spf", "automatic_security"):
        reader.flag(name)
    is_default = reader.flag("default")
    finish(faults)
    return domain, is_default, tuple(dict.fromkeys(addresses))


def read_address(given: object, sources: Collection[str]) -> str:
    """The `ip` of a POST, one of `sources`. Raises: Invalid."""
    faults: list[Fault] = []
    reader = Reader(given, faults)
    text = reader.text("ip", required=True, least=1, most=64)
    address = _source(reader, text, "ip", sources) if text else ""
    finish(faults)
    return address


def canonical(text: str) -> str:
    """The IP address in its one form; what is none stays as it is."""
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return text


def _source(reader: Reader, text: str, field: str, sources: Collection[str]) -> str:
    address = canonical(text)
    if address not in sources:
        reader.fault("This is not an address that this service sends from.", field, "the operator sets them in SMTP_SOURCE_IPS")
    return address


def read_change(given: object) -> bool | None:
    """Whether a PATCH makes it the default; None when it does not say. Raises: Invalid with every fault."""
    faults: list[Fault] = []
    reader = Reader(given, faults)
    reader.flag("custom_spf")
    is_default = reader.flag("default")
    finish(faults)
    return is_default


def shape(view: DomainView, records: Sequence[SHOWN], *, number: int, user_id: int, username: str) -> dict[str, object]:
    """The domain as SendGrid shows one; `records` as `Domains.records` shows them."""
    domain = view.domain
    shown: dict[str, object] = {
        "id": number, "user_id": user_id, "subdomain": return_path_host(domain.domain).partition(".")[0], "domain": domain.domain,
        "username": username, "ips": list(domain.addresses), "custom_spf": False, "default": domain.is_default, "legacy": False, "automatic_security": False,
        "valid": domain.verified, "dns": {name: _record(each) for name, each in named(records)}, "subusers": [],
    }
    if domain.checked_at is not None:
        shown["last_validation_attempt_at"] = int(domain.checked_at)
    return shown


def validation(view: DomainView, records: Sequence[SHOWN], *, number: int) -> dict[str, object]:
    """What a validation found. The domain is valid when a key was seen, whatever else is missing."""
    results = {
        name: {"valid": each["valid"], "reason": None if each["valid"] else each["note"] or "The record was not found in DNS."}
        for name, each in named(records)
    }
    return {"id": number, "valid": view.domain.verified, "validation_results": results}


def named(records: Sequence[SHOWN]) -> list[tuple[str, SHOWN]]:
    """The records that SendGrid's shape has a name for, return path first."""
    keys = [each for each in records if each["purpose"] == DKIM]
    found = [(f"dkim{place}", each) for place, each in enumerate(keys, 1)]
    others = [(NAMES[str(each["purpose"])], each) for each in records if each["purpose"] in NAMES]
    return [*(each for each in others if each[0] == "mail_cname"), *found, *(each for each in others if each[0] != "mail_cname")]


def _record(record: SHOWN) -> dict[str, object]:
    value = str(record["value"])
    data = value.partition(" ")[2] if record["type"] == "MX" else value
    return {"valid": record["valid"], "type": str(record["type"]).lower(), "host": record["name"], "data": data}
