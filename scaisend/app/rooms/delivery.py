"""Mail that goes out: the worker, its pools and its sweep, and the operator's doors to them."""

import random
import time
from collections.abc import Collection, Sequence

from twisted.internet.defer import ensureDeferred
from twisted.python.threadpool import ThreadPool

from scaisend.app.assembly import Assembly
from scaisend.app.securing import make_securing
from scaisend.delivery.bulk_api import BulkApi
from scaisend.delivery.bulk_worker import EVERY_S as BULK_EVERY_S
from scaisend.delivery.bulk_worker import BulkJobs
from scaisend.delivery.destination import DestinationState
from scaisend.delivery.destinations_api import PoolsApi
from scaisend.delivery.destinations_store import keep_states_across_tenants, kept_across_tenants
from scaisend.delivery.ips_api import IpsApi
from scaisend.delivery.job import Job
from scaisend.delivery.lanes import Lanes
from scaisend.delivery.mx_client import MxClient
from scaisend.delivery.orders_api import DestinationsApi
from scaisend.delivery.pool_client import PoolLimits, Pools
from scaisend.delivery.prepare_worker import Preparing
from scaisend.delivery.settle import Patience
from scaisend.delivery.shaping import Learning
from scaisend.delivery.shaping_client import SharedShapes
from scaisend.delivery.shaping_worker import EVERY_S as SHAPED_EVERY_S
from scaisend.delivery.shaping_worker import Shaping
from scaisend.delivery.sources import Sources, parse_sources
from scaisend.delivery.store import mark_sending_across_tenants, unmark_sending_across_tenants
from scaisend.delivery.sweep_worker import DeliverySweep, Doubt
from scaisend.delivery.worker import Bounds, DeliveryWorker
from scaisend.faultpoints import reach
from scaisend.faults import Unavailable
from scaisend.http.route import Route
from scaisend.storage.database import Database, Txn
from scaisend.storage.group_commit import GroupCommit
from scaisend.storage.queue import SMTP_DELIVER

MARKS_AT_ONCE = 2


def routes(assembly: Assembly) -> list[Route]:
    """The doors of source addresses, of destinations and of operations over many queued mails."""
    adapters, addresses = assembly.adapters, assembly.source_addresses()
    sources = parse_sources(adapters.config["SMTP_SOURCE_IPS"], helo_name=adapters.config["SMTP_HELO_HOSTNAME"])
    return [
        *PoolsApi(database=adapters.database, ids=adapters.ids, addresses=addresses).routes(),
        *DestinationsApi(database=adapters.database, addresses=addresses).routes(),
        *BulkApi(database=adapters.database, ids=adapters.ids).routes(),
        *IpsApi(database=adapters.database, ids=adapters.ids, sources=sources).routes(),
    ]


def services(assembly: Assembly, roles: Collection[str]) -> None:
    """Recipients that are due are delivered to; workers go on with operations over many queued mails."""
    if "smtp" in roles:
        delivering = _Delivering(assembly)
        assembly.delivery = delivering.worker
        assembly.built.restoring.append(delivering.restore)
    if "worker" in roles:
        jobs = BulkJobs(database=assembly.adapters.database, ids=assembly.adapters.ids, now_s=time.time)
        assembly.sweep("bulk-jobs", jobs.turn, BULK_EVERY_S)


