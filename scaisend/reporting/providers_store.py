"""SQL of mailbox providers: what is known of domains, and what deliveries tell of them. Domains belong to no tenant."""

from collections.abc import Collection

import orjson

from scaisend.reporting.providers import OTHER, provider_of_domain, provider_of_host
from scaisend.storage.database import Txn

US = 1_000_000
# A domain may move: after so long its host is looked at again.
FRESH_S = 30 * 86_400
AT_ONCE = 500
LONGEST = 255
_HOST = '"host":'
# The domain of the recipient `r`, in lower case.
DOMAIN = "LOWER(SUBSTR(r.email, INSTR(r.email, '@') + 1))"


def providers_across_tenants(txn: Txn, domains: Collection[str]) -> dict[str, str]:
    """The provider of each of the domains that is known, by its name or from deliveries before."""
    found = {domain: provider for domain in domains if (provider := provider_of_domain(domain)) is not None}
    return {**{domain: provider for domain, (provider, _) in _kept(txn, _storable(domains, found)).items()}, **found}


def learn_providers_across_tenants(txn: Txn, domains: Collection[str], after: str, upto: str, now: float) -> None:
    """What the deliveries among the events from `after` up to and with `upto` tell of those of the domains that are not known is kept."""
    by_name = {domain for domain in domains if provider_of_domain(domain) is not None}
    asked = _storable(domains, by_name)
    kept = _kept(txn, asked)
    lacking = [domain for domain in asked if domain not in kept or kept[domain][1] < (now - FRESH_S) * US]
    rows: list[tuple[str, str, int]] = []
    for start in range(0, len(lacking), AT_ONCE):
        for domain, detail in txn.rows(
            f"SELECT {DOMAIN} AS domain, MAX(e.detail) FROM events e JOIN recipients r ON r.id = e.recipient_id AND r.tenant_id = e.tenant_id "
            f"WHERE e.id > :after AND e.id <= :upto AND e.type = 'delivered' AND INSTR(e.detail, :host) > 0 AND {DOMAIN} IN :domains "
            "GROUP BY domain",
            {"after": after, "upto": upto, "host": _HOST, "domains": lacking[start : start + AT_ONCE]},
        ):
            host = orjson.loads(detail).get("host")
            if isinstance(host, str):
                rows.append((domain, provider_of_host(host), int(now * US)))
    if rows:
        txn.upsert("mailbox_domains", ("domain", "provider", "seen_at"), sorted(rows), keys=("domain",), update=("provider", "seen_at"))


def _storable(domains: Collection[str], known: Collection[str]) -> list[str]:
    return sorted(domain for domain in domains if domain and domain.isascii() and len(domain) <= LONGEST and domain not in known)


def _kept(txn: Txn, domains: list[str]) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for start in range(0, len(domains), AT_ONCE):
        rows = txn.rows(
            "SELECT domain, provider, seen_at FROM mailbox_domains WHERE domain IN :domains", {"domains": domains[start : start + AT_ONCE]}
        )
        found |= {row[0]: (row[1] or OTHER, row[2]) for row in rows}
    return found
