"""What TLS is asked of all hosts of a domain, before one of them is looked at (tls_policy.py)."""

from dataclasses import dataclass

from scaisend.delivery.mta_sts import Sts


@dataclass(frozen=True, slots=True)
class Demand:
    """The operator's policy for the domain, and what the domain publishes; domains that ask the same of the same hosts share connections.

    `follows_dane`: DNSSEC vouches for the names of the hosts, so their TLSA records count.
    """

    policy: str = "opportunistic"
    follows_dane: bool = False
    sts: Sts | None = None


USUAL = Demand()
