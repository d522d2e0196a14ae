"""How much TLS a destination must give us: the operator's policy (SMTP_TLS_POLICY, SMTP_TLS_POLICIES), and what the domain itself publishes.

| policy | STARTTLS not offered | handshake fails, or 454 | certificate | what domains publish |
|---|---|---|---|---|
| none | plain | never tried | - | ignored |
| opportunistic | plain | a new connection, plain; remembered a while | not looked at | DANE, MTA-STS |
| dane | plain | as opportunistic | not looked at | DANE alone |
| mta-sts | plain | as opportunistic | not looked at | MTA-STS alone |
| required | trouble, 5.7.10 | trouble | not looked at | DANE, MTA-STS |
| verify | trouble, 5.7.10 | trouble | must be valid for the MX host | DANE, MTA-STS |

What a domain publishes can only ask for more. The rungs, highest first: `dane` (TLSA records of the host, RFC 7672), `mta-sts` (an enforced
policy of the domain, RFC 8461), `verify`, `required`, `mta-sts-testing`, `opportunistic`, `none`. DANE stands in the place of the others where
the host has TLSA records. From the rungs `dane` to `required` nothing falls back to plain text: the mail is deferred.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scaisend.delivery.demand import Demand
from scaisend.delivery.mta_sts import ENFORCE, TESTING
from scaisend.delivery.mx import TakesNoMail, mail_domain
from scaisend.delivery.tlsa import Tlsa, usable
from scaisend.faults import Invalid

NONE = "none"
OPPORTUNISTIC = "opportunistic"
DANE = "dane"
MTA_STS = "mta-sts"
REQUIRED = "required"
VERIFY = "verify"
POLICIES = (NONE, OPPORTUNISTIC, DANE, MTA_STS, REQUIRED, VERIFY)
MTA_STS_TESTING = "mta-sts-testing"

# What is looked at in a handshake.
NOTHING = "nothing"
CERTIFICATE = "certificate"
OBSERVED = "observed"  # as CERTIFICATE, but a fault is only told
TLSA = "tlsa"

MAX_REMEMBERED = 10_000


class HostNotAllowed(Exception):
    """The domain's enforced policy does not name the host."""


@dataclass(frozen=True, slots=True)
class Rung:
    """How one host is spoken to, and why so. `checks` is one of the words above; `published` the lines of what DNS or the domain says."""

    name: str
    why: str
    uses_tls: bool = True
    needs_tls: bool = False
    checks: str = NOTHING
    tlsa: tuple[Tlsa, ...] = ()
    published: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of policy, in the words of RFC 8460 4.4."""
        return "tlsa" if self.name == DANE else "sts" if self.name in (MTA_STS, MTA_STS_TESTING) else "no-policy-found"

    @property
    def falls_back(self) -> bool:
        """TLS that fails is no reason not to deliver."""
        return self.uses_tls and not self.needs_tls


def rung(demand: Demand, host: str, tlsa: Iterable[object] = ()) -> Rung:
    """The rung of this host; `tlsa` are its TLSA records, as text, when DNSSEC vouches for them. Raises: HostNotAllowed."""
    policy, sts = demand.policy, demand.sts
    if policy == NONE:
        return Rung(NONE, "the policy is none", uses_tls=False)
    published = list(tlsa)
    good = usable(published)
    if good:
        return Rung(DANE, f"TLSA records of {host}", needs_tls=True, checks=TLSA, tlsa=good, published=tuple(map(str, good)))
    if sts is not None and sts.mode == ENFORCE:
        if not sts.allows(host):
            raise HostNotAllowed(f"the domain's MTA-STS policy does not allow the host {host}")
        return Rung(MTA_STS, "the domain enforces its MTA-STS policy", needs_tls=True, checks=CERTIFICATE, published=sts.lines)
    if policy == VERIFY:
        return Rung(VERIFY, "the policy is verify", needs_tls=True, checks=CERTIFICATE)
    if published:
        return Rung(REQUIRED, f"TLSA records of {host}, none of which can be used (RFC 7672 2.2)", needs_tls=True)
    if sts is not None and sts.mode == TESTING:
        why = "the domain tests its MTA-STS policy"
        return Rung(MTA_STS_TESTING, why, needs_tls=policy == REQUIRED, checks=OBSERVED, published=sts.lines)
    if policy == REQUIRED:
        return Rung(REQUIRED, "the policy is required", needs_tls=True)
    return Rung(OPPORTUNISTIC, f"the policy is {policy}, and nothing more is published")


class TlsPolicy:
    """The policies of a process, and the hosts that were found to do TLS badly.

    `domains`: policies of single domains (A-labels) in the place of `name`. `ca_file`: PEM file of roots to trust besides the system's.
    """

    def __init__(
        self, name: str = OPPORTUNISTIC, *, domains: Mapping[str, str] | None = None, plain_for_s: float = 3600.0, ca_file: str | None = None,
    ) -> None:
        if name not in POLICIES:
            raise Invalid(f"{name!r} is no TLS policy", "SMTP_TLS_POLICY", f"one of {', '.join(POLICIES)}")
        self.name = name
        self.ca_file = ca_file
        self._domains = dict(domains or {})
        self._plain_for_s = plain_for_s
        self._plain_until: dict[str, float] = {}

    def of(self, domain: str) -> str:
        """The policy of a domain (A-label)."""
        return self._domains.get(domain, self.name)

    def is_plain(self, host: str, now: float) -> bool:
        """TLS failed with this host a while ago: one that may be spoken to in plain text is not asked for it again so soon."""
        return now < self._plain_until.get(host, 0.0)

    def remember_plain(self, host: str, now: float) -> None:
        """TLS failed with this host, which may be spoken to without."""
        if len(self._plain_until) >= MAX_REMEMBERED:
            self._plain_until = {each: until for each, until in self._plain_until.items() if until > now}
            if len(self._plain_until) >= MAX_REMEMBERED:
                self._plain_until.clear()
        self._plain_until[host] = now + self._plain_for_s


def parse_policies(text: str) -> dict[str, str]:
    """SMTP_TLS_POLICIES `domain=policy,…` as domain (A-label) → policy. Raises: Invalid, naming the entry."""
    policies = {}
    for entry in filter(None, (each.strip() for each in text.split(","))):
        domain, _, name = entry.partition("=")
        if name.strip() not in POLICIES:
            raise Invalid(f"{entry!r} is no TLS policy of a domain", "SMTP_TLS_POLICIES", f"domain=policy,… with one of {', '.join(POLICIES)}")
        try:
            policies[mail_domain(domain)] = name.strip()
        except TakesNoMail as fault:
            raise Invalid(f"{entry!r}: {fault}", "SMTP_TLS_POLICIES", "domain=policy,…") from None
    return policies
