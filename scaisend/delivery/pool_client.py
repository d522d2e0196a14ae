"""All outgoing connections of a process: takes jobs, finds their destination, and answers each with an outcome."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from scaisend.delivery.demand import Demand
from scaisend.delivery.destination import PAUSED, DestinationState
from scaisend.delivery.destination_client import DestinationClient
from scaisend.delivery.dial_client import Dialer
from scaisend.delivery.house import House
from scaisend.delivery.job import BACKOFF, DNS, NOMX, TROUBLE, WAIT, Job, Outcome
from scaisend.delivery.lanes import Lanes
from scaisend.delivery.marks_client import Mark, Marks, Unmark
from scaisend.delivery.mx import Route, TakesNoMail
from scaisend.delivery.mx_client import MxClient
from scaisend.delivery.orders import Standing
from scaisend.delivery.pace import Pace
from scaisend.delivery.smtp_client import Periods, Reactor, SmtpClient
from scaisend.delivery.sources import Sources
from scaisend.delivery.tls_ladder_client import Ladder
from scaisend.delivery.tls_result import TellTls
from scaisend.dns import DnsTrouble
from scaisend.messages.waiting import DESTINATION_BUSY, DESTINATION_PAUSED, DNS_TROUBLE, SHUTDOWN

CLOSE_S = 2.0
PAUSED_RETURN_S = 60.0
MOST_LEADS = 50_000


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How much, how many, how long. No answer to a final dot is waited for less than 600 s (RFC 5321 4.5.3.2.6).

    With `crowded_at` jobs open, those that a slow destination will not take soon go back to the queue, to make room for the others.
    """

    connections_per_destination: int = 5
    total: int = 500
    connect_timeout_s: float = 30.0
    command_timeout_s: float = 60.0
    dot_timeout_s: float = 600.0
    idle_s: float = 10.0
    messages_per_connection: int = 1000
    waiting_per_destination: int = 2000
    crowded_at: int = 300


