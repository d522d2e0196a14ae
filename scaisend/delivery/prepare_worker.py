"""Makes jobs of mails: signs them in a thread, a batch a hop, and writes their envelopes.

What is looked up (signing keys, return-path hosts, source pools) is remembered for half a minute.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import orjson
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from scaisend.address import parse
from scaisend.delivery import store
from scaisend.delivery.dkim import SigningKey, load_signing_key, sign
from scaisend.delivery.job import Job
from scaisend.domains.store import SenderDomain, sender_domains_across_tenants
from scaisend.sealing import Sealer
from scaisend.sending.compose import join, object_keys, unpack
from scaisend.sending.outbound import Lease, OutboundMail
from scaisend.sending.store import Recipient
from scaisend.storage.database import Database
from scaisend.storage.objects import Objects
from scaisend.tokens import return_path_token

REMEMBERED_S = 30.0
MOST_REMEMBERED = 20_000
SIGNED_AT_ONCE_BYTES = 262_144

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sender:
    """How mails of one (tenant, domain) are signed, and the host of their return path."""

    keys: tuple[SigningKey, ...]
    return_path_host: str | None


class Preparing:
    """Turns rendered mails into jobs for the pools."""

    def __init__(
        self, *, database: Database, objects: Objects, sealer: Sealer, signers: ThreadPool, reactor: IReactorFromThreads, bounce_domain: str,
        now_s: Callable[[], float],
    ) -> None:
        self._database, self._objects, self._sealer = database, objects, sealer
        self._signers, self._reactor = signers, reactor
        self._bounce_domain, self._now_s = bounce_domain, now_s
        self._token_key = sealer.key_for("return-path")
        self._senders: dict[Pair, tuple[float, Sender]] = {}
        self._pools: dict[Pair, tuple[float, tuple[str, ...]]] = {}

    async def jobs(
        self, mails: Sequence[OutboundMail], lease: Lease, may_finish: Callable[[], bool]
    ) -> list[tuple[OutboundMail, Recipient, Job]]:
        """A job for each recipient of each mail. Raises: Unavailable when the database or the object store is away."""
        now = self._now_s()
        domains = [(mail.tenant_id, mail.from_email.rpartition("@")[2].lower()) for mail in mails]
        await self._learn_senders({pair for pair in domains if _is_old(self._senders.get(pair), now)}, now)
        await self._learn_pools({(m.tenant_id, m.ip_pool) for m in mails if m.ip_pool and _is_old(self._pools.get((m.tenant_id, m.ip_pool)), now)}, now)
        senders = [self._senders[pair][1] for pair in domains]
        small = {n for n, mail in enumerate(mails) if mail.size_bytes <= SIGNED_AT_ONCE_BYTES and not object_keys(unpack(mail.packed))}
        signed = await self._sign([(mails[n].packed, senders[n].keys) for n in sorted(small)], now)
        bodies = dict(zip(sorted(small), signed, strict=True))
        jobs = []
        for number, mail in enumerate(mails):
            body = bodies.get(number)
            load = None if body is not None else self._loader(mail, senders[number].keys, now)
            jobs.extend((mail, to, self._job(mail, to, senders[number], body, load, may_finish, lease)) for to in mail.recipients if to.is_claimed)
        return jobs

    def _job(
        self, mail: OutboundMail, to: Recipient, sender: Sender, body: bytes | None, load: Callable[[], Awaitable[bytes]] | None,
        may_finish: Callable[[], bool], lease: Lease,
    ) -> Job:
        address = parse(to.email)
        token = return_path_token(self._token_key, mail.message_id, to.number, mail.accepted_at)
        pool = self._pools[(mail.tenant_id, mail.ip_pool)][1] if mail.ip_pool else ()
        return Job(
            recipient_id=to.id, tenant_id=mail.tenant_id, envelope_from=f"bounces+{token}@{sender.return_path_host or self._bounce_domain}",
            envelope_to=f"{address.local}@{address.domain}", domain=address.domain, body=body, load=load,
            size_bytes=len(body) if body is not None else mail.size_bytes, smtputf8=address.smtputf8 or not mail.packed.isascii(),
            source_pool=pool, may_finish=may_finish, context=lease.attempt_id,
        )

    def _loader(self, mail: OutboundMail, keys: tuple[SigningKey, ...], now: float) -> Callable[[], Awaitable[bytes]]:
        """Brings a large mail's attachments and signs it, when its turn has come."""

        async def load() -> bytes:
            segments = unpack(mail.packed)
            contents = {key: await self._objects.get(key) for key in object_keys(segments)}
            whole = join(segments, contents)
            return (await self._sign([(whole, keys)], now))[0]

        return load

    async def _sign(self, bodies: Sequence[tuple[bytes, tuple[SigningKey, ...]]], now: float) -> list[bytes]:
        if not bodies:
            return []
        return await deferToThreadPool(
            self._reactor, self._signers, lambda: [sign(body, keys, now) + body if keys else body for body, keys in bodies]
        )

    async def _learn_senders(self, pairs: Iterable[Pair], now: float) -> None:
        wanted = sorted(pairs)
        if not wanted:
            return
        if len(self._senders) > MOST_REMEMBERED:
            self._senders.clear()
        found = await self._database.read(sender_domains_across_tenants, wanted)
        for pair in wanted:
            self._senders[pair] = (now, self._sender(found.get(pair)))

    def _sender(self, domain: SenderDomain | None) -> Sender:
        if domain is None:
            return Sender((), None)
        keys = tuple(
            load_signing_key(domain.domain, key.selector, key.algorithm, self._sealer.open("dkim", key.sealed_private)) for key in domain.keys
        )
        return Sender(keys, domain.return_path_host)

    async def _learn_pools(self, pairs: Iterable[Pair], now: float) -> None:
        wanted = sorted(pairs)
        if not wanted:
            return
        found = await self._database.read(store.pool_addresses_across_tenants, wanted)
        for pair in wanted:
            self._pools[pair] = (now, tuple(orjson.loads(found.get(pair, "[]"))))


def _is_old(entry: tuple[float, object] | None, now: float) -> bool:
    return entry is None or now - entry[0] > REMEMBERED_S


