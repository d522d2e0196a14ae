"""The mail transactions of one session, as data: bytes in, bytes out, no socket (RFC 5321 3.3, 2920, 3030).

With PIPELINING the next envelope rides on the final dot, one round trip a mail:

    C: MAIL, RCPT, DATA             (one write)
    S: 250, 250, 354
    C: body . MAIL, RCPT, DATA      (one write)
    S: 250 for the dot, then 250, 250, 354

With CHUNKING there is no DATA: `BDAT n LAST`, the body and the next MAIL and RCPT go once MAIL and RCPT were accepted. Without
PIPELINING every command waits for its reply. After a refusal the next envelope starts with RSET and nothing rides.
"""

from collections import deque
from collections.abc import Callable

from scaisend.delivery.job import (
    DATA,
    DEFERRED,
    DELIVERED,
    DOT,
    FENCED,
    LOCAL,
    LONE_DOT,
    MAIL,
    RCPT,
    REFUSED,
    RSET,
    TROUBLE,
    UNKNOWN,
    Job,
    Outcome,
)
from scaisend.delivery.reply_reader import BadReply, Reply, ReplyReader
from scaisend.delivery.transaction import CannotSend, Extensions, Peer, envelope, stuffed, transcript
from scaisend.messages.waiting import NO_CONNECTION, RETRY

__all__ = ["Conversation", "Job", "Outcome", "Peer"]

PIECE_BYTES = 65536
LARGE_BYTES = 131072


