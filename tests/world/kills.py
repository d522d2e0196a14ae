"""The kill harness: a process is killed at a named point of the road, again and again, and then everything is counted.

A point is one of the program's own (`accept.after_commit:3`: it kills itself at the third passing), a stage of the mail host that it
speaks to (`smtp.DOT:9`: killed by the host before it acknowledges its ninth mail), or a moment (`time:0.4`: so long after the first request).
"""

import os
import random
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.world.counting_sink import CountingSink
from tests.world.installation import Installation
from tests.world.load import Promises, make_requests, send
from tests.world.mariadb import PrivateMariadb
from tests.world.program import Program, wait_until
from tests.world.reckoning import Reckoning, reckon
from tests.world.redis_server import RedisServer

DIES_WITHIN_S = 30.0
REQUESTS = 20


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: of the process `victim`, at `point`."""

    victim: str
    point: str

    @property
    def nth(self) -> int:
        return int(self.point.partition(":")[2] or 1)

    @property
    def fault(self) -> str:
        """What the process is armed with, if it kills itself."""
        return "" if self.point.startswith(("smtp.", "time:")) else self.point

    @property
    def stage(self) -> str:
        """The stage at which the mail host kills it, if it does."""
        return self.point.partition(":")[0].removeprefix("smtp.") if self.point.startswith("smtp.") else ""


@dataclass(slots=True)
class Chain:
    """Kills on one installation, each during a batch of mail, with a reckoning at the end. `missed` are points that were not reached."""

    house: Installation
    sink: CountingSink
    roles: dict[str, tuple[str, ...]]
    promises: Promises = field(default_factory=Promises)
    killed: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    settled_s: float = 0.0
    dies_within_s: float = DIES_WITHIN_S
    _batches: int = 0

    def start(self) -> None:
        """Every process runs."""
        for name, roles in self.roles.items():
            if name not in self.house.programs or not self.house.programs[name].alive:
                self.house.start(name, *roles)

    def run(self, kill: Kill, requests: int = REQUESTS) -> None:
        """The victim was started anew, armed, given mail, and is dead."""
        old = self.house.programs.get(kill.victim)
        if old is not None:
            old.kill()
        self.house.programs.pop(kill.victim, None)
        program = self.house.start(kill.victim, *self.roles[kill.victim], fault=kill.fault, waits=False)
        self.start()
        if kill.stage:
            self.sink.at(kill.stage, kill.nth, lambda: os.kill(program.pid, signal.SIGKILL))
        wait_until(lambda: " runs " in program.output or not program.alive, 60.0, lambda: program.output)
        self._load(program, kill, requests)
        if not program.wait_dead(self.dies_within_s):
            self.missed.append(f"{kill.victim} {kill.point}")
            program.kill()
        self.killed.append(f"{kill.victim} {kill.point}")

    def _load(self, program: Program, kill: Kill, requests: int) -> None:
        if kill.point.startswith("time:"):
            timer = threading.Timer(float(kill.point.partition(":")[2]), lambda: os.kill(program.pid, signal.SIGKILL))
            timer.start()
        self._batches += 1
        batch = make_requests(f"b{self._batches}", requests, sender=self.house.sender)
        apis = [name for name, roles in self.roles.items() if {"api", "all"} & set(roles)]
        self.promises.add(send([self.house.url(name) for name in apis], self.house.api_key, batch))

    def reckoning(self) -> Reckoning:
        """All processes run again, everything is settled and counted."""
        self.start()
        time.sleep(0.2)
        self.settled_s = self.house.settled()
        return reckon(self.promises, self.house.recipients(), self.sink.copies)

    def close(self) -> None:
        self.house.close()
        self.sink.close()


EMBEDDED = {"all": ("all",)}
THREE = {"api": ("api",), "worker": ("worker",), "smtp": ("smtp",)}


def embedded_chain(**settings: str) -> Chain:
    """One process on SQLite."""
    sink = CountingSink()
    return Chain(Installation(sink.port, **settings), sink, EMBEDDED)


def servers_chain(mariadb: PrivateMariadb, redis: RedisServer | None, **settings: str) -> Chain:
    """Three processes on MariaDB, with Redis or without."""
    sink = CountingSink()
    return Chain(Installation(sink.port, mariadb=mariadb, redis=redis, **settings), sink, THREE)


ACCEPTING = ("accept.before_commit:7", "accept.after_commit:9", "accept.after_commit:1")
RENDERING = ("render.claimed_ids:1", "render.claimed_rows:1", "render.rendered:2")
MARKING = ("delivery.before_mark:1", "delivery.after_mark:1", "delivery.after_mark:2")
RECORDING = ("delivery.before_record:1", "delivery.before_record:9", "delivery.after_record:9")
COMMITTING = ("db.before_commit:9", "db.after_commit:9")
SPEAKING = ("smtp.CONNECT:2", "smtp.EHLO:1", "smtp.MAIL:5", "smtp.RCPT:9", "smtp.DATA:9", "smtp.BODY:9", "smtp.DOT:9", "smtp.ACKNOWLEDGED:9")

EMBEDDED_KILLS = tuple(Kill("all", point) for point in (*ACCEPTING, *RENDERING, *MARKING, *RECORDING, *COMMITTING, *SPEAKING))
SERVER_KILLS = (
    *(Kill("api", point) for point in (*ACCEPTING, *COMMITTING)),
    *(Kill("worker", point) for point in (*RENDERING, "render.stored:1", "db.before_commit:4", "db.after_commit:4")),
    *(Kill("smtp", point) for point in ("delivery.claimed_ids:1", "delivery.claimed_rows:1", *MARKING, *RECORDING, *COMMITTING, *SPEAKING)),
)


def random_kill(victims: Sequence[str], draw: random.Random) -> Kill:
    """Any victim at any moment of a batch's first second."""
    return Kill(draw.choice(list(victims)), f"time:{draw.random() * 1.2:.3f}")
