"""A sender domain as receivers see it: what its own name servers answer, and whether a mail that we sign passes DMARC there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dkim

from scaisend.app.checks import FAILED, OK, WARNING, Check
from scaisend.app.dns_checks import addresses_of
from scaisend.delivery.dkim import SigningKey, sign
from scaisend.dns import Answer, DnsTrouble, NoRecords, NoSuchName
from scaisend.domains.domains import DomainView
from scaisend.domains.records import DKIM, Hosts, WantedRecord, wanted_records
from scaisend.domains.spf import Lookup
from scaisend.domains.store import ACTIVE, return_path_host
from scaisend.domains.verify import Judged, Verification, verify

MOST_SERVERS = 3
_SAMPLE = b"From: check@%s\r\nTo: check@%s\r\nSubject: A sample\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <sample@%s>\r\n\r\nA sample.\r\n"


@dataclass(frozen=True, slots=True)
class Looking:
    """How names are looked up: by the resolver, and by the name servers at given addresses.

    A tenant chooses its name servers: `may_ask` says which addresses are not of the operator's own network.
    """

    resolver: Lookup
    at: Callable[[Sequence[str]], Lookup]
    may_ask: Callable[[str], bool]


async def domain_checks(view: DomainView, looking: Looking, *, hosts: Hosts, bounce_domain: str, keys: Sequence[SigningKey], now_s: float) -> list[Check]:
    """The checks of one domain; `keys` are those that sign its mail now."""
    name = view.domain.domain
    servers, addresses = await authority_of(looking.resolver, name, looking.may_ask)
    authority = _Authority(name, looking.at(addresses), looking.resolver) if addresses else None
    lookup = authority.resolve if authority else looking.resolver
    wanted = wanted_records(name, view.keys, hosts)
    found = await verify(lookup, name, wanted=wanted, keys=view.keys, hosts=hosts)
    signing = any(key.status == ACTIVE for key in view.keys)
    active = {key.id for key in view.keys if key.status == ACTIVE}
    records = [_record_check(record, it, is_needed=record.purpose == DKIM and (record.key_id in active or not signing)) for record, it in found.judged]
    alignment = await _alignment(lookup, name, found, bounce_domain, keys, now_s)
    return [_authority_check(name, servers, authority), *records, alignment]


async def authority_of(lookup: Lookup, name: str, may_ask: Callable[[str], bool]) -> tuple[list[str], list[str]]:
    """The name servers of the zone that the domain is in, and those addresses of the first of them that may be asked."""
    labels = name.split(".")
    for above in range(len(labels)):
        try:
            servers = sorted(str(each) for each in (await lookup(".".join(labels[above:]), "NS")).records)
        except (NoSuchName, NoRecords, DnsTrouble):
            continue
        asked = servers[:MOST_SERVERS]
        found = [address for server in asked for address in await addresses_of(lookup, server)]
        return servers, [address for address in found if may_ask(address)][:MOST_SERVERS]
    return [], []


class _Authority:
    """Names of the domain are asked at its own servers until these are in trouble; others, and what they do not have, at the resolver.

    What they do not have may be delegated further, or an alias of a name elsewhere.
    """

    def __init__(self, name: str, authority: Lookup, resolver: Lookup) -> None:
        self._name, self._authority, self._resolver = name, authority, resolver
        self.trouble = ""

    async def resolve(self, asked: str, kind: str) -> Answer:
        """As the seam says (dns.py)."""
        if not self.trouble and (asked == self._name or asked.endswith("." + self._name)):
            try:
                return await self._authority(asked, kind)
            except NoRecords:
                pass
            except DnsTrouble as error:
                self.trouble = str(error)
        return await self._resolver(asked, kind)


def _authority_check(name: str, servers: Sequence[str], authority: _Authority | None) -> Check:
    """Whether the domain's own servers answered; where they did not the resolver was asked."""
    text, expected = ", ".join(servers), "name servers that answer everybody"
    if not servers:
        return Check("domain.authority", name, FAILED, "no name servers", expected, f"delegate {name}, or a domain above it")
    if authority is None:
        return Check("domain.authority", name, WARNING, f"{text}: no public address", expected, "publish addresses of the name servers; the resolver was asked")
    if authority.trouble:
        return Check("domain.authority", name, WARNING, f"{text}: {authority.trouble}", expected, "look whether the name servers run; the resolver was asked")
    return Check("domain.authority", name, OK, text)


def _record_check(record: WantedRecord, it: Judged, *, is_needed: bool) -> Check:
    """Only a key that signs, and is not published, breaks mail; the rest loses trust."""
    subject = f"{record.type} {record.name}"
    found = "; ".join(filter(None, [it.found, it.note if it.note != it.found else None])) or "no record"
    if it.valid:
        return Check(f"domain.{record.purpose}", subject, OK, found)
    state = FAILED if is_needed and not it.in_trouble else WARNING
    return Check(f"domain.{record.purpose}", subject, state, found, record.value, f"publish {record.name} {record.type} {record.value}")


async def _alignment(
    lookup: Lookup, name: str, found: Verification, bounce_domain: str, keys: Sequence[SigningKey], now_s: float
) -> Check:
    """Whether DMARC passes a sample that is signed as mails are (RFC 7489 3.1): by a signature of the domain, or by SPF of a return path in it."""
    passing: list[str] = []
    failing: list[str] = []
    for key, passed in await sample_verdicts(lookup, name, keys, now_s):
        (passing if passed else failing).append(f"d={key.domain} s={key.selector}")
    path = return_path_host(name) if found.return_path_ready else bounce_domain
    aligned = path == name or path.endswith("." + name)
    said = [f"DKIM passes and is aligned: {each}" for each in passing] + [f"DKIM fails: {each}" for each in failing]
    said.append(f"return path {path} is {'aligned' if aligned else 'not aligned'}")
    text = "; ".join(said if keys else ["no key signs yet", *said])
    if passing and not failing:
        return Check("domain.dmarc_alignment", name, OK, text)
    expected = "a signature of the domain that verifies"
    cure = f"publish the DKIM records, then run `scaisend domains verify {name}`"
    return Check("domain.dmarc_alignment", name, WARNING if passing or aligned else FAILED, text, expected, cure)


async def sample_verdicts(lookup: Lookup, name: str, keys: Sequence[SigningKey], now_s: float) -> list[tuple[SigningKey, bool]]:
    """For each key whether dkimpy, an implementation other than ours, accepts its signature with the record that DNS has."""
    records: dict[str, bytes] = {}
    for key in keys:
        place = f"{key.selector}._domainkey.{key.domain}"
        try:
            texts = [each for each in (await lookup(place, "TXT")).records if isinstance(each, str)]
        except (NoSuchName, NoRecords, DnsTrouble):
            continue
        records[place] = texts[0].encode("ascii", "replace") if texts else b""
    sample = _SAMPLE % ((name.encode(),) * 3)
    return [(key, _verifies(sign(sample, [key], now_s) + sample, records)) for key in keys]


def _verifies(signed: bytes, records: dict[str, bytes]) -> bool:
    def known(place: bytes | str, timeout: float = 0) -> bytes | None:
        text = place.decode("ascii") if isinstance(place, bytes) else place
        return records.get(text.rstrip("."))

    verifier: Any = dkim.DKIM  # dkimpy has no types
    try:
        return bool(verifier(signed).verify(dnsfunc=known))
    except dkim.DKIMException:
        return False
