"""The checks of a running installation: its adapters are asked, and what they answer is judged by checks.py and its neighbours."""

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError

from scaisend.app.adapters import Adapters
from scaisend.app.assembly import Assembly, make_domains, make_hosts
from scaisend.app.checks import (
    FAILED,
    OK,
    WARNING,
    Check,
    away_check,
    broken,
    certificate_check,
    server_checks,
    setting_checks,
)
from scaisend.app.dns_checks import BLOCKLISTS, Instance, addresses_of, instance_checks, together
from scaisend.app.domain_checks import Looking, domain_checks
from scaisend.app.logging_in import make_client
from scaisend.app.outbound_client import outbound_check
from scaisend.delivery.dkim import SigningKey, UnusableKey, load_signing_key
from scaisend.delivery.mx import is_address
from scaisend.delivery.sources import parse_sources
from scaisend.domains.dkim_keys import SEAL
from scaisend.domains.dns_client import DnsClient
from scaisend.domains.domains import DomainView
from scaisend.domains.spf import Lookup
from scaisend.domains.store import ACTIVE, DomainKey
from scaisend.faults import ScaiSendError, Unavailable
from scaisend.http.outgoing import Outgoing
from scaisend.http.targets import blocked
from scaisend.storage.server_facts import server_facts

PATIENCE_S = 10.0
MOST_DOMAINS = 50
DNS_PORT = 53
AUTHORITY_S = 4.0
MEASURE_EVERY_S = 3_600.0
_PROBE = b"doctor"


