"""The adapters a process uses, each chosen by a setting. With assembly.py and rooms/, the only files that name concrete classes."""

import os
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any

from scaisend import __version__
from scaisend.app.config import Config
from scaisend.app.installation import make_data_dir, make_sealer
from scaisend.app.metrics import Metrics
from scaisend.domains.dns_client import DnsClient
from scaisend.identity.instance_store import check_fingerprint
from scaisend.ids import IdMaker
from scaisend.sealing import Sealer
from scaisend.storage.database import Database
from scaisend.storage.disk_objects import DiskObjects
from scaisend.storage.limiter import Limiter
from scaisend.storage.memory_limiter import MemoryLimiter
from scaisend.storage.memory_queue import MemoryQueue
from scaisend.storage.migrations.run import newest_revision
from scaisend.storage.migrations.serving import check_schema
from scaisend.storage.objects import Objects
from scaisend.storage.pool import open_database
from scaisend.storage.pulling import Pulling
from scaisend.storage.queue import Queue
from scaisend.storage.redis import Redis
from scaisend.storage.redis_limiter import RedisLimiter
from scaisend.storage.redis_queue import RedisQueue
from scaisend.storage.redis_url import parse_redis_url
from scaisend.storage.s3_objects import S3Objects


@dataclass(frozen=True, slots=True)
class Adapters:
    """What the rooms are handed."""

    config: Config
    reactor: Any
    database: Database
    queue: Queue
    limiter: Limiter
    objects: Objects
    sealer: Sealer
    ids: IdMaker
    resolver: DnsClient
    metrics: Metrics
    worker_id: str
    has_queue_server: bool
    redis: Redis | None = None

    def pulling(self, name: str, due_ids: Callable[[int], Awaitable[list[str]]]) -> Pulling:
        """What this process's worker of the queue `name` takes its ids with."""
        return Pulling(queue=self.queue, name=name, worker_id=self.worker_id, due_ids=due_ids, reactor=self.reactor)

    async def check_fit(self) -> None:
        """The database's schema serves this program, and SECRET_KEY, or one of SECRET_KEY_PREVIOUS, is the one it was set up with.

        Raises: UnfitSchema, Conflict; Unavailable when the database is away.
        """
        await self.database.run(check_schema, __version__, newest_revision())
        await self.database.run(check_fingerprint, self.sealer.fingerprint(), self.sealer.other_fingerprints())

    async def close(self) -> None:
        """All connections are closed."""
        await self.queue.close()
        await self.objects.close()
        await self.database.close()


def make_ids() -> IdMaker:
    """Ids from the wall clock and the system's generator: who sees many of them, as each tenant does of its own, cannot say the next."""
    return IdMaker(now_s=time.time, random_bits=SystemRandom().getrandbits)


def open_adapters(config: Config, reactor: Any) -> Adapters:
    """The adapters that the settings choose; connections are opened at first use.

    Raises: Invalid when a setting cannot be used.
    """
    sealer = make_sealer(config)
    database = open_database(
        config["DATABASE_URL"], reactor=reactor, pool_size=config["DATABASE_POOL_SIZE"], read_url=config["DATABASE_READ_URL"] or None
    )
    queue: Queue = MemoryQueue(reactor=reactor, new_mark=lambda: secrets.token_hex(8))
    limiter: Limiter = MemoryLimiter(clock=time.time)
    redis = None
    if config["REDIS_URL"]:
        redis = Redis(parse_redis_url(config["REDIS_URL"]))
        queue = RedisQueue(redis=redis, reactor=reactor)
        limiter = RedisLimiter(redis=redis, clock=time.time)
    return Adapters(
        config=config, reactor=reactor, database=database, queue=queue, limiter=limiter, objects=_objects(config, reactor), sealer=sealer,
        ids=make_ids(), resolver=DnsClient(reactor=reactor, nameservers=list(config["DNS_RESOLVERS"]) or None, cache_cap_s=config["MX_CACHE_TTL"], clock=time.time),
        metrics=Metrics(), worker_id=f"{os.uname().nodename}-{os.getpid()}-{secrets.token_hex(3)}", has_queue_server=bool(config["REDIS_URL"]),
        redis=redis,
    )


def _objects(config: Config, reactor: Any) -> Objects:
    if config["S3_ENDPOINT_URL"]:
        return S3Objects(
            endpoint_url=config["S3_ENDPOINT_URL"], access_key=config["S3_ACCESS_KEY"], secret_key=config["S3_SECRET_KEY"],
            bucket=config["S3_BUCKET"], region=config["S3_REGION"], reactor=reactor,
        )
    return DiskObjects(directory=Path(make_data_dir(config)) / "objects", reactor=reactor)