class _Delivering:
    """The delivery of a process: its worker and the pools of its connections."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._adapters = assembly.adapters
        self._config = assembly.adapters.config
        self.pools = self._pools()
        self.worker = self._worker()
        self.shaping = self._shaping()

    def _worker(self) -> DeliveryWorker:
        adapters, config, built = self._adapters, self._config, self._assembly.built
        sweep = DeliverySweep(
            database=adapters.database, queue=adapters.queue, ids=adapters.ids, worker_id=adapters.worker_id, now_s=time.time,
            doubt=Doubt(config["SMTP_IN_DOUBT_WAIT"], config["SMTP_IN_DOUBT_POLICY"]), grace_s=self._assembly.grace_s, count_resent=adapters.metrics.resent,
        )
        signers = ThreadPool(1, 2, "signers")
        built.threads.append(signers)
        worker = DeliveryWorker(
            database=adapters.database, queue=adapters.queue, pulling=adapters.pulling(SMTP_DELIVER, sweep.due_ids), pushing=self._assembly.deliveries,
            pools=self.pools, ids=adapters.ids,
            preparing=Preparing(
                database=adapters.database, objects=adapters.objects, sealer=adapters.sealer, signers=signers, reactor=adapters.reactor,
                bounce_domain=config["BOUNCE_DOMAIN"], now_s=time.time,
            ),
            patience=Patience(
                max_retries=config["SMTP_MAX_RETRIES"], base_delay_s=config["SMTP_RETRY_BASE_DELAY"], lifetime_s=config["SMTP_QUEUE_LIFETIME"],
                in_doubt_wait_s=config["SMTP_IN_DOUBT_WAIT"],
            ),
            bounds=Bounds(lease_s=config["WORK_LEASE"]), reactor=adapters.reactor, now_s=time.time,
            monotonic_s=time.monotonic, metrics=adapters.metrics, reached=reach,
            erasure=self._assembly.erasure,
        )
        built.workers.append(worker)
        built.services.append(worker)
        self._assembly.sweep("delivery-sweep", sweep.turn)
        built.measures.deliveries.append(worker)
        built.measures.pools.append(self.pools)
        return worker

    def _pools(self) -> Pools:
        adapters, config = self._adapters, self._config
        marks: GroupCommit[Sequence[Job], set[str]] = GroupCommit(
            database=adapters.database, fn=_mark, reactor=adapters.reactor, most=100, at_once=MARKS_AT_ONCE, weight=len
        )

        async def mark(jobs: list[Job]) -> list[Job]:
            reach("delivery.before_mark")
            held = await marks.run(jobs)
            reach("delivery.after_mark")
            return [job for job in jobs if job.recipient_id in held]

        async def unmark(jobs: list[Job]) -> None:
            await adapters.database.run(unmark_sending_across_tenants, [(job.recipient_id, str(job.context)) for job in jobs], time.time())

        def changed(state: DestinationState) -> None:
            ensureDeferred(_kept(adapters.database, state))

        securing = make_securing(self._assembly)
        learning = Learning(config["SMTP_SHAPING_STEP"], config["SMTP_POOL_SIZE_PER_DOMAIN"]) if config["SMTP_SHAPING"] == "on" else None
        return Pools(
            reactor=adapters.reactor, mx=MxClient(
                resolver=adapters.resolver, routes=config["SMTP_ROUTES"], clock=time.time, port=config["SMTP_PORT"],
                cache_cap_s=config["MX_CACHE_TTL"], ladder=securing.ladder,
            ),
            clock=time.time, sources=Sources(
                parse_sources(config["SMTP_SOURCE_IPS"], helo_name=config["SMTP_HELO_HOSTNAME"]), helo_name=config["SMTP_HELO_HOSTNAME"]
            ),
            ladder=securing.ladder, tell_tls=securing.tell, lanes=Lanes(clock=time.time, learning=learning, count=adapters.metrics.shape_changed),
            limits=PoolLimits(
                connections_per_destination=config["SMTP_POOL_SIZE_PER_DOMAIN"], connect_timeout_s=config["SMTP_CONNECT_TIMEOUT"],
                command_timeout_s=config["SMTP_COMMAND_TIMEOUT"],
            ),
            mark=mark, unmark=unmark, random=random.random, on_change=changed,
        )

    def _shaping(self) -> Shaping:
        adapters = self._adapters
        shared = SharedShapes(redis=adapters.redis, process=adapters.worker_id) if adapters.redis is not None else None
        shaping = Shaping(database=adapters.database, pools=self.pools, shared=shared, worker_id=adapters.worker_id, now_s=time.time)
        self._assembly.built.workers.append(shaping)
        self._assembly.sweep("shaping", shaping.turn, SHAPED_EVERY_S)
        return shaping

    async def restore(self) -> None:
        """Destinations that were left alone, paused or learned about before are still; while the database is away they are found out anew."""
        try:
            kept = await self._adapters.database.run(kept_across_tenants)
            self.pools.restore([each.state for each in kept])
            await self.shaping.restore()
        except Unavailable:
            return


def _mark(txn: Txn, groups: Sequence[Sequence[Job]]) -> list[set[str] | Exception]:
    claims = [(job.recipient_id, str(job.context)) for jobs in groups for job in jobs]
    held = mark_sending_across_tenants(txn, claims, time.time())
    return [{job.recipient_id for job in jobs} & held for jobs in groups]


async def _kept(database: Database, state: DestinationState) -> None:
    """The state is in the database for operators; while that is away it is only in this process."""
    try:
        await database.run(keep_states_across_tenants, [state], time.time())
    except Unavailable:
        pass
