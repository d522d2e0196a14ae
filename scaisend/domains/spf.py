"""SPF by meaning: whether a domain lets an address send (RFC 7208)."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from scaisend.dns import Answer, DnsTrouble, NoRecords, NoSuchName

Lookup = Callable[[str, str], Awaitable[Answer]]
IPAddress = IPv4Address | IPv6Address

PASS, FAIL, SOFTFAIL, NEUTRAL, NONE = "pass", "fail", "softfail", "neutral", "none"
PERMERROR, TEMPERROR = "permerror", "temperror"
MOST_LOOKUPS = 10
MOST_VOID = 2
MOST_NAMES = 10

_QUALIFIERS = {"+": PASS, "-": FAIL, "~": SOFTFAIL, "?": NEUTRAL}
_TERM = re.compile(r"(?P<qualifier>[+?~-]?)(?P<name>[a-z][a-z0-9_.-]*)(?P<sign>[:=/]?)(?P<rest>.*)", re.IGNORECASE)
_CIDR = re.compile(r"(?P<domain>.*?)(?:/(?P<four>\d{1,2}))?(?://(?P<six>\d{1,3}))?\Z")
_MACRO = re.compile(r"%(?:\{(?P<letter>[a-z])(?P<digits>\d*)(?P<reverse>r?)(?P<delimiters>[.+,/_=-]*)\}|(?P<plain>[%_-])|)", re.IGNORECASE)
_LOOKING_UP = ("include", "a", "mx", "ptr", "exists")


@dataclass(frozen=True, slots=True)
class SpfResult:
    """The result, in the words of RFC 7208 2.6; `reason` says why an error is one; `lookups` is what of the ten were used."""

    result: str
    reason: str | None = None
    lookups: int = 0


class _Error(Exception):
    """The check ends with this result."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


@dataclass(slots=True)
class _Check:
    """One evaluation: its address, and what of the limits is used."""

    lookup: Lookup
    address: IPAddress
    sender: str
    lookups: int = 0
    void: int = 0


async def check_spf(lookup: Lookup, address: str, domain: str, sender: str | None = None) -> SpfResult:
    """What the domain's SPF says of mail from `sender` (postmaster of the domain when None) that comes from `address`."""
    check = _Check(lookup, ip_address(address), sender or f"postmaster@{domain}")
    try:
        return SpfResult(await _of_domain(check, domain), None, check.lookups)
    except _Error as error:
        return SpfResult(error.result, error.reason, check.lookups)


async def spf_records(lookup: Lookup, domain: str) -> list[str]:
    """The domain's SPF records. Raises: DnsTrouble."""
    try:
        answer = await lookup(domain, "TXT")
    except (NoSuchName, NoRecords):
        return []
    return [each for each in answer.records if isinstance(each, str) and (each.lower() + " ").startswith("v=spf1 ")]


async def _of_domain(check: _Check, domain: str) -> str:
    try:
        records = await spf_records(check.lookup, domain)
    except DnsTrouble as error:
        raise _Error(TEMPERROR, str(error)) from None
    if len(records) > 1:
        raise _Error(PERMERROR, f"{domain} has {len(records)} SPF records; only one may exist")
    if not records:
        return NONE
    terms = [_read(term, domain) for term in records[0].split()[1:]]
    redirects = [rest for _, name, sign, rest in terms if sign == "=" and name == "redirect"]
    if len(redirects) > 1:
        raise _Error(PERMERROR, f"{domain} has more than one redirect=")
    for qualifier, name, sign, rest in terms:
        if sign != "=" and await _matches(check, domain, name, sign, rest):
            return _QUALIFIERS[qualifier]
    return await _redirected(check, domain, redirects[0]) if redirects else NEUTRAL


def _read(term: str, domain: str) -> tuple[str, str, str, str]:
    """Qualifier, name, sign (`:`, `/`, `=` or none) and the rest of a term. Raises: _Error for one that is not valid."""
    match = _TERM.fullmatch(term)
    if not match:
        raise _Error(PERMERROR, f"{domain}: {term} is not a valid term")
    qualifier, name, sign, rest = match["qualifier"], match["name"].lower(), match["sign"], match["rest"]
    known = name in ("all", "ip4", "ip6", *_LOOKING_UP)
    needs_rest = name in ("include", "exists", "ip4", "ip6") or (sign == "=" and name in ("redirect", "exp"))
    wrong = (
        (sign == "=" and (qualifier or known)) or (sign != "=" and not known) or (needs_rest and not rest)
        or (name == "all" and bool(sign)) or (sign == ":" and not rest) or (sign == "/" and name not in ("a", "mx"))
    )
    if wrong:
        raise _Error(PERMERROR, f"{domain}: {term} is not a valid term")
    if name in ("ip4", "ip6"):
        _network(name, rest, domain)
    return qualifier or "+", name, sign, rest


