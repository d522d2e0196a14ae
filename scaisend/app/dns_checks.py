"""The instance's own DNS, as the hosts that it sends to see it: addresses, reverse DNS, the bounce domain, blocklists."""

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from scaisend.app.checks import AWAY, FAILED, OK, WARNING, Check
from scaisend.dns import DnsTrouble, NoRecords, NoSuchName, Record
from scaisend.domains.records import Hosts, mechanisms
from scaisend.domains.spf import PASS, TEMPERROR, Lookup, check_spf, spf_records
from scaisend.domains.verify import judge_mx

BLOCKLISTS = ("zen.spamhaus.org", "bl.spamcop.net")
_NO_ANSWER = "look whether DNS_RESOLVERS, or the system's resolver, answers"


@dataclass(frozen=True, slots=True)
class Instance:
    """What this installation is called: `helo_of` maps source addresses to their EHLO names; mail that comes back goes to `bounce_domain`."""

    hosts: Hosts
    helo_of: Mapping[str, str]
    bounce_domain: str


async def together(asked: Iterable[Coroutine[Any, Any, list[Check]]]) -> list[Check]:
    """What all of them found, in their order; they run at the same time."""
    found = await gatherResults([Deferred.fromCoroutine(each) for each in asked], consumeErrors=True)
    return [check for checks in found for check in checks]


async def instance_checks(lookup: Lookup, instance: Instance, blocklists: Sequence[str] = BLOCKLISTS) -> list[Check]:
    """Every check of the instance's DNS; an address is asked of by the blocklists only when it is public."""
    hosts = instance.hosts
    own = [each for each in await addresses_of(lookup, hosts.helo_name) if ip_address(each).is_global]
    addresses = hosts.public_addresses or tuple(own)
    helo_names = {address: instance.helo_of.get(address, hosts.helo_name) for address in addresses}
    return await together([
        *[_helo(lookup, name) for name in dict.fromkeys([hosts.helo_name, *helo_names.values()])],
        *[_reverse(lookup, address, name) for address, name in helo_names.items()],
        _bounce_mx(lookup, instance), _bounce_spf(lookup, instance, addresses),
        *[_blocklist(lookup, address, zone) for address in addresses for zone in blocklists],
    ])


async def addresses_of(lookup: Lookup, name: str) -> list[str]:
    """The addresses of a host; none where DNS has none or is in trouble."""
    found: list[str] = []
    for kind in ("A", "AAAA"):
        try:
            found += [each for each in (await lookup(name, kind)).records if isinstance(each, str)]
        except (NoSuchName, NoRecords, DnsTrouble):
            continue
    return found


async def _helo(lookup: Lookup, name: str) -> list[Check]:
    """The EHLO name has an address (RFC 5321 4.1.4). Nothing is known while DNS does not answer for it."""
    found: list[str] = []
    for kind in ("A", "AAAA"):
        try:
            found += [str(each) for each in await _records(lookup, name, kind)]
        except DnsTrouble as error:
            return [Check("dns.helo", name, AWAY, str(error), "an answer", _NO_ANSWER)]
    if not found:
        return [Check("dns.helo", name, FAILED, "no address", "an A or AAAA record", f"publish A or AAAA records for {name}, or set SMTP_HELO_HOSTNAME")]
    if any(ip_address(each).is_global for each in found):
        return [Check("dns.helo", name, OK, ", ".join(found))]
    return [Check("dns.helo", name, WARNING, ", ".join(found), "a public address", "name a host that others can reach in SMTP_HELO_HOSTNAME")]


