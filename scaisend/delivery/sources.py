"""Addresses that mail leaves from, each with the name it says in EHLO (SMTP_SOURCE_IPS)."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.faults import Invalid

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*").fullmatch


@dataclass(frozen=True, slots=True)
class Source:
    """One source: its address (None: the system chooses) and its EHLO name."""

    address: str | None
    helo: str


class Sources:
    """The configured sources. Without any, the system chooses the address and the name is `helo_name`."""

    def __init__(self, configured: Sequence[Source], *, helo_name: str) -> None:
        self._configured = tuple(configured)
        self._default = Source(None, helo_name)

    def families(self, pool: Sequence[str]) -> tuple[int, ...]:
        """IP versions that mail of this pool may use, in order of preference; none: the pool has no address that is configured here.

        IPv6 goes first only where a source of it is configured: without a PTR of its own IPv6 is refused by most.
        """
        if not self._configured and not pool:
            return (4, 6)
        found = {_version(source.address) for source in self._allowed(pool)}
        return tuple(version for version in (6, 4) if version in found)

    def fitting(self, pool: Sequence[str], version: int) -> list[Source]:
        """The sources of this IP version; none: the pool has none that is configured here."""
        if not self._configured and not pool:
            return [self._default]
        return [source for source in self._allowed(pool) if _version(source.address) == version]

    def of(self, pool: Sequence[str]) -> list[Source]:
        """The sources of either IP version."""
        return [self._default] if not self._configured and not pool else self._allowed(pool)

    def _allowed(self, pool: Sequence[str]) -> list[Source]:
        wanted = {_canonical(address) for address in pool}
        return [source for source in self._configured if not wanted or source.address in wanted]


def narrowed(chosen: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """The addresses of a pool or domain that are the tenant's `own`; where none is, its own; without own ones those `chosen`. None: any."""
    if not own:
        return tuple(chosen)
    return tuple([each for each in chosen if each in own]) or tuple(own)


def parse_sources(text: str, *, helo_name: str) -> tuple[Source, ...]:
    """SMTP_SOURCE_IPS: `address=helo-name,…`; a missing name is `helo_name`. Raises: Invalid, naming the entry."""
    sources = []
    for entry in filter(None, (each.strip() for each in text.split(","))):
        address, _, helo = entry.partition("=")
        try:
            canonical = str(ipaddress.ip_address(address.strip().strip("[]")))
        except ValueError:
            raise Invalid(f"{entry!r} does not start with an IP address", "SMTP_SOURCE_IPS", "address=helo-name,…") from None
        name = helo.strip() or helo_name
        if not _HOST_NAME(name):
            raise Invalid(f"{name!r} is no host name", "SMTP_SOURCE_IPS", "address=helo-name,…")
        sources.append(Source(canonical, name))
    return tuple(sources)


def _canonical(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def _version(address: str | None) -> int:
    return 6 if address is not None and ":" in address else 4
