"""The connections of one destination, and the mails that wait for them.

    submitted → waiting → marked (only while a connection is open) → loaded, if large → taken by a session → settled

A session takes by itself, so the next envelope rides on a final dot. When the last connection is gone, marked mails are
unmarked and wait again; when none can be made either, all of them are told so at once.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from twisted.internet.defer import ensureDeferred
from twisted.logger import Logger

from scaisend.delivery.destination import BACKING_OFF, OPEN, PAUSED, Backoff, DestinationState
from scaisend.delivery.fair import FairQueue
from scaisend.delivery.house import House
from scaisend.delivery.job import (
    BACKOFF,
    DEFERRED,
    DELIVERED,
    FENCED,
    LOAD,
    LOCAL,
    REFUSED,
    TROUBLE,
    WAIT,
    Job,
    Outcome,
)
from scaisend.delivery.marks_client import BATCH
from scaisend.delivery.mx import Route
from scaisend.delivery.shaping import CONNECTIONS, NOTHING
from scaisend.delivery.smtp_client import SessionTrouble, SmtpClient
from scaisend.messages.waiting import (
    DESTINATION_BACKOFF,
    DESTINATION_BUSY,
    DESTINATION_PAUSED,
    DNS_TROUBLE,
    NO_CONNECTION,
    SHUTDOWN,
    TLS_TROUBLE,
)

MAX_RETURNS = 5
OUR_FAULT_S = 30.0
_WAITING_FOR = {"dns": DNS_TROUBLE, "tls": TLS_TROUBLE}


class DestinationClient:
    """One destination of this process."""

    log = Logger()

    def __init__(self, *, name: str, route: Route, source_pool: tuple[str, ...], house: House) -> None:
        self.name = name
        self.route = route
        self.backoff = Backoff()
        self.waiting = FairQueue()
        self.paused = False
        self._source_pool = source_pool
        self._house = house
        self._lanes, self._sources = house.lanes, house.sources.of(source_pool)
        self._ready: deque[Job] = deque()
        self._to_load: deque[Job] = deque()
        self._loading: set[Job] = set()
        self._marking = 0
        self._sessions: set[SmtpClient] = set()
        self._idle: list[SmtpClient] = []
        self._dialing = 0
        self._stopping = False

    # What the pools ask.

    @property
    def empty(self) -> bool:
        """Nothing waits, nothing is connected, and nothing is to be said of it."""
        return not (self._sessions or self._dialing or self._backlog or self._loading or self.backoff.failures or self.paused)

    @property
    def connected(self) -> bool:
        return bool(self._sessions or self._dialing)

    @property
    def idle_session(self) -> SmtpClient | None:
        """The session that has been idle longest."""
        return self._idle[0] if self._idle else None

    def state(self) -> DestinationState:
        backoff = self.backoff
        held = backoff.holds(self._house.clock())
        state = PAUSED if self.paused else BACKING_OFF if held else OPEN
        marked = len(self._ready) + len(self._to_load) + len(self._loading)
        return DestinationState(
            self.name, state, backoff.retry_at if held else None, backoff.failures, backoff.last_reply, len(self.waiting), marked, len(self._sessions),
        )

    def submit(self, job: Job) -> None:
        """The job waits for a connection, or is settled since there will be none for now."""
        if self._stopping:
            self._turn_away(job, SHUTDOWN, "this process stops")
        elif not self._sessions and not self._dialing and self.backoff.holds(self._house.clock()):
            self._hold_back(job)
        else:
            self.waiting.push(job)
            self.pump()

    def pause(self, unwanted: Callable[[Job], bool]) -> None:
        """Jobs that are `unwanted` and not yet in a transaction go back to where they came from."""
        going = self.waiting.remove(unwanted)
        for marked in (self._ready, self._to_load):
            going += [job for job in marked if unwanted(job)]
            staying = [job for job in marked if not unwanted(job)]
            marked.clear()
            marked.extend(staying)
        for job in going:
            self._loading.discard(job)
            self._turn_away(job, DESTINATION_PAUSED, "an operator paused the destination")

    def stop(self) -> None:
        """Nothing new is begun: what is not in a transaction goes back, idle sessions say goodbye, the others when they are done."""
        self._stopping = True
        for job in (*self.waiting.remove(lambda _: True), *self._ready, *self._to_load):
            self._turn_away(job, SHUTDOWN, "this process stops")
        self._ready.clear()
        self._to_load.clear()
        for session in self._idle:
            session.quit()
        self._idle.clear()

    def let_go(self, session: SmtpClient) -> None:
        """An idle session ends, to make room for another destination's."""
        self._idle.remove(session)
        session.quit()

    def abort(self, why: str) -> None:
        """Every connection is cut."""
        for session in list(self._sessions):
            session.abort(why)

    def sweep(self, now: float) -> None:
        """Once a second: deadlines of connections (`now` as the reactor tells it), and jobs that waited too long."""
        for session in list(self._sessions):
            session.sweep(now)
        if len(self.waiting):
            for place, job in enumerate(self.waiting.remove(lambda job: job.give_up_at is not None and job.give_up_at <= self._house.clock()), len(self.waiting)):
                retry_at = self._lanes.return_at(self._sources, self.name, place)
                self._end(job, Outcome(BACKOFF, WAIT, text="it waited too long for a connection", retry_at=retry_at, waiting=DESTINATION_BUSY))
            self.pump()

    # What sessions ask.

    def take(self, session: SmtpClient) -> Job | None:
        """The next marked job for this session."""
        ready = self._ready
        if not ready or session.begun >= self._house.messages_per_connection or self.backoff.stops(self._house.clock()) or not self._lanes.take(session.lane):
            return None
        job = ready.popleft()
        session.tell_tls(job.domain, self._house.tell_tls)
        if len(ready) < BATCH // 2 and len(self.waiting):
            self._mark()
        return job

    def settle(self, session: SmtpClient, job: Job, outcome: Outcome) -> None:
        kind = outcome.kind
        asked = self._lanes.complained(session.lane, outcome.code, outcome.enhanced, outcome.text) if kind in (TROUBLE, DEFERRED) else NOTHING
        if asked != NOTHING:
            self._failed(f"{outcome.code} {outcome.text}", throttled=asked != CONNECTIONS)
            outcome = replace(outcome, retry_at=self.backoff.retry_at, waiting=DESTINATION_BACKOFF)
        elif kind == TROUBLE:
            if outcome.code == 421 or session.conversation is None or not session.conversation.completed:
                self._failed(f"{outcome.code or ''} {outcome.text}".strip())
        elif self.backoff.failures and kind in (DELIVERED, DEFERRED, REFUSED) and outcome.stage != LOCAL and self.backoff.succeeded(self._house.clock()):
            self._house.on_change(self.state())
        if kind in (DELIVERED, REFUSED):
            self._lanes.judged(session.lane)
        self._end(job, outcome)

    def give_back(self, job: Job) -> None:
        """The host said nothing of it: it is the next for another session, but not for ever."""
        job.returns += 1
        if self._stopping:
            self._turn_away(job, SHUTDOWN, "this process stops")
        elif job.returns > MAX_RETURNS:
            self._end(job, Outcome(TROUBLE, WAIT, text="connections broke before it, again and again", waiting=NO_CONNECTION))
        else:
            self._ready.appendleft(job)

    def went_idle(self, session: SmtpClient) -> None:
        if not self._backlog and self._house.crowded():
            session.quit()
            return
        self._park(session)
        if self._backlog:
            self.pump()

    def _park(self, session: SmtpClient) -> None:
        if self._stopping or session.begun >= self._house.messages_per_connection or self.backoff.stops(self._house.clock()):
            session.quit()
        else:
            self._idle.append(session)

    def closed(self, session: SmtpClient) -> None:
        if session not in self._sessions:
            return
        self._sessions.discard(session)
        session.lane.connections -= 1
        if session in self._idle:
            self._idle.remove(session)
        self._house.free_slot()
        if not self._sessions:
            self._take_marks_back()
        if not self._stopping:
            self._strand()
            self.pump()

    def flush(self) -> None:
        self._house.flush()

    # The flow.

    @property
    def _backlog(self) -> int:
        return len(self.waiting) + len(self._ready) + len(self._to_load) + self._marking

    def pump(self) -> None:
        """Whatever can go on goes on: marks, bodies, idle sessions, new connections."""
        if self._stopping or not self._backlog:
            return
        if self._sessions:
            if len(self.waiting) and len(self._ready) < BATCH // 2:
                self._mark()
            if self._to_load:
                self._load()
            while self._ready and (session := self._next_idle()) is not None:
                if not session.begin() and session.usable:
                    # What it took ended without a word to the host.
                    self._park(session)
        room = self._house.connections - len(self._sessions) - self._dialing
        wanted = room > 0 and self._backlog > len(self._idle) + self._dialing and not self.backoff.holds(self._house.clock())
        if wanted and (not self._sources or self._lanes.room(self._sources, self.name) > self._dialing) and self._house.take_slot(self):
            self._dialing += 1
            ensureDeferred(self._dial())

    def _next_idle(self) -> SmtpClient | None:
        """An idle session whose lane may take a mail now."""
        for place in range(len(self._idle) - 1, -1, -1):
            if self._lanes.may_take(self._idle[place].lane):
                return self._idle.pop(place)
        return None

    def _mark(self) -> None:
        if self._marking:
            return
        budget = self._lanes.budget(self._sources, self.name) - len(self._ready) - len(self._to_load) - len(self._loading)
        jobs = [self.waiting.pop() for _ in range(int(min(BATCH, len(self.waiting), budget)))]
        if not jobs:
            return
        self._marking += len(jobs)
        self._house.marks.mark(jobs, self._marked)

    def _marked(self, jobs: Sequence[Job], marked: frozenset[Job]) -> None:
        self._marking -= len(jobs)
        for job in jobs:
            if job not in marked:
                self._end(job, Outcome(FENCED, LOCAL, text="it could not be marked as being sent"))
            elif self._stopping:
                self._turn_away(job, SHUTDOWN, "this process stops")
            elif job.body is None:
                self._to_load.append(job)
            else:
                self._ready.append(job)
        if not self._sessions:
            self._take_marks_back()
            self._strand()
        self.pump()
        self._house.flush()

    def _take_marks_back(self) -> None:
        """There is no connection: marked jobs are no longer `sending`, and wait again once that is written."""
        jobs = [*self._ready, *self._to_load]
        self._ready.clear()
        self._to_load.clear()
        if jobs and not self._stopping:
            self._marking += len(jobs)
            self._house.marks.unmark(jobs, self._unmarked)

    def _unmarked(self, jobs: Sequence[Job], _: frozenset[Job]) -> None:
        self._marking -= len(jobs)
        for job in reversed(jobs):
            self._loading.discard(job)
            if self._stopping:
                self._turn_away(job, SHUTDOWN, "this process stops")
            else:
                self.waiting.put_back(job)
        self._strand()
        self.pump()
        self._house.flush()

    def _load(self) -> None:
        """Large bodies are brought for as many sessions as there are, no more, so that few are in memory."""
        while self._to_load and len(self._loading) < len(self._sessions):
            job = self._to_load.popleft()
            self._loading.add(job)
            ensureDeferred(self._bring_body(job))

    async def _bring_body(self, job: Job) -> None:
        try:
            if job.load is None:
                raise ValueError("a mail has neither a body nor a way to get it")
            job.body = await job.load()
        except Exception as error:
            self._end(job, Outcome(TROUBLE, LOAD, text=f"the mail's body could not be loaded: {error}"))
        else:
            if self._stopping:
                self._turn_away(job, SHUTDOWN, "this process stops")
            else:
                self._ready.appendleft(job)
                if not self._sessions:
                    self._take_marks_back()
        self.pump()
        self._house.flush()

    # Connections.

    async def _dial(self) -> None:
        trouble: SessionTrouble | None = None
        try:
            session = await self._house.dialer.dial(self.route, self._source_pool, self)
        except SessionTrouble as error:
            trouble = error
        except Exception as error:
            self.log.failure("a connection to {name} could not be tried", name=self.name)
            trouble = SessionTrouble(LOCAL, str(error), ours=True)
        self._dialing -= 1
        if trouble is not None:
            self._house.free_slot()
            self._not_connected(trouble)
        else:
            self._sessions.add(session)
            self.went_idle(session)
        self.pump()
        self._house.flush()

    def _not_connected(self, trouble: SessionTrouble) -> None:
        if self._stopping:
            return
        asked = NOTHING
        if trouble.ours:
            self.log.error("mail to {name} cannot leave: {text}", name=self.name, text=trouble.text)
            self.backoff.hold(self._house.clock() + OUR_FAULT_S, trouble.text)
        else:
            if trouble.reply is not None and trouble.lane is not None:
                asked = self._lanes.complained(trouble.lane, trouble.reply.code, *trouble.reply.spoken(), refused=True)
            crowded = asked == CONNECTIONS and trouble.lane is not None and trouble.lane.others.connections > 0
            self._failed(trouble.text if trouble.reply is None else f"{trouble.reply.code} {trouble.reply.text}", crowded=crowded)
        if self._sessions or self._dialing or not len(self.waiting):
            return
        tried = self.waiting.pop()
        code, enhanced, text = None, None, trouble.text
        if trouble.reply is not None:
            code = trouble.reply.code
            enhanced, text = trouble.reply.spoken()
        elif text.startswith("5.7.10 "):
            enhanced, text = "5.7.10", text[7:]
        why = _WAITING_FOR.get(trouble.stage, NO_CONNECTION) if asked == NOTHING else DESTINATION_BACKOFF
        retry_at = None if asked == NOTHING else self.backoff.retry_at
        where = trouble.host, trouble.address, trouble.source
        trouble.tell_tls(tried.domain, self._house.tell_tls)
        rung, rung_why = trouble.rung_words
        self._end(tried, Outcome(TROUBLE, trouble.stage, code, enhanced, text, *where, None, trouble.dialogue, retry_at=retry_at, waiting=why, rung=rung, rung_why=rung_why))
        self._strand()

    def _strand(self) -> None:
        """Without a connection, and none to be tried for now, nobody waits here."""
        if not self._sessions and not self._dialing and self.backoff.holds(self._house.clock()):
            for job in self.waiting.remove(lambda _: True):
                self._hold_back(job)

    def _failed(self, reply: str, *, throttled: bool = False, crowded: bool = False) -> None:
        if not self._stopping and self.backoff.failed(self._house.clock(), reply[:512], self._house.random(), throttled=throttled, crowded=crowded):
            self._house.on_change(self.state())

    # Ends.

    def _hold_back(self, job: Job) -> None:
        text = f"the destination is left alone for now: {self.backoff.last_reply}"
        self._end(job, Outcome(BACKOFF, WAIT, text=text, retry_at=self.backoff.retry_at, waiting=DESTINATION_BACKOFF))

    def _turn_away(self, job: Job, waiting: str, text: str) -> None:
        self._end(job, Outcome(BACKOFF, WAIT, text=text, waiting=waiting))

    def _end(self, job: Job, outcome: Outcome) -> None:
        if self._loading and job in self._loading:
            self._loading.discard(job)
            job.body = None
        self._house.settle(job, outcome)
