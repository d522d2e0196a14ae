"""What a tenant publishes in DNS for a domain, and how that is shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from scaisend.domains.dkim_keys import published
from scaisend.domains.store import RETIRED, DomainKey, return_path_host

DKIM, SPF, DMARC, RETURN_PATH, RETURN_PATH_SPF = "dkim", "spf", "dmarc", "return_path", "return_path_spf"
TXT_PIECE = 255
KEPT_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Hosts:
    """What this installation is called in DNS: the addresses that mail leaves from (none: unknown), the EHLO name, the host that takes bounces."""

    addresses: tuple[str, ...]
    helo_name: str
    inbound_host: str

    @property
    def public_addresses(self) -> tuple[str, ...]:
        """The addresses that others see; behind NAT there are none, and the EHLO name's stand for them."""
        return tuple([each for each in self.addresses if ip_address(each).is_global])


@dataclass(frozen=True, slots=True)
class WantedRecord:
    """A record to publish: `value` is one unquoted string; `key_id` names the key of a DKIM record."""

    type: str
    name: str
    value: str
    purpose: str
    key_id: str | None = None


def wanted_records(name: str, keys: Iterable[DomainKey], hosts: Hosts) -> list[WantedRecord]:
    """The records of the domain: a DKIM record for each key that is not retired, SPF, DMARC, and the return path's MX and SPF."""
    dkim = [
        WantedRecord("TXT", f"{key.selector}._domainkey.{name}", published(key.algorithm, key.public), DKIM, key.id)
        for key in keys if key.status != RETIRED
    ]
    return [
        *dkim,
        WantedRecord("TXT", name, f"v=spf1 {mechanisms(hosts)} ~all", SPF),
        WantedRecord("TXT", f"_dmarc.{name}", "v=DMARC1; p=none", DMARC),
        WantedRecord("MX", return_path_host(name), f"10 {hosts.inbound_host}", RETURN_PATH),
        WantedRecord("TXT", return_path_host(name), f"v=spf1 {mechanisms(hosts)} -all", RETURN_PATH_SPF),
    ]


def keep_until(retired_at: float | None) -> float | None:
    """Until when the record of a retired key stays published, or None for one that signs.

    Delivery remembers keys for half a minute, and what they signed is checked when it arrives, or is forwarded, days later.
    """
    return None if retired_at is None else retired_at + KEPT_S


def mechanisms(hosts: Hosts) -> str:
    """The SPF mechanisms that let this installation send (RFC 7208 5)."""
    addresses = [f"ip{ip_address(each).version}:{each}" for each in hosts.public_addresses]
    return " ".join(addresses or [f"a:{hosts.helo_name}"])


def with_mechanisms(record: str, hosts: Hosts) -> str:
    """A domain's own SPF record that also lets this installation send: ours stand before its `all` or `redirect`.

    A mechanism of ours that it has without a pass (`?a:…`) is taken out: the first that matches decides (RFC 7208 4.6.2).
    """
    ours = mechanisms(hosts).split()
    terms = [term for term in record.split() if not (term[0] in "-~?" and term[1:].lower() in [each.lower() for each in ours])]
    at = next((n for n, term in enumerate(terms) if term.lower().lstrip("+-~?") == "all" or term.lower().startswith("redirect=")), len(terms))
    present = {term.lower().lstrip("+") for term in terms}
    missing = [each for each in ours if each.lower() not in present]
    return " ".join([*terms[:at], *missing, *terms[at:]])


def shown_records(wanted: Sequence[WantedRecord], check_result: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """The records as the API and the command line show them, with what the last verification found of each.

    `found` is text (records apart by line feeds) or None, `valid` whether it serves, `note` what is wrong or worth knowing, or None.
    """
    results = {(each.get("type"), each.get("name")): each for each in check_result}
    shown: list[dict[str, object]] = []
    for record in wanted:
        result = results.get((record.type, record.name), {})
        shown.append({
            "type": record.type, "name": record.name, "value": record.value, "purpose": record.purpose,
            "found": result.get("found"), "valid": bool(result.get("valid")), "note": result.get("note"),
        })
    return shown


def zone_line(record: WantedRecord) -> str:
    """The record as a zone file has it: TXT in quoted pieces of at most 255 octets (RFC 1035 3.3.14, RFC 6376 3.6.2.2)."""
    if record.type == "MX":
        preference, host = record.value.split()
        return f"{record.name}. IN MX {preference} {host.rstrip('.')}."
    return f"{record.name}. IN {record.type} {split_txt(record.value)}"


def split_txt(value: str) -> str:
    """A TXT value as quoted pieces of at most 255 octets."""
    pieces = [value[at : at + TXT_PIECE] for at in range(0, len(value), TXT_PIECE)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)
