"""Makes jobs of mails: signs them in a thread, a batch a hop, and writes their envelopes.

What is looked up (signing keys, return-path hosts, source pools) is remembered for half a minute.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import orjson
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from scaisend.address import domain_of, parse
from scaisend.delivery import store
from scaisend.delivery.dkim import SigningKey, load_signing_key, sign
from scaisend.delivery.job import Job
from scaisend.delivery.sources import narrowed
from scaisend.domains.store import SenderDomain, sender_domains_across_tenants
from scaisend.identity.addresses_store import addresses_across_tenants
from scaisend.sealing import Sealer
from scaisend.sending.compose import join, object_keys, unpack
from scaisend.sending.outbound import Lease, OutboundMail
from scaisend.sending.segments import Segment, purposes
from scaisend.sending.store import Recipient
from scaisend.storage.database import Database
from scaisend.storage.objects import Objects
from scaisend.tokens import return_path_token
from scaisend.tracking.personal import tokens

REMEMBERED_S = 30.0
MOST_REMEMBERED = 20_000
SIGNED_AT_ONCE_BYTES = 262_144
NO_TLS = b"\r\ntls-required: no\r\n"
HEADER_BYTES = 8_192  # how far it is looked for
PATIENCE_S = 20.0  # for a connection: mails for a slow destination do not keep the others' places

Pair = tuple[str, str]
T = TypeVar("T")
K = TypeVar("K", str, Pair)


@dataclass(frozen=True, slots=True)
class Sender:
    """How mails of one (tenant, domain) are signed, the host of their return path, and the addresses they leave by where they name no pool."""

    keys: tuple[SigningKey, ...]
    return_path_host: str | None
    addresses: tuple[str, ...] = ()


class Preparing:
    """Turns rendered mails into jobs for the pools."""

    def __init__(
        self, *, database: Database, objects: Objects, sealer: Sealer, signers: ThreadPool, reactor: IReactorFromThreads, bounce_domain: str,
        now_s: Callable[[], float],
    ) -> None:
        self._database, self._objects, self._sealer = database, objects, sealer
        self._signers, self._reactor = signers, reactor
        self._bounce_domain, self._now_s = bounce_domain, now_s
        self._token_key, self._opt_out_key = sealer.key_for("return-path"), sealer.key_for("opt-out")
        self._senders: dict[Pair, tuple[float, Sender]] = {}
        self._pools: dict[Pair, tuple[float, tuple[str, ...]]] = {}
        self._own: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def jobs(
        self, mails: Sequence[OutboundMail], lease: Lease, may_finish: Callable[[str], bool]
    ) -> list[tuple[OutboundMail, Recipient, Job]]:
        """A job for each recipient of each mail; `may_finish` is asked with the recipient's id. Raises: Unavailable when the database is away."""
        now = self._now_s()
        domains = [(mail.tenant_id, domain_of(mail.from_email)) for mail in mails]
        known = await self._senders_of(set(domains), now)
        pools = await self._pools_of({(mail.tenant_id, mail.ip_pool) for mail in mails if mail.ip_pool}, now)
        own = await self._own_of({mail.tenant_id for mail in mails}, now)
        senders = [known[pair] for pair in domains]
        small = {key: whole for number, mail in enumerate(mails) for key, whole in self._small(number, mail)}
        signed = await self._sign([(whole, senders[number].keys) for (number, _), whole in small.items()], now)
        bodies = dict(zip(small, signed, strict=True))
        jobs: list[tuple[OutboundMail, Recipient, Job]] = []
        for number, mail in enumerate(mails):
            pool = pools[(mail.tenant_id, mail.ip_pool)] if mail.ip_pool else senders[number].addresses
            pool = narrowed(pool, own[mail.tenant_id])
            for to in mail.recipients:
                if to.is_claimed:
                    body = bodies.get((number, None)) or bodies.get((number, to.id))
                    load = None if body is not None else self._loader(mail, to, senders[number].keys, now)
                    jobs.append((mail, to, self._job(mail, to, senders[number], body, load, partial(may_finish, to.id), lease, pool, now)))
        return jobs

    def _small(self, number: int, mail: OutboundMail) -> Iterator[tuple[tuple[int, str | None], bytes]]:
        """The mail's bytes under (number, None) when they are everybody's, else under (number, recipient id) each recipient's.

        Nothing when it is large or has attachments: such mails are joined and signed when their turn has come.
        """
        if mail.size_bytes > SIGNED_AT_ONCE_BYTES:
            return
        segments = unpack(mail.packed)
        if object_keys(segments):
            return
        if not purposes(segments):
            yield (number, None), join(segments, {})
            return
        for to in mail.recipients:
            if to.is_claimed:
                yield (number, to.id), join(segments, {}, self._tokens(segments, mail, to))

    def _tokens(self, segments: Sequence[Segment], mail: OutboundMail, to: Recipient) -> dict[str, bytes]:
        """What goes into the places that the mail holds for its recipient's own."""
        return tokens(self._opt_out_key, purposes(segments), mail.message_id, to.number)

    def _job(
        self, mail: OutboundMail, to: Recipient, sender: Sender, body: bytes | None, load: Callable[[], Awaitable[bytes]] | None,
        may_finish: Callable[[], bool], lease: Lease, pool: tuple[str, ...], now: float,
    ) -> Job:
        address = parse(to.email)
        token = return_path_token(self._token_key, mail.message_id, to.number, mail.accepted_at)
        return Job(
            recipient_id=to.id, tenant_id=mail.tenant_id, envelope_from=f"bounces+{token}@{sender.return_path_host or self._bounce_domain}",
            envelope_to=f"{address.local}@{address.domain}", domain=address.domain, body=body, load=load,
            size_bytes=len(body) if body is not None else mail.size_bytes, smtputf8=address.smtputf8 or not mail.packed.isascii(),
            source_pool=pool, may_finish=may_finish, give_up_at=now + PATIENCE_S, context=lease.attempt_id,
            needs_no_tls=_needs_no_tls(mail.packed), route=to.route,
        )

    def _loader(self, mail: OutboundMail, to: Recipient, keys: tuple[SigningKey, ...], now: float) -> Callable[[], Awaitable[bytes]]:
        """Brings a large mail's attachments and signs it, when its turn has come."""

        async def load() -> bytes:
            segments = unpack(mail.packed)
            contents = {key: await self._objects.get(key) for key in object_keys(segments)}
            whole = join(segments, contents, self._tokens(segments, mail, to))
            return (await self._sign([(whole, keys)], now))[0]

        return load

    async def _sign(self, bodies: Sequence[tuple[bytes, tuple[SigningKey, ...]]], now: float) -> list[bytes]:
        if not bodies:
            return []
        return await deferToThreadPool(
            self._reactor, self._signers, lambda: [sign(body, keys, now) + body if keys else body for body, keys in bodies]
        )

    async def _senders_of(self, pairs: Iterable[Pair], now: float) -> dict[Pair, Sender]:
        """The sender behind each pair; what was not looked up lately is."""
        known, wanted = _remembered(self._senders, pairs, now)
        if wanted:
            found = await self._database.run(sender_domains_across_tenants, wanted)
            learnt = {pair: self._sender(found.get(pair)) for pair in wanted}
            _remember(self._senders, learnt, now)
            known |= learnt
        return known

    def _sender(self, domain: SenderDomain | None) -> Sender:
        if domain is None:
            return Sender((), None)
        keys = tuple(
            load_signing_key(domain.domain, key.selector, key.algorithm, self._sealer.open("dkim", key.sealed_private)) for key in domain.keys
        )
        return Sender(keys, domain.return_path_host, domain.addresses)

    async def _pools_of(self, pairs: Iterable[Pair], now: float) -> dict[Pair, tuple[str, ...]]:
        """The source addresses of each (tenant id, pool name); none for one that is gone."""
        known, wanted = _remembered(self._pools, pairs, now)
        if wanted:
            found = await self._database.run(store.pool_addresses_across_tenants, wanted)
            learnt = {pair: tuple(orjson.loads(found.get(pair, "[]"))) for pair in wanted}
            _remember(self._pools, learnt, now)
            known |= learnt
        return known

    async def _own_of(self, tenant_ids: Iterable[str], now: float) -> dict[str, tuple[str, ...]]:
        """The addresses that mail of each tenant leaves by, whatever it is of; none: any."""
        known, wanted = _remembered(self._own, tenant_ids, now)
        if wanted:
            found = await self._database.run(addresses_across_tenants, wanted)
            learnt = {tenant_id: found.get(tenant_id, ()) for tenant_id in wanted}
            _remember(self._own, learnt, now)
            known |= learnt
        return known


def _needs_no_tls(packed: bytes) -> bool:
    """Whether the mail's header says so; what its body says is no header."""
    end = packed.find(b"\r\n\r\n", 0, HEADER_BYTES)
    return NO_TLS in packed[: end + 2 if end >= 0 else HEADER_BYTES].lower()


def _remembered(memory: Mapping[K, tuple[float, T]], keys: Iterable[K], now: float) -> tuple[dict[K, T], list[K]]:
    """What is remembered of the keys, and those of which nothing is, in order."""
    known: dict[K, T] = {}
    wanted: list[K] = []
    for key in keys:
        entry = memory.get(key)
        if entry is None or now - entry[0] > REMEMBERED_S:
            wanted.append(key)
        else:
            known[key] = entry[1]
    return known, sorted(wanted)


def _remember(memory: dict[K, tuple[float, T]], learnt: Mapping[K, T], now: float) -> None:
    if len(memory) > MOST_REMEMBERED:
        memory.clear()
    for key, what in learnt.items():
        memory[key] = (now, what)
