"""What SendGrid's clients find beside mail itself: settings, domains, verified senders, addresses, and clear refusals of the rest."""

import time
from urllib.parse import urlsplit

from scaisend.app.adapters import Adapters
from scaisend.app.unsupported_api import UnsupportedApi
from scaisend.caller import Caller
from scaisend.delivery.sources import parse_sources
from scaisend.domains.dns_client import DnsClient
from scaisend.domains.domains import Domains
from scaisend.domains.links_api import LinksApi
from scaisend.domains.subusers_api import SubuserDomainsApi
from scaisend.domains.verified_senders_api import SendsOwn, VerifiedSendersApi
from scaisend.domains.whitelabel_api import WhitelabelApi
from scaisend.faults import Unauthenticated
from scaisend.http.route import Route
from scaisend.identity.account_api import AccountApi
from scaisend.identity.instance_store import identity_epoch
from scaisend.identity.subusers_api import SubusersApi
from scaisend.sending.api import SendApi
from scaisend.tracking.settings_api import SettingsApi

TRIES = 5
SERVICE = "service"


def compatibility_routes(adapters: Adapters, *, sending: SendApi, domains: Domains) -> list[Route]:
    """The doors."""
    config, database, ids = adapters.config, adapters.database, adapters.ids
    sources = parse_sources(config["SMTP_SOURCE_IPS"], helo_name=config["SMTP_HELO_HOSTNAME"])
    tracking_host = urlsplit(config["TRACKING_BASE_URL"]).hostname or ""
    addresses = [each.address for each in sources if each.address is not None]
    return [
        *AccountApi(database=database).routes(),
        *SubusersApi(database=database, ids=ids, sources=addresses).routes(),
        *SettingsApi(database=database).routes(),
        *WhitelabelApi(database=database, domains=domains, sources=addresses).routes(),
        *SubuserDomainsApi(database=database, domains=domains, tracking_host=tracking_host).routes(),
        *LinksApi(
            database=database, tracking_host=tracking_host,
            resolver=DnsClient(reactor=adapters.reactor, nameservers=list(config["DNS_RESOLVERS"]) or None, cache_cap_s=0, clock=time.time),
        ).routes(),
        *VerifiedSendersApi(
            database=database, key=adapters.sealer.key_for("verified-sender"), send=own_mail(adapters, sending),
            base_url=config["TRACKING_BASE_URL"], own_address=f"no-reply@{config['BOUNCE_DOMAIN']}",
        ).routes(),
        *UnsupportedApi().routes(),
    ]


def own_mail(adapters: Adapters, sending: SendApi) -> SendsOwn:
    """Sends mails that this service wrote, on the same road as all others."""

    async def send(tenant_id: str, partner_id: str, body: bytes) -> object:
        # Without a key the caller stands only as long as nothing changes in identity between this look and the commit.
        for tried in range(1, TRIES + 1):
            caller = Caller(
                tenant_id=tenant_id, partner_id=partner_id, credential_id=SERVICE, permissions=frozenset(("mail.send",)),
                epoch=await adapters.database.run(identity_epoch),
            )
            try:
                return await sending.send_own(caller, body, now_s=time.time())
            except Unauthenticated:
                if tried == TRIES:
                    raise
        return None

    return send
