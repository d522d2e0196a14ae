"""A Redis with a replica and a sentinel that promotes it, all private to the test."""

import time

from tests.world.redis_server import RedisServer

DOWN_AFTER_MS = 1_000


class SentinelService:
    """`main`: a master, its replica, and one sentinel that holds the master for dead after a second.

    All three speak TLS alone where a folder with `cert.pem` and `key.pem` is given.
    """

    def __init__(self, tls: str | None = None) -> None:
        self._tls = tls
        self.master = RedisServer(tls=tls)
        self.master.start()
        self.replica = RedisServer("--replicaof", "127.0.0.1", str(self.master.port), tls=tls)
        self.replica.start()
        self.sentinel = RedisServer(
            "--sentinel", "--sentinel monitor main 127.0.0.1", str(self.master.port), "1", "--sentinel down-after-milliseconds main", str(DOWN_AFTER_MS),
            "--sentinel failover-timeout main", "5000", tls=tls,
        )
        self.sentinel.start()
        self._until(lambda: b"slave0:" in self.master.ask("INFO", "replication") and b"state=online" in self.master.ask("INFO", "replication"))
        self._until(lambda: b"slaves=1" in self.sentinel.ask("INFO", "sentinel"))

    @property
    def url(self) -> str:
        return f"redis{'s' if self._tls else ''}+sentinel://127.0.0.1:{self.sentinel.port}/main"

    def master_port(self) -> int:
        """The port of the master as the sentinel names it."""
        return int(self.sentinel.ask("SENTINEL", "get-master-addr-by-name", "main").split(b"\r\n")[4])

    def close(self) -> None:
        for each in (self.sentinel, self.replica, self.master):
            each.remove()

    def _until(self, is_so, limit_s: float = 60.0) -> None:  # type: ignore[no-untyped-def]  # a question without arguments
        end = time.monotonic() + limit_s
        while not is_so():
            if time.monotonic() > end:
                raise AssertionError("the replica was not found")
            time.sleep(0.05)
