"""A test case with pools, whose destinations are hosts of the test."""

import random
import time

from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.delivery.lanes import Lanes
from scaisend.delivery.mx import Exchange
from scaisend.delivery.mx_client import MxClient
from scaisend.delivery.pool_client import PoolLimits, Pools
from scaisend.delivery.shaping import Learning
from scaisend.delivery.sources import Sources
from scaisend.delivery.tls_ladder_client import Ladder
from scaisend.delivery.tls_policy import TlsPolicy
from scaisend.dns import Answer, NoRecords, NoSuchName
from tests.base import ReactorTestCase
from tests.delivery.jobs import a_job
from tests.world.smtp_peer import SmtpPeer


class Zone:
    """A resolver over a dict: (name, kind) → records, or an exception."""

    def __init__(self, records):
        self.records = records
        self.asked = []

    async def resolve(self, name, kind):
        self.asked.append((name, kind))
        found = self.records.get((name, kind))
        if found is None:
            raise NoRecords("none") if any(each == name for each, _ in self.records) else NoSuchName("no such name")
        if isinstance(found, Exception):
            raise found
        return Answer(tuple(found), 300.0)


class PoolsTestCase(ReactorTestCase):
    def peer(self, script=None, **more):
        """A scripted host, gone when the test ends."""
        peer = SmtpPeer(script, **more)
        self.addCleanup(peer.stop)
        return peer

    def pools(self, routes, *, tls=None, resolver=None, sources=(), mark=None, limits=None, port=25, sts=None, lanes=None):
        """Pools with these static routes: domain → port, or (host, port). `marked` and `unmarked` collect what was asked, `changes` the states."""
        self.marked, self.unmarked, self.changes, self.told_tls = [], [], [], []

        async def note(jobs):
            self.marked.append([job.recipient_id for job in jobs])
            return jobs

        async def unmark(jobs):
            self.unmarked.append([job.recipient_id for job in jobs])

        self.now = time.time()
        targets = {domain: (target if isinstance(target, tuple) else ("127.0.0.1", target)) for domain, target in routes.items()}
        static = {domain: Exchange(0, host, number) for domain, (host, number) in targets.items()}
        ladder = Ladder(policy=tls or TlsPolicy("none"), resolver=resolver, sts=sts)
        mx = MxClient(resolver=resolver, routes=static, clock=lambda: self.now, port=port, ladder=ladder)
        pools = Pools(
            reactor=reactor, mx=mx, clock=lambda: self.now, sources=Sources(sources, helo_name="out.test"), ladder=ladder,
            lanes=lanes or Lanes(clock=lambda: self.now, learning=Learning(most=(limits or PoolLimits()).connections_per_destination)),
            limits=limits or PoolLimits(command_timeout_s=20.0), mark=mark or note, unmark=unmark, random=random.Random(1).random,
            on_change=self.changes.append, tell_tls=lambda domain, result: self.told_tls.append((domain, result)),
        )
        self.addCleanup(pools.stop, 0.0)
        return pools

    async def send(self, pools, *jobs):
        """The outcomes of the jobs, all submitted at once."""
        return await gatherResults([pools.submit(job if not isinstance(job, str) else a_job(job)) for job in jobs])
