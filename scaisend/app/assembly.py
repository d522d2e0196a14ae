"""What several rooms of a process share, built once from its adapters; what is one room's own is built in rooms/."""

import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.application.service import Service
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from scaisend.app.adapters import Adapters
from scaisend.app.config import Config
from scaisend.app.logging_in import LoggingIn
from scaisend.app.ops_api import Measures
from scaisend.delivery.ordering import as_tenant
from scaisend.delivery.sources import parse_sources
from scaisend.delivery.worker import DeliveryWorker
from scaisend.domains.dns_client import DnsClient
from scaisend.domains.domains import Domains
from scaisend.domains.records import Hosts
from scaisend.faultpoints import reach
from scaisend.faults import Invalid
from scaisend.http.door import Door
from scaisend.identity.authenticate import Authenticator
from scaisend.identity.keys_store import find_credential
from scaisend.identity.last_used_worker import LastUsed
from scaisend.identity.limits import TenantLimits
from scaisend.identity.limits_worker import EVERY_S as LIMITS_EVERY_S
from scaisend.identity.limits_worker import LimitsWatch
from scaisend.identity.lockout import Lockout
from scaisend.ids import letters
from scaisend.messages.moments import read_moment
from scaisend.sending.accept import Accepted, Submission, accept
from scaisend.sending.api import SendApi
from scaisend.sending.compose import encode_attachment
from scaisend.sending.linkless import accept_linkless
from scaisend.smtp.tls import UNUSABLE, ServerTls
from scaisend.storage.database import Txn
from scaisend.storage.group_commit import GroupCommit
from scaisend.storage.pushing import Pushing
from scaisend.storage.queue import EMAIL_PROCESS, SMTP_DELIVER
from scaisend.storage.sweeping import Sweeping
from scaisend.suppressions.erased import Erasure
from scaisend.tracking.seen_worker import Sightings
from scaisend.tracking.settings import read_named

ENCODED_AT_ONCE = 65_536


@dataclass(slots=True)
class Built:
    """What a set of roles consists of, in the order in which it starts; it stops in the opposite one."""

    services: list[Service] = field(default_factory=list)
    workers: list[Any] = field(default_factory=list)
    pushings: list[Pushing] = field(default_factory=list)
    threads: list[ThreadPool] = field(default_factory=list)
    restoring: list[Callable[[], Awaitable[None]]] = field(default_factory=list)  # what was known before the last end is known again
    measures: Measures = field(default_factory=Measures)