async def _reverse(lookup: Lookup, address: str, helo: str) -> list[Check]:
    """A PTR whose name leads back to the address, and is the EHLO name."""
    pointer = ip_address(address).reverse_pointer
    try:
        names = [str(each).lower() for each in await _records(lookup, pointer, "PTR")]
    except DnsTrouble as error:
        return [Check("dns.ptr", address, WARNING, str(error), helo, _NO_ANSWER)]
    cure = f"let the owner of the address block publish {pointer} PTR {helo}"
    if not names:
        return [Check("dns.ptr", address, FAILED, "no PTR", helo, cure)]
    text = ", ".join(names)
    confirmed = [name for name in names if address in [str(ip_address(each)) for each in await addresses_of(lookup, name)]]
    if not confirmed:
        return [
            Check("dns.ptr", address, OK, text),
            Check("dns.fcrdns", address, FAILED, f"{text}, which does not lead back to {address}", helo, f"publish an address record {names[0]} → {address}, or: {cure}"),
        ]
    if helo.lower() not in confirmed:
        return [
            Check("dns.ptr", address, WARNING, text, helo, f"{cure}; or say {confirmed[0]} in EHLO (SMTP_HELO_HOSTNAME or SMTP_SOURCE_IPS)"),
            Check("dns.fcrdns", address, OK, text),
        ]
    return [Check("dns.ptr", address, OK, text), Check("dns.fcrdns", address, OK, text)]


async def _bounce_mx(lookup: Lookup, instance: Instance) -> list[Check]:
    """Reports come back to us: by MX, or by the address where there is no MX (RFC 5321 5.1)."""
    name, host = instance.bounce_domain, instance.hosts.inbound_host
    wanted, cure = f"10 {host}", f"publish {name} MX 10 {host}"
    try:
        records = await _records(lookup, name, "MX")
    except DnsTrouble as error:
        return [Check("bounce.mx", name, WARNING, str(error), wanted, _NO_ANSWER)]
    judged = judge_mx(records, host)
    if judged.valid:
        return [Check("bounce.mx", name, OK, judged.found or "")]
    if not records and await addresses_of(lookup, name):
        return [Check("bounce.mx", name, WARNING, "no MX; the address record stands for it", wanted, cure)]
    return [Check("bounce.mx", name, FAILED, "; ".join(filter(None, [judged.found, judged.note])) or "no MX", wanted, cure)]


async def _bounce_spf(lookup: Lookup, instance: Instance, addresses: Sequence[str]) -> list[Check]:
    """The return path's SPF lets every source address send."""
    name = instance.bounce_domain
    wanted = f"v=spf1 {mechanisms(instance.hosts)} -all"
    cure = f"publish {name} TXT \"{wanted}\""
    try:
        found = "; ".join(await spf_records(lookup, name)) or "no SPF record"
    except DnsTrouble as error:
        return [Check("bounce.spf", name, WARNING, str(error), wanted, _NO_ANSWER)]
    for address in addresses:
        outcome = await check_spf(lookup, address, name)
        if outcome.result == TEMPERROR:
            return [Check("bounce.spf", name, WARNING, outcome.reason or found, wanted, _NO_ANSWER)]
        if outcome.result != PASS:
            return [Check("bounce.spf", name, FAILED, f"{found}: {outcome.result} for {address}", wanted, cure)]
    if not addresses:
        return [Check("bounce.spf", name, WARNING, f"{found}; no public source address is known", wanted, "set SMTP_SOURCE_IPS, or publish the EHLO name's address")]
    return [Check("bounce.spf", name, OK, found)]


async def _blocklist(lookup: Lookup, address: str, zone: str) -> list[Check]:
    """Whether the list has the address (RFC 5782)."""
    subject = f"{address} in {zone}"
    reversed_address = ip_address(address).reverse_pointer.rpartition(".")[0].rpartition(".")[0]
    try:
        answers = [str(each) for each in await _records(lookup, f"{reversed_address}.{zone}", "A")]
    except DnsTrouble as error:
        return [Check("blocklist", subject, WARNING, str(error), "not listed", _NO_ANSWER)]
    text = ", ".join(answers)
    if not answers:
        return [Check("blocklist", subject, OK, "not listed")]
    if any(not each.startswith("127.") or each.startswith("127.255.255.") for each in answers):
        cure = "ask through a recursive resolver of your own (DNS_RESOLVERS): lists refuse public ones"
        return [Check("blocklist", subject, WARNING, f"the list gave no verdict: {text}", "not listed", cure)]
    return [Check("blocklist", subject, FAILED, f"listed: {text}", "not listed", f"find the cause, then ask {zone} to delist {address}")]


async def _records(lookup: Lookup, name: str, kind: str) -> tuple[Record, ...]:
    """The records, none where there are none. Raises: DnsTrouble."""
    try:
        return (await lookup(name, kind)).records
    except (NoSuchName, NoRecords):
        return ()
