"""What SPF and DKIM say of a mail that came (RFC 7208, 6376): looked up first, decided then."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import dkim

from scaisend.address import a_labels
from scaisend.dns import Answer, DnsTrouble, NoRecords, NoSuchName
from scaisend.domains.spf import NONE, PERMERROR, check_spf

MOST_SIGNATURES = 5
PASS, FAIL, TROUBLE, UNSIGNED = "pass", "fail", "temperror", "none"
_TAG = re.compile(rb"(?:^|;)\s*([ds])\s*=\s*([A-Za-z0-9._-]{1,253})\s*(?=;|$)")
_SIGNATURE = re.compile(rb"^dkim-signature[ \t]*:((?:[^\r\n]|\r\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
# The library raises what it meets: a signature that breaks it is no good one.
_BREAKS = (dkim.DKIMException, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_LARGEST_HEAD = 256 * 1024

Lookup = Callable[[str, str], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM signature: its domain, the DNS name of its key, and the key's record; None for none, empty while DNS is in trouble."""

    domain: str
    key_name: str
    record: str | None = None


async def spf_of(lookup: Lookup, sender_ip: str, mail_from: str, helo: str) -> str:
    """The result for the sender's domain, or for the EHLO name of a null sender (RFC 7208 2.4)."""
    try:
        domain = a_labels(mail_from.rpartition("@")[2] if mail_from else helo)
    except ValueError:
        return NONE
    try:
        address = ip_address(sender_ip.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        return (await check_spf(lookup, str(address), domain, mail_from or None)).result
    except ValueError:  # the client had no address, or a name in the record is none
        return PERMERROR


async def signatures_of(lookup: Lookup, content: bytes) -> list[Signature]:
    """The first MOST_SIGNATURES signatures of the mail, with their keys."""
    found = []
    for domain, selector in _claims(content):
        name = f"{selector}._domainkey.{domain}"
        try:
            records = [each for each in (await lookup(name, "TXT")).records if isinstance(each, str)]
            found.append(Signature(domain, name, records[0] if records else None))
        except (NoSuchName, NoRecords, ValueError):
            found.append(Signature(domain, name, None))
        except DnsTrouble:
            found.append(Signature(domain, name, ""))
    return found


def dkim_of(content: bytes, signatures: Sequence[Signature]) -> str:
    """`{@example.com : pass}` for each signature, or `none`. It takes CPU: call it in a thread."""
    keys = {f"{each.key_name}.".encode(): each.record.encode() for each in signatures if each.record}
    verdicts = [f"@{each.domain} : {_verdict(content, number, each, keys)}" for number, each in enumerate(signatures)]
    return "{" + ", ".join(verdicts) + "}" if verdicts else UNSIGNED


def _verdict(content: bytes, number: int, signature: Signature, keys: Mapping[bytes, bytes]) -> str:
    if signature.record == "":
        return TROUBLE
    try:
        mail: Any = dkim.DKIM(content)  # type: ignore[no-untyped-call]  # dkimpy has no types
        verified = mail.verify(number, dnsfunc=lambda name, timeout=5: keys.get(name if name.endswith(b".") else name + b"."))
    except _BREAKS:
        return FAIL
    return PASS if verified else FAIL


def _claims(content: bytes) -> list[tuple[str, str]]:
    """Domain and selector of each signature, in order; empty names where it does not say."""
    head = content[:_LARGEST_HEAD].partition(b"\r\n\r\n")[0]
    claims = []
    for found in list(_SIGNATURE.finditer(head))[:MOST_SIGNATURES]:
        tags = {name: value.decode("ascii").lower() for name, value in _TAG.findall(found[1].replace(b"\r\n", b""))}
        claims.append((tags.get(b"d", "unknown"), tags.get(b"s", "unknown")))
    return claims
