"""Login limits: an address from which wrong credentials keep coming is not heard for a while, and ever longer.

The counts are the limiter's, so all API processes and the submission listeners share them; while its server is away each
process counts for itself. What an address is told says nothing about any credential.
"""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network

from scaisend.faults import TooManyRequests
from scaisend.storage.limiter import Limit, Verdict

# Failures in a window, after which the rest of it is waited out: a minute, a quarter of an hour, six hours.
FAILURES = (Limit(50, 60.0), Limit(150, 900.0), Limit(500, 21_600.0))
MOST_SOURCES = 10_000
# Who holds one IPv6 address holds its /64.
IPV6_BITS = 64


class Lockout:
    """Failed logins by the address they came from. `take(key, limit)` is the limiter's."""

    def __init__(self, take: Callable[[str, Limit], Awaitable[Verdict]]) -> None:
        self._take = take
        self._until: dict[str, float] = {}

    def refuse(self, remote: str, now_s: float) -> None:
        """This address may try a credential now. Raises: TooManyRequests when it has to wait."""
        until = self._until.get(source_of(remote)) if self._until else None
        if until is not None and now_s < until:
            raise TooManyRequests("too many failed logins came from this address", retry_after_s=int(until - now_s) + 1)

    async def note(self, remote: str, now_s: float) -> None:
        """One more wrong credential came from this address."""
        source = source_of(remote)
        for limit in FAILURES:
            verdict = await self._take(f"login:{limit.per_s:.0f}:{source}", limit)
            if not verdict.allowed or not verdict.remaining:
                self._lock(source, verdict.reset_at, now_s)

    def _lock(self, source: str, until: float, now_s: float) -> None:
        if len(self._until) >= MOST_SOURCES:
            self._until = {each: moment for each, moment in self._until.items() if moment > now_s}
        if len(self._until) >= MOST_SOURCES:
            for each in list(self._until)[: MOST_SOURCES // 2]:
                del self._until[each]
        self._until[source] = max(until, self._until.get(source, 0.0))


def source_of(remote: str) -> str:
    """What an address is counted as: itself, or the /64 of an IPv6 address."""
    try:
        address = ip_address(remote.partition("%")[0])
    except ValueError:
        return remote
    address = getattr(address, "ipv4_mapped", None) or address
    return str(address) if address.version == 4 else str(ip_network((address, IPV6_BITS), strict=False))
