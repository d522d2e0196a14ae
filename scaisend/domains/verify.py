"""What DNS says of a domain: each record found, judged by meaning, and told with the cure.

Only the DKIM records decide whether a domain is verified. A lookup in trouble decides nothing.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaisend.dns import DnsTrouble, NoRecords, NoSuchName, Record
from scaisend.domains.dkim_keys import RSA, kind_of
from scaisend.domains.records import (
    DKIM,
    DMARC,
    RETURN_PATH,
    RETURN_PATH_SPF,
    SPF,
    Hosts,
    WantedRecord,
    with_mechanisms,
)
from scaisend.domains.spf import NONE, PASS, TEMPERROR, Lookup, check_spf, spf_records
from scaisend.domains.store import DomainKey

SPKI_HEADER_BYTES = 24
POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found of one wanted record, whether it serves, and a note; `in_trouble`: DNS did not answer, so nothing is decided."""

    found: str | None
    valid: bool
    note: str | None = None
    in_trouble: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """All judgements, by record, in the order of the wanted records; `seen` are ids of keys whose record is ours.

    `dkim_in_trouble` and `return_path_in_trouble`: what these say may be untrue, since DNS did not answer.
    """

    judged: tuple[tuple[WantedRecord, Judged], ...]
    seen: frozenset[str]
    return_path_ready: bool
    dkim_in_trouble: bool
    return_path_in_trouble: bool

    def result(self) -> tuple[Mapping[str, object], ...]:
        """The judgements as they are stored."""
        return tuple([
            {"type": wanted.type, "name": wanted.name, "purpose": wanted.purpose, "found": it.found, "valid": it.valid, "note": it.note}
            for wanted, it in self.judged
        ])


async def verify(lookup: Lookup, name: str, *, wanted: Sequence[WantedRecord], keys: Sequence[DomainKey], hosts: Hosts) -> Verification:
    """What DNS says of the domain's wanted records."""
    by_id = {key.id: key for key in keys}
    addresses = await _source_addresses(lookup, hosts)
    judged: list[tuple[WantedRecord, Judged]] = []
    for record in wanted:
        try:
            verdict = await _judge(lookup, name, record, by_id.get(record.key_id or ""), addresses, hosts)
        except DnsTrouble as error:
            verdict = Judged(None, False, str(error), in_trouble=True)
        judged.append((record, verdict))
    path = [it for record, it in judged if record.purpose in (RETURN_PATH, RETURN_PATH_SPF)]
    return Verification(
        judged=tuple(judged),
        seen=frozenset([record.key_id for record, it in judged if record.key_id is not None and it.valid]),
        return_path_ready=all(it.valid for it in path),
        dkim_in_trouble=any(it.in_trouble for record, it in judged if record.purpose == DKIM),
        return_path_in_trouble=any(it.in_trouble for it in path),
    )


async def _judge(
    lookup: Lookup, name: str, record: WantedRecord, key: DomainKey | None, addresses: Sequence[str], hosts: Hosts
) -> Judged:
    """The verdict on one record. Raises: DnsTrouble."""
    if record.purpose == DMARC:
        return await _judge_dmarc(lookup, name)
    if record.purpose in (SPF, RETURN_PATH_SPF):
        return await _judge_spf(lookup, record.name, addresses, hosts)
    found = await _records(lookup, record.name, record.type)
    if record.purpose == RETURN_PATH:
        return judge_mx(found, hosts.inbound_host)
    if key is None:
        return Judged(None, False)
    return judge_dkim([each for each in found if isinstance(each, str)], key.algorithm, key.public)


def judge_dkim(found: Sequence[str], algorithm: str, public: bytes) -> Judged:
    """Whether one of the TXT records publishes the key (RFC 6376 3.6.1): tags in any order, the key compared by its bytes."""
    if not found:
        return Judged(None, False)
    verdicts = [_judge_one_dkim(each, algorithm, public) for each in found]
    best = next((each for each in verdicts if each.valid), verdicts[0])
    note = best.note
    if len(found) > 1:
        note = "; ".join(filter(None, [note, "there are several TXT records at this name: delete all others, verifiers may take any"]))
    return Judged("\n".join(found), best.valid, note)