class Assembly:
    """Builds the services of a process from its adapters; what two roles share is built once."""

    def __init__(self, adapters: Adapters) -> None:
        self.adapters = adapters
        self._config = adapters.config
        self.built = Built()
        self.renders = self.pushing(EMAIL_PROCESS)
        self.deliveries = self.pushing(SMTP_DELIVER)
        self.delivery: DeliveryWorker | None = None
        self._identity: Authenticator | None = None
        self.lockout = Lockout(lambda key, limit: adapters.limiter.take(key, limit))
        self.logging_in = LoggingIn(adapters, self.lockout)
        self._sending: SendApi | None = None
        self.erasure = Erasure(adapters.sealer, os.urandom, time.monotonic)
        # What rooms are handed of rooms above them.
        self.parse_moment, self.encode_attachment, self.read_setting, self.destination_of = read_moment, encode_attachment, read_named, as_tenant

    # -- api --

    def door(self) -> Door:
        """Who calls, how often."""
        config = self._config
        limits = {name: config[f"RATE_LIMIT_{name.upper()}"] for name in ("mail_send", "messages", "writes", "default")}
        return Door(
            identity=self.logging_in.identity(self.identity()), limiter=self.adapters.limiter, limits=limits, clock=time.time,
            new_request_id=lambda: "req-" + letters(self.adapters.ids.number())[6:], metrics=self.adapters.metrics, log=Logger("scaisend.http"),
            session=self.logging_in.session if self.logging_in.client else None, limit_of=self._tenant_limits().of,
        )

    def _tenant_limits(self) -> TenantLimits:
        """What single tenants may ask, kept as the database has it."""
        limits = TenantLimits()
        watch = LimitsWatch(database=self.adapters.database, limits=limits)
        self.sweep("tenant-limits", watch.turn, LIMITS_EVERY_S)
        return limits

    def identity(self) -> Authenticator:
        """Who the holders of keys are."""
        if self._identity is None:
            used = LastUsed(database=self.adapters.database, reactor=self.adapters.reactor, now_s=time.time)
            self.built.services.append(used)

            def look_up(key_hash: bytes) -> Any:
                return self.adapters.database.run(find_credential, key_hash)

            self._identity = Authenticator(look_up=look_up, note_use=used.note, lockout=self.lockout)
        return self._identity

    def accepting(self) -> GroupCommit[Submission, Accepted]:
        """The group commit that mail is accepted by."""
        ids = self.adapters.ids

        def accept_group(txn: Txn, submissions: Sequence[Submission]) -> list[Accepted | Exception]:
            return accept(txn, ids, submissions, self.erasure)

        def accept_linkless_group(txn: Txn, submissions: Sequence[Submission]) -> list[Accepted | Exception]:
            return accept_linkless(txn, submissions, accept_group)

        return GroupCommit(
            database=self.adapters.database, fn=accept_group if self._config.links_work else accept_linkless_group, reactor=self.adapters.reactor, most=500,
            at_once=1, weight=lambda each: max(1, sum(len(m.recipients) for m in each.request.messages)),
        )

    def sending(self) -> SendApi:
        """The door that mail comes in by, over HTTP and by submission."""
        if self._sending is None:
            self._sending = SendApi(
                commits=self.accepting(), objects=self.adapters.objects, pushing=self.renders, ids=self.adapters.ids,
                metrics=self.adapters.metrics, encode=_encode, reached=reach,
            )
        return self._sending

    def sightings(self) -> Sightings:
        """Who records opens and clicks."""
        sightings = Sightings(database=self.adapters.database, ids=self.adapters.ids, reactor=self.adapters.reactor, now_s=time.time)
        self.built.workers.append(sightings)
        return sightings

    def domains(self) -> Domains:
        """What the API and the command line do with sender domains."""
        return make_domains(self.adapters)

    def source_addresses(self) -> list[str]:
        """The addresses that mail may leave from."""
        sources = parse_sources(self._config["SMTP_SOURCE_IPS"], helo_name=self._config["SMTP_HELO_HOSTNAME"])
        return [source.address for source in sources if source.address]

    # -- shared --

    @property
    def grace_s(self) -> float:
        """How long a due row is left to the push that should bring it; several processes without a queue server push to nobody else."""
        return 3.0 if self.adapters.has_queue_server or self._config.is_embedded else 0.0

    def pushing(self, name: str) -> Pushing:
        """Pushes to the queue of this name; what it still holds at the end goes out before the process does."""
        pushing = Pushing(queue=self.adapters.queue, name=name, reactor=self.adapters.reactor)
        self.built.pushings.append(pushing)
        return pushing

    def sweep(self, name: str, turn: Callable[[], Awaitable[None]], every_s: float | None = None) -> None:
        """The process takes the turn every `every_s`, or as often as the table behind a queue wants it; metrics count those that fail."""
        if every_s is None:
            every_s = 3.0 if self.adapters.has_queue_server else 1.0
        sweeping = Sweeping(name, turn, interval_s=every_s, reactor=self.adapters.reactor)
        self.built.measures.sweeps.append(sweeping)
        self.built.services.append(sweeping)


def make_hosts(config: Config) -> Hosts:
    """What this installation is called in DNS."""
    addresses = tuple(source.address for source in parse_sources(config["SMTP_SOURCE_IPS"], helo_name="localhost") if source.address)
    return Hosts(addresses=addresses, inbound_host=config["SMTP_HELO_HOSTNAME"], helo_name=config["SMTP_HELO_HOSTNAME"])


def make_domains(adapters: Adapters) -> Domains:
    """The sender domains, checked by a resolver that remembers nothing."""
    fresh = DnsClient(reactor=adapters.reactor, nameservers=list(adapters.config["DNS_RESOLVERS"]) or None, cache_cap_s=0, clock=time.time)
    return Domains(
        database=adapters.database, resolver=fresh, sealer=adapters.sealer, ids=adapters.ids, in_thread=lambda fn: deferToThread(fn),
        hosts=make_hosts(adapters.config),
    )


def receiver_tls(config: Config, *settings: str) -> ServerTls:
    """The receivers' certificate: of the first of these settings (SUBMISSION, INBOUND_SMTP) that names files, read again when they
    change; or one of our own making. Raises: Invalid when those files are no certificate with its key."""
    for setting in (*settings, "INBOUND_SMTP"):
        paths = config[f"{setting}_CERT"], config[f"{setting}_KEY"]
        if paths[0]:
            try:
                return ServerTls.from_files(*paths)
            except UNUSABLE as error:
                raise Invalid(
                    f"{setting}_CERT, {setting}_KEY: {' and '.join(paths)} cannot be used: {error or type(error).__name__}", f"{setting}_CERT",
                ) from None
    return ServerTls.self_signed(config["SMTP_HELO_HOSTNAME"], time.time())


async def _encode(content: bytes) -> tuple[bytes, str]:
    """An attachment as it stands in a mail, and its SHA-256; in a thread when it is large."""
    if len(content) <= ENCODED_AT_ONCE:
        return _encoded(content)
    return await deferToThread(_encoded, content)


def _encoded(content: bytes) -> tuple[bytes, str]:
    result = encode_attachment(content)
    return result, hashlib.sha256(result).hexdigest()