class Conversation:
    """One session after its opening.

    `take` gives the next job (its body is there) or None, `settle` is told what became of one, `give_back` gets one that the host has said nothing of:
    it may go to another session. None of them may call back into the conversation. Once `closing` is set nothing more is read or written and the
    connection must be aborted; `shut` then is what the host said to all mail (421), if anything.
    """

    __slots__ = (
        "_again", "_current", "_expected", "_failure", "_give_back", "_peer", "_pieces", "_reader", "_replies", "_rider", "_settle", "_shaky", "_take",
        "closing", "completed", "extensions", "needs_rset", "shut",
    )

    def __init__(
        self, *, extensions: Extensions, peer: Peer, take: Callable[[], Job | None], settle: Callable[[Job, Outcome], None],
        give_back: Callable[[Job], None],
    ) -> None:
        self.extensions = extensions
        self._peer = peer
        self._take = take
        self._settle = settle
        self._give_back = give_back
        self._reader = ReplyReader()
        self._expected: deque[str] = deque()
        self._current: Job | None = None
        self._rider: Job | None = None
        self._again: Job | None = None
        self._replies: list[tuple[str, Reply]] = []
        self._failure: tuple[str, Reply] | None = None
        self._shaky = False
        self._pieces: memoryview | None = None
        self.completed = 0
        self.needs_rset = False
        self.closing = False
        self.shut: Reply | None = None

    @property
    def idle(self) -> bool:
        """No command waits for its reply."""
        return not self._expected

    @property
    def awaits_dot(self) -> bool:
        """The next reply is the one to a final dot."""
        return bool(self._expected) and self._expected[0] == DOT

    @property
    def has_pieces(self) -> bool:
        """A large body is on its way: `next_piece` has more of it."""
        return self._pieces is not None

    @property
    def stage(self) -> str:
        return self._expected[0] if self._expected else "idle"

    def begin(self) -> bytes:
        """The envelope of the next job, or b"" when there is none. Only when idle."""
        written, self._current = self._next_envelope()
        return written

    def receive(self, received: bytes) -> bytes:
        """What is to be written after `received`; then see `closing`, `has_pieces` and `idle`."""
        try:
            replies = self._reader.feed(received)
        except BadReply as error:
            self._break(str(error))
            return b""
        written = []
        for reply in replies:
            if self.closing:
                break
            if not self._expected:
                self._unasked(reply)
                break
            written.append(self._answered(self._expected.popleft(), reply))
        return b"".join(written)

    def next_piece(self) -> bytes:
        """Up to PIECE_BYTES of a large body; the lease is asked for again before the last one."""
        pieces, job = self._pieces, self._current
        if pieces is None or job is None:
            return b""
        if len(pieces) > PIECE_BYTES:
            self._pieces = pieces[PIECE_BYTES:]
            return bytes(pieces[:PIECE_BYTES])
        if not job.may_finish():
            self._fence(job)
            return b""
        self._pieces = None
        return bytes(pieces)

    def lost(self, reason: str) -> None:
        """The connection is gone: every job in hand is settled by what is known of it, or given back (RFC 5321 4.5.4.1)."""
        self.closing = True
        job, rider, again = self._current, self._rider, self._again
        self._current = self._rider = self._again = None
        if job is not None:
            if self.awaits_dot and self._pieces is None:
                self._finish(job, UNKNOWN, DOT, None, f"no answer to the final dot: {reason}")
            elif self._shaky or (self.completed and not self._replies):
                self._give_back(job)
            elif self._failure is not None:
                self._refuse(job, self._failure)
            else:
                self._finish(job, TROUBLE, self.stage, None, reason)
        for unsaid in (again, rider):
            if unsaid is not None:
                self._give_back(unsaid)

    # What a reply means.

    def _answered(self, stage: str, reply: Reply) -> bytes:
        code = reply.code
        if stage == DOT:
            return self._dot_answered(reply)
        if self._failure is None and (code == 354 if stage == DATA else code < 300 and stage in (MAIL, RCPT)):
            self._replies.append((stage, reply))
            return b"" if self._expected else self._step(stage)
        if code == 421:
            self._shut_down(stage, reply)
            return b""
        if stage == LONE_DOT:
            return self._start_over()
        if stage == RSET:
            if code // 100 != 2:
                self._break(f"RSET was answered {code}")
                return b""
            return b"" if self._expected else self._step(RSET)
        self._replies.append((stage, reply))
        if self._failure is None:
            if code // 100 < 4:
                self._break(f"{stage.upper()} was answered {code}")
                return b""
            self._failure = (stage, reply)
        return b"" if self._expected else self._envelope_refused()

    def _step(self, stage: str) -> bytes:
        """The command after an accepted `stage`; in a pipelined group only its last reply comes here."""
        job = self._current
        if job is None:
            return b""
        if stage == DATA or (stage == RCPT and self.extensions.chunking):
            return self._body(job)
        if stage == RCPT:
            self._expected.append(DATA)
            return b"DATA\r\n"
        mail, rcpt = envelope(job, job.body or b"", self.extensions)
        if stage == MAIL:
            self._expected.append(RCPT)
            return rcpt
        self._expected.append(MAIL)
        return mail

    def _body(self, job: Job) -> bytes:
        if not job.may_finish():
            self._fence(job)
            return b""
        body = job.body or b""
        try:
            framed = b"BDAT %d LAST\r\n%b" % (len(body), body) if self.extensions.chunking else stuffed(body) + b".\r\n"
        except CannotSend as fault:
            self._current = None
            self._refuse_here(job, fault)
            self.closing = True
            return b""
        self._expected.append(DOT)
        self._shaky = False
        if len(framed) > LARGE_BYTES:
            self._pieces = memoryview(framed)
            return b""
        if not self.extensions.pipelining:
            return framed
        riding, self._rider = self._next_envelope()
        return framed + riding

    def _dot_answered(self, reply: Reply) -> bytes:
        job, self._current, self._rider = self._current, self._rider, None
        if job is None:
            return b""
        unfinished, self._pieces = self._pieces is not None, None
        kind = reply.code // 100
        if unfinished or kind == 3:
            # Spoken before the body's end. A refusal counts; an acceptance cannot be one.
            self.closing = True
        if kind == 2 and not unfinished:
            self._finish(job, DELIVERED, DOT, reply)
        elif kind >= 4:
            self._replies.append((DOT, reply))
            if reply.code == 421:
                self._current, rider = None, self._current
                self._failure = (DOT, reply)
                self._refuse(job, self._failure, reached_dot=not unfinished)
                self.closing, self.shut = True, reply
                if rider is not None:
                    self._give_back(rider)
                return b""
            self._refuse(job, (DOT, reply), reached_dot=not unfinished)
            self._shaky = self._current is not None
            self.needs_rset = not self._shaky
        else:
            self._finish(job, TROUBLE if unfinished else UNKNOWN, DOT, reply, f"the final dot was answered {reply.code}")
        self.completed += 1
        self._replies, self._failure = [], None
        if self.closing:
            if self._current is not None:
                self._give_back(self._current)
                self._current = None
            return b""
        return b"" if self._current is not None else self.begin()

    def _envelope_refused(self) -> bytes:
        """MAIL, RCPT or DATA was refused, and all replies of the group are here."""
        job, failure = self._current, self._failure
        if job is None or failure is None:
            return b""
        self._current = None
        if self._shaky:
            # It rode on a dot that was refused: the host may have meant that. It is asked once more, alone.
            self._again = job
        else:
            self._refuse(job, failure)
            self.completed += 1
        waits_for_body = self._replies[-1][0] == DATA and self._replies[-1][1].code == 354
        self._replies, self._failure, self._shaky = [], None, False
        self.needs_rset = True
        if waits_for_body:
            # RFC 2920 3.1: DATA was accepted without a recipient.
            self._expected.append(LONE_DOT)
            return b".\r\n"
        return self._start_over()

    def _start_over(self) -> bytes:
        job, self._again = self._again, None
        if job is None:
            return self.begin()
        self._current = job
        return self._write_envelope(job, *envelope(job, job.body or b"", self.extensions))

    # Envelopes.

    def _next_envelope(self) -> tuple[bytes, Job | None]:
        """The next job that this host can be asked to take, and its envelope; the others are settled here."""
        while True:
            job = self._take()
            if job is None:
                return b"", None
            if not job.may_finish():
                self._settle(job, self._outcome(FENCED, LOCAL, text="its lease has ended"))
                continue
            try:
                mail, rcpt = envelope(job, job.body or b"", self.extensions)
            except CannotSend as fault:
                self._refuse_here(job, fault)
                continue
            return self._write_envelope(job, mail, rcpt), job

    def _write_envelope(self, job: Job, mail: bytes, rcpt: bytes) -> bytes:
        expected, extensions = self._expected, self.extensions
        first = b""
        if self.needs_rset:
            self.needs_rset = False
            expected.append(RSET)
            if not extensions.pipelining:
                return b"RSET\r\n"
            first = b"RSET\r\n"
        if not extensions.pipelining:
            expected.append(MAIL)
            return mail
        if extensions.chunking:
            expected.extend((MAIL, RCPT))
            return first + mail + rcpt
        expected.extend((MAIL, RCPT, DATA))
        return first + mail + rcpt + b"DATA\r\n"

    # Ends.

    def _unasked(self, reply: Reply) -> None:
        self.closing = True
        if reply.code == 421:
            self.shut = reply

    def _shut_down(self, stage: str, reply: Reply) -> None:
        """421: the host closes. A mail it had not begun to judge on a used session goes to another one (RFC 5321 3.8)."""
        self.closing, self.shut = True, reply
        job, rider, again = self._current, self._rider, self._again
        self._current = self._rider = self._again = None
        if job is not None:
            if self._shaky or (self.completed and not self._replies and stage in (RSET, MAIL)):
                self._give_back(job)
            else:
                self._replies.append((stage, reply))
                self._refuse(job, self._failure or (stage, reply))
        for unsaid in (again, rider):
            if unsaid is not None:
                self._give_back(unsaid)

    def _fence(self, job: Job) -> None:
        self._current = None
        self._pieces = None
        self._expected.clear()
        self.closing = True
        self._settle(job, self._outcome(FENCED, DATA, text="its lease had ended before the final dot"))

    def _break(self, fault: str) -> None:
        """The host broke the protocol: what is in hand ends as after a lost connection."""
        self.lost(fault)

    def _refuse(self, job: Job, failure: tuple[str, Reply], *, reached_dot: bool = False) -> None:
        stage, reply = failure
        if reply.code == 421:
            kind, waiting = TROUBLE, NO_CONNECTION
        elif reply.code // 100 == 4:
            kind, waiting = DEFERRED, RETRY
        else:
            kind, waiting = REFUSED, None
        self._settle(job, self._outcome(kind, stage, reply, dialogue=self._transcript(job), reached_dot=reached_dot, waiting=waiting))

    def _refuse_here(self, job: Job, fault: CannotSend) -> None:
        peer = self._peer
        self._settle(job, Outcome(REFUSED, LOCAL, fault.code, fault.enhanced, fault.text, peer.host, peer.address, peer.source, peer.tls, rung=peer.rung, rung_why=peer.why))

    def _finish(self, job: Job, kind: str, stage: str, reply: Reply | None, text: str = "") -> None:
        dialogue = None if kind == DELIVERED else self._transcript(job, text)
        waiting = NO_CONNECTION if kind == TROUBLE else None
        self._settle(job, self._outcome(kind, stage, reply, text, dialogue=dialogue, reached_dot=kind != TROUBLE, waiting=waiting))

    def _outcome(
        self, kind: str, stage: str, reply: Reply | None = None, text: str = "", *, dialogue: str | None = None,
        reached_dot: bool = False, waiting: str | None = None,
    ) -> Outcome:
        peer = self._peer
        code = None
        enhanced = None
        if reply is not None:
            code = reply.code
            enhanced, text = reply.spoken()
        return Outcome(
            kind, stage, code, enhanced, text, peer.host, peer.address, peer.source, peer.tls, dialogue, reached_dot, None, waiting,
            peer.rung, peer.why,
        )

    def _transcript(self, job: Job, ending: str = "") -> str:
        return transcript(job, self._peer, self.extensions, self._replies, f"{self.stage}: {ending}" if ending else "")