async def _redirected(check: _Check, domain: str, target: str) -> str:
    _count(check)
    result = await _of_domain(check, _expand(check, domain, target))
    if result == NONE:
        raise _Error(PERMERROR, f"{domain}: redirect={target} leads to no SPF record")
    return result


async def _matches(check: _Check, domain: str, name: str, sign: str, rest: str) -> bool:
    if name in _LOOKING_UP:
        _count(check)
    if name == "all":
        return True
    if name in ("ip4", "ip6"):
        return check.address in _network(name, rest, domain)
    if name == "include":
        return await _included(check, domain, rest)
    if name == "exists":
        return bool(await _records(check, _expand(check, domain, rest), "A"))
    if name == "ptr":
        return False  # RFC 7208 5.5: not to be published, and not to be relied on
    return await _has_address(check, domain, name, sign + rest if sign == "/" else rest)


async def _included(check: _Check, domain: str, target: str) -> bool:
    result = await _of_domain(check, _expand(check, domain, target))
    if result == NONE:
        raise _Error(PERMERROR, f"{domain}: include:{target} has no SPF record")
    return result == PASS


async def _has_address(check: _Check, domain: str, name: str, rest: str) -> bool:
    """Whether `a` or `mx` matches (RFC 7208 5.3, 5.4)."""
    parts = _CIDR.fullmatch(rest)
    four, six = (int(parts["four"] or 32), int(parts["six"] or 128)) if parts else (99, 999)
    if parts is None or four > 32 or six > 128:
        raise _Error(PERMERROR, f"{domain}: {name}:{rest} is not a valid term")
    host = _expand(check, domain, parts["domain"]) if parts["domain"] else domain
    hosts = [host]
    if name == "mx":
        hosts = [each[1] for each in await _records(check, host, "MX") if isinstance(each, tuple)]
        if len(hosts) > MOST_NAMES:
            raise _Error(PERMERROR, f"{host} has more than {MOST_NAMES} MX hosts")
    kind, length = ("A", four) if check.address.version == 4 else ("AAAA", six)
    for each in hosts:
        for found in await _records(check, each, kind, counts_void=name == "a"):
            if check.address in ip_network(f"{found}/{length}", strict=False):
                return True
    return False


async def _records(check: _Check, name: str, kind: str, *, counts_void: bool = True) -> tuple[object, ...]:
    try:
        return (await check.lookup(name, kind)).records
    except (NoSuchName, NoRecords):
        check.void += counts_void
        if check.void > MOST_VOID:
            raise _Error(PERMERROR, f"more than {MOST_VOID} lookups find nothing, the last one {name}") from None
        return ()
    except DnsTrouble as error:
        raise _Error(TEMPERROR, str(error)) from None


def _count(check: _Check) -> None:
    check.lookups += 1
    if check.lookups > MOST_LOOKUPS:
        raise _Error(PERMERROR, f"it needs more than {MOST_LOOKUPS} DNS lookups")


def _network(name: str, text: str, domain: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text, strict=False)
        if network.version != int(name[2]):
            raise ValueError
    except ValueError:
        raise _Error(PERMERROR, f"{domain}: {name}:{text} is not a valid network") from None
    return network


def _expand(check: _Check, domain: str, text: str) -> str:
    """The text with its macros replaced (RFC 7208 7); at most the last 253 characters, cut at a dot."""
    local, _, sender_domain = check.sender.rpartition("@")
    version = check.address.version
    dotted = str(check.address) if version == 4 else ".".join(check.address.exploded.replace(":", ""))
    values = {
        "s": check.sender, "l": local, "o": sender_domain, "d": domain, "i": dotted, "h": sender_domain, "p": "unknown",
        "v": "in-addr" if version == 4 else "ip6",
    }

    def replaced(match: re.Match[str]) -> str:
        if match["plain"]:
            return {"%": "%", "_": " ", "-": "%20"}[match["plain"]]
        value = values.get((match["letter"] or "").lower())
        if value is None or match["digits"] == "0":
            raise _Error(PERMERROR, f"{domain}: {text} holds an unknown macro")
        parts = re.split("[" + re.escape(match["delimiters"] or ".") + "]", value)
        if match["reverse"]:
            parts.reverse()
        return ".".join(parts[-int(match["digits"]) :] if match["digits"] else parts)

    expanded = _MACRO.sub(replaced, text).rstrip(".")
    while len(expanded) > 253:
        expanded = expanded.partition(".")[2]
    return expanded
