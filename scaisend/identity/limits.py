"""Limits of single tenants: rates in place of the installation's, and quotas of mails a day and a month (UTC).

A quota counts accepted recipients of live mail. Rates are written `50/s`, `600/min` or `off`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scaisend.faults import Fault
from scaisend.storage.limiter import Limit, read_limit

RATES = ("mail_send", "messages", "writes", "default")
MAILS_PER_DAY, MAILS_PER_MONTH = "mails_per_day", "mails_per_month"
QUOTAS = (MAILS_PER_DAY, MAILS_PER_MONTH)
MOST_MAILS = 10**12

Limits = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of a quota is used: `period` is the day or month, which ends at `reset_at` (epoch seconds)."""

    name: str
    most: int
    used: int
    period: str
    reset_at: float

    @property
    def remaining(self) -> int:
        return max(0, self.most - self.used)


class TenantLimits:
    """What is known of the tenants' rates in this process."""

    def __init__(self) -> None:
        self._rates: dict[str, dict[str, Limit | None]] = {}

    def know(self, limits: Mapping[str, Limits]) -> None:
        """These are all limits of single tenants."""
        self._rates = {
            tenant_id: {name: read_limit(str(own[name])) for name in RATES if name in own} for tenant_id, own in limits.items()
        }

    def of(self, tenant_id: str, name: str, otherwise: Limit | None) -> Limit | None:
        """The tenant's own rate of this name, or what holds otherwise; None is no limit."""
        own = self._rates.get(tenant_id)
        return otherwise if own is None else own.get(name, otherwise)


def read_limits(given: Mapping[str, object], faults: list[Fault]) -> dict[str, str | int | None]:
    """The limits that a request or a command names; None takes one away. What is wrong becomes a fault with its name."""
    found: dict[str, str | int | None] = {}
    for name, value in given.items():
        if name not in RATES + QUOTAS:
            faults.append(Fault(f"There is no limit {name!r}.", name[:64], f"The limits are {', '.join(RATES + QUOTAS)}."))
        elif value is None:
            found[name] = None
        elif name in QUOTAS:
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_MAILS:
                faults.append(Fault("A quota is a whole number of mails.", name, f"Give a number from 0 to {MOST_MAILS}, or null for none."))
            else:
                found[name] = value
        else:
            try:
                read_limit(value if isinstance(value, str) else "")
            except ValueError as error:
                faults.append(Fault(f"A rate {error}.", name, "Give a rate such as 50/s or 600/min, off for no limit, or null for the installation's."))
            else:
                found[name] = str(value)
    return found


def quotas_of(limits: Limits, used: Mapping[str, int], now_s: float) -> list[Quota]:
    """The quotas among the limits, with what is `used` by period."""
    found = []
    for name in QUOTAS:
        if name in limits:
            period, reset_at = period_of(name, now_s)
            found.append(Quota(name, int(limits[name]), used.get(period, 0), period, reset_at))
    return found


def period_of(name: str, now_s: float) -> tuple[str, float]:
    """The period that the quota of this name counts at that moment, and when it ends."""
    today = datetime.fromtimestamp(now_s, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if name == MAILS_PER_DAY:
        return today.strftime("%Y-%m-%d"), (today + timedelta(days=1)).timestamp()
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return today.strftime("%Y-%m"), following.timestamp()