class Pools:
    """The pools of all destinations.

    `clock` tells epoch seconds, `random` draws from [0, 1). `mark` commits jobs as `sending` and returns those that may go; `unmark` takes that back.
    `on_change` is told each new state of a destination that should outlive this process; `tell_tls` what came of TLS for a domain (A-label).
    """

    log = Logger()

    def __init__(
        self, *, reactor: Reactor, mx: MxClient, clock: Callable[[], float], sources: Sources, ladder: Ladder, lanes: Lanes, limits: PoolLimits, mark: Mark,
        unmark: Unmark, random: Callable[[], float], on_change: Callable[[DestinationState], None],
        tell_tls: TellTls | None = None,
    ) -> None:
        periods = Periods(limits.connect_timeout_s, limits.command_timeout_s, max(limits.dot_timeout_s, 600.0), limits.idle_s)
        self._opening: set[SmtpClient] = set()
        self._open: dict[Job, Deferred[Outcome]] = {}
        self._settled: deque[tuple[Job, Outcome]] = deque()
        self._flushing = False
        self._destinations: dict[tuple[str, Demand, tuple[str, ...]], DestinationClient] = {}
        self._paces: dict[DestinationClient, Pace] = {}
        self._asked: dict[str, list[Job]] = {}
        self._paused: set[str] = set()
        self._flushed: dict[str, float] | None = None
        self.leads: dict[str, str] = {}
        self.new_leads: dict[str, str] = {}
        self._kept: dict[str, DestinationState] = {}
        self._slots = limits.total
        self._hungry: deque[DestinationClient] = deque()
        self._stopping = False
        self._drained: Deferred[None] | None = None
        self._reactor, self._mx, self._clock, self._limits, self._on_change, self.lanes = reactor, mx, clock, limits, on_change, lanes
        dialer = Dialer(
            reactor=reactor, mx=mx, sources=sources, ladder=ladder, periods=periods, clock=clock, random=random, opened=self._opening.add,
            ended=self._opening.discard, lanes=lanes,
        )
        self._house = House(
            reactor=reactor, clock=clock, random=random, dialer=dialer, marks=Marks(reactor=reactor, mark=mark, unmark=unmark), settle=self._settle,
            flush=self._flush, take_slot=self._take_slot, free_slot=self._free_slot, crowded=lambda: bool(self._hungry), on_change=on_change, lanes=lanes, sources=sources,
            connections=limits.connections_per_destination, messages_per_connection=limits.messages_per_connection, tell_tls=tell_tls,
        )
        self._sweeping = LoopingCall(self._sweep)
        self._sweeping.clock = reactor  # type: ignore[assignment]  # the part of a reactor that it needs

    def submit(self, job: Job) -> Deferred[Outcome]:
        """The outcome, sooner or later; never a failure."""
        answer: Deferred[Outcome] = Deferred()
        self._open[job] = answer
        if not self._sweeping.running:
            self._sweeping.start(1.0, now=False)
        if self._stopping:
            self._settle(job, Outcome(BACKOFF, WAIT, text="this process stops", waiting=SHUTDOWN))
        else:
            route = self._mx.known(job.domain) if job.route is None else self._mx.at(job.route, job.domain)
            if route is not None:
                self._send(job, route)
            elif job.domain in self._asked:
                self._asked[job.domain].append(job)
            else:
                self._asked[job.domain] = [job]
                ensureDeferred(self._look_up(job.domain))
        if self._settled:
            self._flush()
        return answer

    def room(self, domain: str) -> bool:
        """Whether fewer than `waiting_per_destination` jobs wait where those of this domain (A-label) would."""
        if domain in self._asked:
            return len(self._asked[domain]) < self._limits.waiting_per_destination
        route = self._mx.known(domain)
        if route is None:
            return True
        return all(len(each.waiting) < self._limits.waiting_per_destination for each in self._destinations.values() if each.route.name == route.name)

    def state(self) -> list[DestinationState]:
        """Every destination that is connected, waited for, left alone or paused."""
        found = [each.state() for each in self._destinations.values()]
        named = {each.name for each in found}
        return found + [DestinationState(name, PAUSED, None, 0, None) for name in sorted(self._paused - named)]

    def pause(self, name: str) -> None:
        """Nothing more is begun for this domain or destination; what waits for it goes back to the queue."""
        self._paused.add(name)
        for each in list(self._destinations.values()):
            each.paused = each.name in self._paused
            if each.paused:
                each.pause(lambda _: True)
            else:
                each.pause(lambda job: job.domain == name)
        self._flush()

    def resume(self, name: str) -> None:
        """Mail goes there again, at once: what it said before is forgotten too."""
        self._paused.discard(name)
        self.forgive(name)

    def forgive(self, name: str) -> None:
        """The domain or destination is not left alone any more: what it said before is forgotten."""
        self._kept.pop(name, None)
        for each in self._destinations.values():
            if each.name == name or self._leads_to(name, each):
                each.paused = each.name in self._paused
                each.backoff.restore(failures=0, retry_at=0.0, last_reply=None)
                self._on_change(each.state())
                each.pump()
        self._flush()

    def obey(self, standing: Standing) -> None:
        """All is as operators order it, and was not before; a flush is obeyed once, and not when it is older than this process."""
        for name in standing.paused - self._paused:
            self.pause(name)
        for name in self._paused - standing.paused:
            self.resume(name)
        self._mx.lead(standing.routes)
        self.lanes.override_all(standing.overrides)
        for name, at in standing.flushed.items():
            if self._flushed is not None and at > self._flushed.get(name, 0.0):
                self.forgive(name)
        self._flushed = dict(standing.flushed)

    def restore(self, states: Iterable[DestinationState]) -> None:
        """Destinations are left alone as they were found stored."""
        for state in states:
            if state.retry_at is not None:
                self._kept[state.name] = state

    async def stop(self, limit_s: float) -> None:
        """No job is begun any more; those in a transaction end, those that wait are turned away; after `limit_s` connections are cut."""
        self._stopping = True
        for domain in list(self._asked):
            for job in self._asked.pop(domain):
                self._settle(job, Outcome(BACKOFF, WAIT, text="this process stops", waiting=SHUTDOWN))
        for each in list(self._destinations.values()):
            each.stop()
        for session in list(self._opening):
            session.abort("this process stops")
        self._flush()
        await self._until_drained(limit_s)
        self._cut()
        await self._until_drained(CLOSE_S)
        for job in list(self._open):
            # Its mark or its body still has no answer.
            self._settle(job, Outcome(BACKOFF, WAIT, text="this process stops", waiting=SHUTDOWN))
        self._flush()
        if self._sweeping.running:
            self._sweeping.stop()

    # Inside.

    def _send(self, job: Job, route: Route) -> None:
        if self._paused and (job.domain in self._paused or route.name in self._paused):
            retry_at = self._clock() + PAUSED_RETURN_S  # whoever resumes it makes what waits for it due
            self._settle(job, Outcome(BACKOFF, WAIT, text="an operator paused the destination", retry_at=retry_at, waiting=DESTINATION_PAUSED))
            return
        if job.route is None and self.leads.get(job.domain) != route.name:
            self._note_lead(job.domain, route.name)
        if job.needs_no_tls:
            route = replace(route, demand=Demand(route.demand.policy))
        key = (route.name, route.demand, job.source_pool)
        destination = self._destinations.get(key)
        if destination is None:
            pace = Pace(self._clock())
            house = replace(self._house, settle=partial(self._settle_at, pace))
            destination = DestinationClient(name=route.name, route=route, source_pool=job.source_pool, house=house)
            self._paces[destination] = pace
            kept = self._kept.pop(route.name, None)
            if kept is not None:
                destination.backoff.restore(failures=kept.failures, retry_at=kept.retry_at or 0.0, last_reply=kept.last_reply)
            self._destinations[key] = destination
        destination.route = route
        destination.submit(job)

    def _note_lead(self, domain: str, name: str) -> None:
        if len(self.leads) >= MOST_LEADS:
            self.leads.clear()
        self.leads[domain] = self.new_leads[domain] = name

    def _leads_to(self, domain: str, destination: DestinationClient) -> bool:
        route = self._mx.known(domain)
        return route is not None and route.name == destination.name

    async def _look_up(self, domain: str) -> None:
        outcome = None
        try:
            route = await self._mx.route(domain)
        except TakesNoMail as error:
            outcome = Outcome(NOMX, DNS, error.code, error.enhanced, str(error))
        except DnsTrouble as error:
            outcome = Outcome(TROUBLE, DNS, text=str(error), waiting=DNS_TROUBLE)
        except Exception as error:
            self.log.failure("the look-up of {domain} failed", domain=domain)
            outcome = Outcome(TROUBLE, DNS, text=f"the look-up failed: {error}", waiting=DNS_TROUBLE)
        for job in self._asked.pop(domain, ()):
            if outcome is not None:
                self._settle(job, outcome)
            else:
                self._send(job, route)
        self._flush()

    def _settle_at(self, pace: Pace, job: Job, outcome: Outcome) -> None:
        pace.note(outcome.kind)
        self._settle(job, outcome)

    def _settle(self, job: Job, outcome: Outcome) -> None:
        self._settled.append((job, outcome))

    def _flush(self) -> None:
        """All that was settled is told; what is settled meanwhile too, by the same turn."""
        if self._flushing:
            return
        self._flushing = True
        try:
            while self._settled:
                job, outcome = self._settled.popleft()
                answer = self._open.pop(job, None)
                if answer is not None:
                    answer.callback(outcome)
        finally:
            self._flushing = False
        if self._drained is not None:
            self._look_drained()

    def _take_slot(self, destination: DestinationClient) -> bool:
        """Whether one more connection may be made; if not, an idle one elsewhere is ended and the destination asked again when a slot is free."""
        if self._slots > 0:
            self._slots -= 1
            return True
        if destination not in self._hungry:
            self._hungry.append(destination)
            for each in self._destinations.values():
                session = each.idle_session
                if session is not None and each is not destination:
                    each.let_go(session)
                    break
        return False

    def _free_slot(self) -> None:
        self._slots += 1
        if self._hungry and not self._stopping:
            self._reactor.callLater(0, self._hungry.popleft().pump)

    def _sweep(self) -> None:
        now = self._reactor.seconds()
        for session in list(self._opening):
            session.sweep(now)
        for key, each in list(self._destinations.items()):
            each.sweep(now)
            self._keep_pace(each, self._paces[each])
            if each.empty:
                del self._destinations[key], self._paces[each]
        self._flush()

    def _keep_pace(self, destination: DestinationClient, pace: Pace) -> None:
        """In a crowd, what the destination will not take soon comes back when it will."""
        now = self._clock()
        pace.sweep(now)
        if len(self._open) < self._limits.crowded_at:
            return
        surplus = pace.surplus(len(destination.waiting))
        for job in destination.waiting.leave(len(destination.waiting) - surplus) if surplus else ():
            self._settle(job, Outcome(BACKOFF, WAIT, text="the destination takes mail slowly", retry_at=pace.return_at(now), waiting=DESTINATION_BUSY))

    # The end.

    def _cut(self) -> None:
        for session in list(self._opening):
            session.abort("this process stops")
        for each in list(self._destinations.values()):
            each.abort("this process stops")

    async def _until_drained(self, limit_s: float) -> None:
        self._drained = Deferred()
        over = self._reactor.callLater(limit_s, self._fire_drained)
        self._look_drained()
        if self._drained is not None:
            await self._drained
        if over.active():
            over.cancel()

    def _look_drained(self) -> None:
        if not self._open and not self._opening and not any(each.connected for each in self._destinations.values()):
            self._fire_drained()

    def _fire_drained(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None:
            drained.callback(None)
