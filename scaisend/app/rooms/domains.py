"""Sender domains, branded links and verified senders."""

import time
from urllib.parse import urlsplit

from scaisend.app.assembly import Assembly
from scaisend.app.own_mail import own_mail
from scaisend.domains.api import DomainsApi
from scaisend.domains.dns_client import DnsClient
from scaisend.domains.links_api import LinksApi
from scaisend.domains.subusers_api import SubuserDomainsApi
from scaisend.domains.verified_senders_api import VerifiedSendersApi
from scaisend.domains.whitelabel_api import WhitelabelApi
from scaisend.http.route import Route


def routes(assembly: Assembly) -> list[Route]:
    """The doors of domains in both spellings, of links and of verified senders."""
    adapters, config, database = assembly.adapters, assembly.adapters.config, assembly.adapters.database
    domains, tracking_host = assembly.domains(), urlsplit(config["TRACKING_BASE_URL"]).hostname or ""
    fresh = DnsClient(reactor=adapters.reactor, nameservers=list(config["DNS_RESOLVERS"]) or None, cache_cap_s=0, clock=time.time)
    return [
        *DomainsApi(domains=domains).routes(),
        *WhitelabelApi(database=database, domains=domains, sources=assembly.source_addresses()).routes(),
        *SubuserDomainsApi(database=database, domains=domains, ids=adapters.ids, tracking_host=tracking_host).routes(),
        *LinksApi(database=database, tracking_host=tracking_host, resolver=fresh).routes(),
        *VerifiedSendersApi(
            database=database, key=adapters.sealer.key_for("verified-sender"), send=own_mail(adapters, assembly.sending()),
            base_url=config["TRACKING_BASE_URL"], own_address=f"no-reply@{config['BOUNCE_DOMAIN']}",
        ).routes(),
    ]
