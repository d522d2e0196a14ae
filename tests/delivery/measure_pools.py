"""Mails a second and CPU a mail of the pools against smtp-sink: `python -m tests.delivery.measure_pools [mails] [bytes] [smtp-sink flags]`."""

import random
import sys
import tempfile
import time

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred

from scaisend.delivery.job import Job
from scaisend.delivery.lanes import Lanes
from scaisend.delivery.mx import parse_routes
from scaisend.delivery.mx_client import MxClient
from scaisend.delivery.pool_client import PoolLimits, Pools
from scaisend.delivery.shaping import Learning
from scaisend.delivery.sources import Sources
from scaisend.delivery.tls_ladder_client import Ladder
from scaisend.delivery.tls_policy import TlsPolicy
from tests.world.smtp_peer import SmtpSink


async def measure(mails: int, size: int, flags: list[str]) -> None:
    async def mark(jobs):
        return jobs

    async def unmark(jobs):
        pass

    with tempfile.TemporaryDirectory() as directory:
        sink = SmtpSink(*flags, directory=directory)
        try:
            mx = MxClient(resolver=None, routes=parse_routes(f"*=127.0.0.1:{sink.port}"), clock=time.time)
            pools = Pools(
                reactor=reactor, mx=mx, clock=time.time, sources=Sources((), helo_name="bench.test"), ladder=Ladder(policy=TlsPolicy("none")),
                lanes=Lanes(clock=time.time, learning=Learning()), limits=PoolLimits(), mark=mark, unmark=unmark, random=random.random, on_change=print,
            )
            body = b"Subject: x\r\n\r\n" + (b"x" * 70 + b"\r\n") * (size // 72)
            left, kinds = mails, {}

            async def stream():
                nonlocal left
                while left > 0:
                    left -= 1
                    job = Job(f"r{left}", f"t{left % 7}", "b+abc@out.test", f"u{left}@in.test", "in.test", body, None, len(body), False, (), lambda: True)
                    outcome = await pools.submit(job)
                    kinds[outcome.kind] = kinds.get(outcome.kind, 0) + 1

            wall, cpu = time.perf_counter(), time.process_time()
            streams = [ensureDeferred(stream()) for _ in range(400)]
            for each in streams:
                await each
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            print(f"{kinds}: {mails / wall:.0f} mails/s, {cpu / mails * 1e6:.1f} us CPU a mail")
            await pools.stop(5)
        finally:
            sink.stop()


def main() -> None:
    mails = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 4096
    done = ensureDeferred(measure(mails, size, sys.argv[3:]))
    done.addErrback(lambda failure: failure.printTraceback()).addCallback(lambda _: reactor.stop())
    reactor.run()


if __name__ == "__main__":
    main()
