"""How much TLS a destination must give us (SMTP_TLS_POLICY), and which hosts were found to do it badly.

| policy | STARTTLS not offered | handshake fails, or 454 | certificate |
|---|---|---|---|
| none | plain | never tried | - |
| opportunistic | plain | a new connection, plain; remembered a while | not looked at |
| required | trouble, 5.7.10 | trouble | not looked at |
| verify | trouble, 5.7.10 | trouble | must be valid for the MX host |
"""

from scaisend.faults import Invalid

NONE = "none"
OPPORTUNISTIC = "opportunistic"
REQUIRED = "required"
VERIFY = "verify"
POLICIES = (NONE, OPPORTUNISTIC, REQUIRED, VERIFY)

MAX_REMEMBERED = 10_000


class TlsPolicy:
    """One policy for all destinations of a process. `ca_file`: PEM file of roots to trust besides the system's, for `verify`."""

    def __init__(self, name: str = OPPORTUNISTIC, *, plain_for_s: float = 3600.0, ca_file: str | None = None) -> None:
        if name not in POLICIES:
            raise Invalid(f"{name!r} is no TLS policy", "SMTP_TLS_POLICY", f"one of {', '.join(POLICIES)}")
        self.name = name
        self.ca_file = ca_file
        self._plain_for_s = plain_for_s
        self._plain_until: dict[str, float] = {}

    @property
    def needs_tls(self) -> bool:
        return self.name in (REQUIRED, VERIFY)

    @property
    def verifies(self) -> bool:
        return self.name == VERIFY

    def wants_tls(self, host: str, now: float) -> bool:
        """STARTTLS is to be used with this host when it offers it."""
        return self.name != NONE and (self.needs_tls or now >= self._plain_until.get(host, 0.0))

    def falls_back(self, host: str, now: float) -> bool:
        """TLS failed with this host: whether it may be spoken to without. That is remembered, so the next connection does not try again."""
        if self.name != OPPORTUNISTIC:
            return False
        if len(self._plain_until) >= MAX_REMEMBERED:
            self._plain_until = {each: until for each, until in self._plain_until.items() if until > now}
            if len(self._plain_until) >= MAX_REMEMBERED:
                self._plain_until.clear()
        self._plain_until[host] = now + self._plain_for_s
        return True
