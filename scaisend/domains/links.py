"""Branded links: a host of the tenant's own, such as links.example.com, that leads to the tracking host by CNAME.

Two records make it valid: the host's own, and one under a name that is the tenant's alone, so that nobody can use the host of a
domain that is not theirs, though all hosts lead to the same place.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scaisend.address import a_labels
from scaisend.dns import DnsTrouble, NoRecords, NoSuchName
from scaisend.domains.spf import Lookup
from scaisend.faults import Fault, Invalid
from scaisend.shape import Reader, finish

HOST, OWNER = "domain_cname", "owner_cname"
USUAL_SUBDOMAIN = "links"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class BrandedLink:
    """A row: `reasons` says of each record that the last validation judged why it does not serve, or None where it does."""

    id: int
    tenant_id: str
    domain: str
    subdomain: str
    is_default: bool
    is_valid: bool
    reasons: Mapping[str, str | None]
    checked_at: float | None

    @property
    def host(self) -> str:
        """The host that links lead over."""
        return f"{self.subdomain}.{self.domain}"


@dataclass(frozen=True, slots=True)
class LinkCheck:
    """What DNS said: `reasons` as in BrandedLink; `in_trouble` are the records that it did not answer for."""

    reasons: Mapping[str, str | None]
    in_trouble: frozenset[str]

    def is_valid(self, before: BrandedLink) -> bool:
        """Whether the link is valid now; a record in trouble is what it was before."""
        return all(before.is_valid if name in self.in_trouble else reason is None for name, reason in self.reasons.items())


def wanted_cnames(link: BrandedLink) -> dict[str, str]:
    """The names of the records to publish; both are CNAMEs of the tracking host."""
    own = hashlib.sha256(b"branded link\0" + link.tenant_id.encode()).hexdigest()[:20]
    return {HOST: link.host, OWNER: f"o{own}.{link.domain}"}


async def check_link(lookup: Lookup, link: BrandedLink, tracking_host: str) -> LinkCheck:
    """What DNS has of the two records."""
    reasons: dict[str, str | None] = {}
    in_trouble = set()
    for name, host in wanted_cnames(link).items():
        try:
            found = [str(each).rstrip(".").lower() for each in (await lookup(host, "CNAME")).records]
            reasons[name] = None if found == [tracking_host] else f"{host} is a CNAME of {', '.join(found)}, not of {tracking_host}."
        except (NoSuchName, NoRecords):
            reasons[name] = f"There is no CNAME record of {host}."
        except DnsTrouble as error:
            reasons[name] = str(error)
            in_trouble.add(name)
    return LinkCheck(reasons, frozenset(in_trouble))


def shape(link: BrandedLink, *, tracking_host: str, user_id: int, username: str) -> dict[str, object]:
    """The link as SendGrid shows one."""
    records = {
        name: {"valid": name in link.reasons and link.reasons[name] is None, "type": "cname", "host": host, "data": tracking_host}
        for name, host in wanted_cnames(link).items()
    }
    shown: dict[str, object] = {
        "id": link.id, "domain": link.domain, "subdomain": link.subdomain, "username": username, "user_id": user_id,
        "default": link.is_default, "valid": link.is_valid, "legacy": False, "dns": records,
    }
    if link.checked_at is not None:
        shown["last_validation_attempt_at"] = int(link.checked_at)
    return shown


def validation(link: BrandedLink) -> dict[str, object]:
    """What the last validation found."""
    results = {name: {"valid": reason is None, "reason": reason} for name, reason in link.reasons.items()}
    return {"id": link.id, "valid": link.is_valid, "validation_results": results}


def read_link(given: object) -> tuple[str, str, bool]:
    """Domain, subdomain and whether it becomes the default, of a POST. Raises: Invalid with every fault."""
    faults: list[Fault] = []
    reader = Reader(given, faults)
    text = reader.text("domain", required=True, least=1, most=254) or ""
    label = (reader.text("subdomain", most=63) or USUAL_SUBDOMAIN).lower()
    reader.text("region", most=16)
    is_default = reader.flag("default")
    domain = ""
    if text:
        try:
            domain = a_labels(text.strip().rstrip("."))
        except ValueError as error:
            faults.append(Fault(str(error), "domain", "Give a name such as example.com."))
    if not _LABEL.fullmatch(label):
        faults.append(Fault("The subdomain must be one label of letters, digits and hyphens.", "subdomain"))
    elif len(f"{label}.{domain}") > 253:
        faults.append(Fault("The host would be longer than 253 characters.", "subdomain"))
    finish(faults)
    return domain, label, bool(is_default)


def read_link_change(given: object) -> bool:
    """Whether a PATCH makes it the default. Raises: Invalid."""
    faults: list[Fault] = []
    is_default = Reader(given, faults).flag("default", required=True)
    finish(faults)
    if is_default is None:
        raise Invalid("missing required argument", "default")
    return is_default


def brand_of(links: Iterable[BrandedLink], domain: str) -> str | None:
    """The host for the links of mails from the domain: the domain's own, or else the default's; None when neither is valid."""
    valid: Sequence[BrandedLink] = [each for each in links if each.is_valid]
    own = sorted([each for each in valid if each.domain == domain], key=lambda each: not each.is_default)
    return next((each.host for each in (*own, *[each for each in valid if each.is_default])), None)