class Setup:
    """Asks what an installation stands on, and says what is not well.

    Domains' own name servers are asked on `dns_port`, at addresses that `may_ask` allows: public ones.
    """

    def __init__(
        self, *, adapters: Adapters, blocklists: Sequence[str] = BLOCKLISTS, dns_port: int = DNS_PORT,
        may_ask: Callable[[str], bool] = lambda address: blocked(address) is None,
    ) -> None:
        self._adapters = adapters
        self._config = adapters.config
        self._blocklists = tuple(blocklists)
        self._dns_port = dns_port
        self._may_ask = may_ask
        self._hosts = make_hosts(adapters.config)
        self._is_first = True

    # -- what it stands on --

    async def services(self) -> list[Check]:
        """The settings, and each dependency: does it answer, and is it fit."""
        return [*setting_checks((*self._config.warnings, *self._config.doubts)), *await together([self._database(), self._schema(), self._queue(), self._objects(), self._provider()])]

    async def instance(self) -> list[Check]:
        """What others see of the installation: its DNS, the blocklists, the certificate for mail that comes back."""
        config = self._config
        sources = parse_sources(config["SMTP_SOURCE_IPS"], helo_name=config["SMTP_HELO_HOSTNAME"])
        helo_of = {source.address: source.helo for source in sources if source.address}
        found = await instance_checks(self._fresh().resolve, Instance(self._hosts, helo_of, config["BOUNCE_DOMAIN"]), self._blocklists)
        return [*found, self._certificate()]

    async def domains(self, tenant_id: str) -> list[Check]:
        """The tenant's domains, the first MOST_DOMAINS of them by name."""
        views = await make_domains(self._adapters).all(tenant_id)
        found = await together([self._domain(view) for view in views[:MOST_DOMAINS]])
        if len(views) > MOST_DOMAINS:
            found.append(Check("domain", tenant_id, WARNING, f"{len(views)} domains, of which {MOST_DOMAINS} were checked", "", "use `scaisend domains verify`"))
        return found

    async def outbound(self, target: str) -> list[Check]:
        """Whether `host` or `host:port` greets us, from each source address of its IP version."""
        host, colon, port = target.rpartition(":")
        host, number = (host.strip("[]"), int(port)) if colon and port.isdigit() and "]" not in port else (target.strip("[]"), self._config["SMTP_PORT"])
        addresses = [host] if is_address(host) else await addresses_of(self._fresh().resolve, host)
        if not addresses:
            return [Check("outbound", target, FAILED, "no address", "a host that takes mail", "name another host")]
        address = addresses[0]
        sources = [each for each in self._hosts.addresses if (":" in each) == (":" in address)]
        return [await outbound_check(self._adapters.reactor, address, number, source, patience_s=PATIENCE_S) for source in sources or (None,)]

    async def measure(self) -> None:
        """The metric says how much is broken. The first turn asks nothing: a process that restarts often leaves DNS alone."""
        if self._is_first:
            self._is_first = False
            return
        found = [*await self.services(), *await self.instance()]
        self._adapters.metrics.gauge("scaisend_doctor_failures", broken(found))

    # -- each of them --

    async def _database(self) -> list[Check]:
        began = time.time()
        try:
            facts = await self._soon(self._adapters.database.run(server_facts))
        except (Unavailable, TimeoutError) as error:
            return [away_check("database", "DATABASE_URL", error, "start the server, or correct DATABASE_URL")]
        return server_checks(facts, (began + time.time()) / 2)

    async def _schema(self) -> list[Check]:
        try:
            await self._soon(self._adapters.check_fit())
        except (Unavailable, TimeoutError) as error:
            return [away_check("database.schema", "DATABASE_URL", error, "as for the database")]
        except ScaiSendError as error:
            return [Check("database.schema", "DATABASE_URL", FAILED, str(error), "the schema of this program, set up with this SECRET_KEY", "run `scaisend migrate`")]
        return [Check("database.schema", "DATABASE_URL", OK, "fits this program and SECRET_KEY")]

    async def _queue(self) -> list[Check]:
        if not self._adapters.has_queue_server:
            return [Check("queue", "REDIS_URL", OK, "in the process")]
        try:
            await self._soon(self._adapters.queue.generation())
        except (Unavailable, TimeoutError) as error:
            return [away_check("queue", "REDIS_URL", error, "start Redis, or correct REDIS_URL; mail waits in the database meanwhile")]
        redis = self._adapters.redis
        return [Check("queue", "REDIS_URL", OK, f"answers {redis.way}" if redis is not None else "answers")]

    async def _objects(self) -> list[Check]:
        """What is put is there, and can be deleted."""
        objects, key = self._adapters.objects, f"doctor/{secrets.token_hex(8)}"
        subject = "S3_ENDPOINT_URL" if self._config["S3_ENDPOINT_URL"] else "DATA_DIR"
        try:
            await self._soon(objects.put(key, _PROBE))
            got = await self._soon(objects.get(key))
            await self._soon(objects.delete(key))
        except (ScaiSendError, TimeoutError) as error:
            return [away_check("objects", subject, error, "correct the S3_ settings, or let this user write into DATA_DIR")]
        if got != _PROBE:
            return [Check("objects", subject, FAILED, "another content than was put", "the content that was put", "use a store that keeps what it is given")]
        return [Check("objects", subject, OK, "put, get and delete work")]

    async def _provider(self) -> list[Check]:
        """The identity provider says where to log in, and publishes keys."""
        outgoing, url = Outgoing(reactor=self._adapters.reactor, resolver=None), self._config["SCAIKEY_API_URL"]
        client = make_client(self._adapters, outgoing)
        if client is None:
            return [Check("identity", "SCAIKEY_API_URL", OK, "local: API keys alone")]
        if not self._config["SCAIKEY_CLIENT_ID"]:
            return [Check("identity", "SCAIKEY_CLIENT_ID", FAILED, "not set", "the id that the provider knows this service by", "run `scaisend register`")]
        try:
            found = await self._soon(client.endpoints())
            keys = await self._soon(client.oidc.keys())
        except (Unavailable, TimeoutError) as error:
            cure = "start the provider, or correct SCAIKEY_API_URL and SCAIKEY_ISSUER; nobody can log in meanwhile"
            return [away_check("identity", url, Unavailable("identity provider", client.oidc.trouble or str(error)), cure)]
        finally:
            await outgoing.close()
        if not keys:
            return [Check("identity", url, FAILED, "no keys that can be used", "RS256 or ES256 keys", "let the provider sign with RS256 (2048 bits or more) or ES256")]
        return [Check("identity", url, OK, f"{found.issuer}, keys: {len(keys)}")]

    def _certificate(self) -> Check:
        host, path = self._config["SMTP_HELO_HOSTNAME"], self._config["INBOUND_SMTP_CERT"]
        if self._config["INBOUND_SMTP_PORT"] is None:
            return Check("tls.certificate", host, OK, "no mail is received by this process")
        if not path:
            return Check("tls.certificate", host, WARNING, "self-signed, made at each start", f"a certificate for {host}", "set INBOUND_SMTP_CERT and INBOUND_SMTP_KEY")
        try:
            with open(path, "rb") as stream:
                return certificate_check(stream.read(), host, time.time())
        except OSError as error:
            return Check("tls.certificate", host, FAILED, f"{path}: {error.strerror}", "a file that this user can read", "correct INBOUND_SMTP_CERT")

    async def _domain(self, view: DomainView) -> list[Check]:
        try:
            keys = [self._signing_key(view.domain.domain, key) for key in view.keys if key.status == ACTIVE]
        except UnusableKey as error:
            return [Check("domain.key", view.domain.domain, FAILED, str(error), "a key that signs", "make new ones with `scaisend domains rotate-dkim`")]
        looking = Looking(self._fresh().resolve, self._at, self._may_ask)
        return await domain_checks(view, looking, hosts=self._hosts, bounce_domain=self._config["BOUNCE_DOMAIN"], keys=keys, now_s=time.time())

    def _signing_key(self, domain: str, key: DomainKey) -> SigningKey:
        return load_signing_key(domain, key.selector, key.algorithm, self._adapters.sealer.open(SEAL, key.sealed_private))

    def _fresh(self) -> DnsClient:
        """A resolver that remembers nothing from before."""
        return DnsClient(reactor=self._adapters.reactor, nameservers=list(self._config["DNS_RESOLVERS"]) or None, clock=time.time, cache_cap_s=60)

    def _at(self, addresses: Sequence[str]) -> Lookup:
        servers = [(address, self._dns_port) for address in addresses]
        return DnsClient(reactor=self._adapters.reactor, nameservers=servers, clock=time.time, cache_cap_s=60, lifetime_s=AUTHORITY_S).resolve

    async def _soon(self, answer: Awaitable[Any]) -> Any:
        """The answer. Raises: TimeoutError when there is none in PATIENCE_S; what was asked runs on."""
        late: Deferred[Any] = Deferred.fromCoroutine(_awaited(answer))
        return await late.addTimeout(PATIENCE_S, self._adapters.reactor)


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


def add_measuring(assembly: Assembly) -> None:
    """What is broken is counted for the metrics, once an hour."""
    assembly.sweep("doctor", Setup(adapters=assembly.adapters).measure, MEASURE_EVERY_S)