def _judge_one_dkim(text: str, algorithm: str, public: bytes) -> Judged:
    tags = read_tags(text)
    if tags is None:
        return Judged(text, False, "this is not a list of tags as RFC 6376 defines it")
    key = "".join(tags.get("p", "-").split())
    problem = None
    if tags.get("v", "DKIM1") != "DKIM1":
        problem = "v= must be DKIM1"
    elif key == "":
        problem = "the key is revoked: p= is empty"
    elif tags.get("k", "rsa").lower() != kind_of(algorithm):
        problem = f"k= must be {kind_of(algorithm)}"
    elif "sha256" not in [each.strip() for each in tags.get("h", "sha256").lower().split(":")]:
        problem = "h= must allow sha256"
    elif not {"*", "email"} & {each.strip() for each in tags.get("s", "*").lower().split(":")}:
        problem = "s= must allow email"
    elif not _is_key(key, algorithm, public):
        problem = "p= is another key, or was cut off: copy the value again"
    if problem:
        return Judged(text, False, problem)
    testing = "y" in [each.strip() for each in tags.get("t", "").lower().split(":")]
    return Judged(text, True, "t=y says that the domain only tests DKIM: verifiers may ignore the signature" if testing else None)


def _is_key(text: str, algorithm: str, public: bytes) -> bool:
    try:
        found = b64decode(text, validate=True)
    except ValueError:
        return False
    return found == public or (algorithm == RSA and found == public[SPKI_HEADER_BYTES:])


def read_tags(text: str) -> dict[str, str] | None:
    """The tags of a `name=value; …` list (RFC 6376 3.2), or None when it is none, or a name stands twice."""
    tags: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not part.strip():
            continue
        if not equals or not name or name in tags:
            return None
        tags[name] = value.strip()
    return tags or None


def judge_mx(found: Sequence[Record], host: str) -> Judged:
    """Whether mail to the return path comes to us: ours is among the most preferred hosts."""
    records = sorted(each for each in found if isinstance(each, tuple))
    if not records:
        return Judged(None, False)
    text = "\n".join(f"{preference} {name}" for preference, name in records)
    ours = [preference for preference, name in records if name.rstrip(".").lower() == host.rstrip(".").lower()]
    if not ours:
        return Judged(text, False, f"{host} is not among them, so bounces would not come back")
    if ours[0] > records[0][0]:
        return Judged(text, False, f"{host} must be the most preferred one, so that bounces come back")
    return Judged(text, True)


async def _judge_spf(lookup: Lookup, name: str, addresses: Sequence[str], hosts: Hosts) -> Judged:
    """Whether the record lets every address of ours send. Raises: DnsTrouble."""
    records = await spf_records(lookup, name)
    found = "\n".join(records) or None
    if not records:
        return Judged(None, False)
    if not addresses:
        return Judged(found, False, f"our own addresses are unknown: {hosts.helo_name} has no address in DNS")
    for address in addresses:
        outcome = await check_spf(lookup, address, name)
        if outcome.result == PASS:
            continue
        if outcome.result == TEMPERROR:
            raise DnsTrouble(outcome.reason or "DNS does not answer")
        if outcome.reason is not None:
            return Judged(found, False, f"{outcome.result}: {outcome.reason}")
        better = with_mechanisms(records[0], hosts)
        cure = f"; publish in its place: {better}" if outcome.result != NONE and better != records[0] else ""
        return Judged(found, False, f"it gives {outcome.result} for {address}{cure}")
    return Judged(found, True)


async def _judge_dmarc(lookup: Lookup, name: str) -> Judged:
    """Whether there is a policy, of the domain itself or of one above it (RFC 7489 6.6.3)."""
    labels = name.split(".")
    for above in range(max(1, len(labels) - 1)):
        owner = ".".join(labels[above:])
        texts = [each for each in await _records(lookup, f"_dmarc.{owner}", "TXT") if isinstance(each, str)]
        records = [each for each in texts if (read_tags(each) or {}).get("v") == "DMARC1" and each.lstrip().startswith("v")]
        if not records:
            continue
        found = "\n".join(records)
        if len(records) > 1:
            return Judged(found, False, "there are several DMARC records; only one may exist")
        policy = (read_tags(records[0]) or {}).get("p", "").lower()
        if policy not in POLICIES:
            return Judged(found, False, "p= must be none, quarantine or reject")
        return Judged(found, True, f"inherited from {owner}" if above else None)
    return Judged(None, False)


async def _source_addresses(lookup: Lookup, hosts: Hosts) -> tuple[str, ...]:
    """The addresses that SPF must let through: those configured, or the EHLO name's."""
    if hosts.public_addresses:
        return hosts.public_addresses
    found: list[str] = []
    for kind in ("A", "AAAA"):
        try:
            found += [each for each in await _records(lookup, hosts.helo_name, kind) if isinstance(each, str)]
        except DnsTrouble:
            continue
    return tuple(found)


async def _records(lookup: Lookup, name: str, kind: str) -> tuple[Record, ...]:
    """The records, none where there are none. Raises: DnsTrouble."""
    try:
        return (await lookup(name, kind)).records
    except (NoSuchName, NoRecords):
        return ()
