"""The commands of a session and the mail that comes in (RFC 5321; 1870, 2034, 2920, 3030, 3207, 6152, 6531).

Each command is a method named after it, reached through the table at the end of the file.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from twisted.logger import Logger

from scaisend.faults import Unavailable
from scaisend.smtp import verdict as say
from scaisend.smtp.auth import MECHANISMS, AuthRules, Credentials, Login, Step
from scaisend.smtp.body import ChunkedStream, DottedStream, Spool
from scaisend.smtp.grammar import MailFrom, is_foreign, is_peer_name, read_chunk, read_mail_from, read_rcpt_to
from scaisend.smtp.limits import Limits
from scaisend.smtp.session import Deliveries, Envelope, Session
from scaisend.smtp.session_loop import SessionLoop
from scaisend.smtp.sessions import Sessions
from scaisend.smtp.tls import ServerTls
from scaisend.smtp.verdict import Verdict

T = TypeVar("T")
log = Logger()


class ReceiverMetrics(Protocol):
    """What is counted."""

    def received(self, verdict: str) -> None:
        """A mail came to its end and was answered with this reply code."""


class Unmetered:
    """Counts nothing."""

    def received(self, verdict: str) -> None:
        pass


class Receiver(SessionLoop):
    """One session of the hardened receiver. See the laws in the room's manual page."""

    def __init__(
        self, *, deliveries: Deliveries, hostname: str, limits: Limits, tls: ServerTls | None, metrics: ReceiverMetrics,
        sessions: Sessions, peer: str, auth: AuthRules | None = None,
    ) -> None:
        super().__init__(limits=limits, sessions=sessions, peer=peer)
        self._deliveries = deliveries
        self._hostname = hostname
        self._tls = tls
        self._metrics = metrics
        self._login = Login(auth, peer)
        self._commands = 0
        self._is_overlong = False
        self._envelope: Envelope | None = None
        self._spool: Spool | None = None
        self._chunks: ChunkedStream | None = None  # of the transaction, between its chunks too
        self._stream: DottedStream | ChunkedStream | None = None  # what the buffer belongs to, if not to commands
        self._stream_at = 0.0

    # Reading

    def _greet(self, refusal: Verdict | None) -> None:
        if refusal is None:
            self._replies.append(f"220 {self._hostname} ESMTP\r\n".encode())
        else:
            self._close(refusal)

    def _read(self) -> bool:
        return self._read_command() if self._stream is None else self._read_mail(self._stream)

    def _is_receiving(self) -> bool:
        return self._stream is not None

    def _read_command(self) -> bool:
        """A line was taken and obeyed. What is no line by the book ends the session, because it may be meant for another one."""
        end = self._buffer.find(b"\n", 0, self._limits.line_bytes) + 1
        if not end:
            return self._skip_overlong()
        line, self._buffer = self._buffer[:end], self._buffer[end:]
        self._heard_at = self._sessions.now_s
        if not line.endswith(b"\r\n") or line.find(b"\r") != end - 2:
            self._close(say.BARE_LINE_END)
        elif self._is_overlong:
            self._is_overlong = False
            self._login.abandon()
            self._reply(say.LINE_TOO_LONG)
        else:
            self._obey(line[:-2])
        return True

    def _skip_overlong(self) -> bool:
        """A line over the limit is dropped as it comes; its end is answered."""
        if len(self._buffer) < self._limits.line_bytes:
            return False
        if self._buffer.find(b"\r", 0, self._limits.line_bytes - 1) >= 0:
            self._close(say.BARE_LINE_END)
            return True
        self._is_overlong = True
        self._buffer = self._buffer[self._limits.line_bytes - 1 :]
        return True

    def _obey(self, line: bytes) -> None:
        self._commands += 1
        if self._commands > self._limits.commands:
            return self._close(say.TOO_MANY_COMMANDS)
        try:
            text = line.decode()
        except UnicodeDecodeError:
            return self._reply(say.NOT_UTF8)
        if not text.isprintable():
            return self._reply(say.NOT_UTF8)
        if self._login.is_open:
            return self._go_on(self._login.answer(text))
        verb, _, argument = text.partition(" ")
        command = COMMANDS.get(verb.upper())
        if command is not None:
            command(self, argument.strip(" "))
        elif is_foreign(text):
            self._close(say.NOT_SMTP)
        else:
            self._reply(say.UNKNOWN_COMMAND)

    def _read_mail(self, stream: DottedStream | ChunkedStream) -> bool:
        rest = stream.feed(self._buffer)
        if rest is None:
            self._buffer = b""
            return False
        self._buffer = rest
        self._stream = None
        if isinstance(stream, DottedStream) or stream.is_last:
            self._finish()
        else:
            self._finish_chunk()
        return True

    # The greeting and what stands outside of transactions

    def ehlo(self, argument: str) -> None:
        if not is_peer_name(argument):
            return self._reply(say.SYNTAX)
        self._reset(argument, is_extended=True)
        offers = [self._hostname, "PIPELINING", f"SIZE {self._limits.size_bytes}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING"]
        if self._tls is not None and not self.session.tls:
            offers.append("STARTTLS")
        if self._login.is_offered(self.session):
            offers.append(f"AUTH {' '.join(MECHANISMS)}")
        lines = [f"250-{offer}\r\n" for offer in offers[:-1]] + [f"250 {offers[-1]}\r\n"]
        self._replies.append("".join(lines).encode())

    def helo(self, argument: str) -> None:
        if not is_peer_name(argument):
            return self._reply(say.SYNTAX)
        self._reset(argument, is_extended=False)
        self._replies.append(f"250 {self._hostname}\r\n".encode())

    def starttls(self, argument: str) -> None:
        """The next octets are a TLS handshake (RFC 3207 4.2): all that was learnt before is forgotten."""
        if self._tls is None:
            return self._reply(say.NOT_OFFERED)
        if self.session.tls:
            return self._reply(say.TLS_ALREADY)
        if argument:
            return self._reply(say.SYNTAX)
        if self._buffer:
            return self._close(say.IMPROPER_PIPELINING)
        self._reset("", is_extended=False)
        self.session.login = None
        self._reply(say.TLS_READY)
        self._flush()
        self.transport.startTLS(self._tls)

    def auth(self, argument: str) -> None:
        """Nothing may be pipelined behind AUTH: what follows it depends on its reply (RFC 4954 4, RFC 2920 3.1)."""
        if self._envelope is not None:
            return self._reply(say.AUTH_IN_MAIL)
        step = self._login.begin(self.session, argument)
        if self._buffer and (isinstance(step, Credentials) or self._login.is_open):
            return self._close(say.IMPROPER_PIPELINING)
        self._go_on(step)

    def _go_on(self, step: Step) -> None:
        if isinstance(step, Credentials):
            self._run(self._judge_credentials(step))
        else:
            self._reply(step)

    def rset(self, argument: str) -> None:
        if argument:
            return self._reply(say.SYNTAX)
        self._drop_transaction()
        self._reply(say.RESET)

    def noop(self, argument: str) -> None:
        self._reply(say.RESET)

    def vrfy(self, argument: str) -> None:
        self._reply(say.VERIFY if argument else say.SYNTAX)

    def expn(self, argument: str) -> None:
        self._reply(say.NOT_OFFERED)

    def help(self, argument: str) -> None:
        self._reply(say.HELP)

    def quit(self, argument: str) -> None:
        if argument:
            return self._reply(say.SYNTAX)
        self._close(say.BYE)

    # A transaction

    def mail(self, argument: str) -> None:
        if not self.session.name:
            return self._reply(say.SAY_EHLO)
        if self._envelope is not None:
            return self._reply(say.NESTED_MAIL)
        if (barred := self._login.bars_mail(self.session)) is not None:
            return self._reply(barred)
        asked = read_mail_from(argument, may_name_author=self.session.login is not None)
        if isinstance(asked, Verdict):
            return self._reply(asked)
        if asked.size_bytes > self._limits.size_bytes:
            return self._reply(say.TOO_LARGE)
        self._run(self._judge_sender(asked))

    def rcpt(self, argument: str) -> None:
        if self._envelope is None:
            return self._reply(say.NEED_MAIL)
        if self._chunks is not None:
            return self._reply(say.IN_CHUNKS)
        address = read_rcpt_to(argument, is_utf8=self._envelope.is_utf8)
        if isinstance(address, Verdict):
            return self._reply(address)
        if len(self._envelope.recipients) >= self._limits.recipients:
            return self._reply(say.TOO_MANY_RECIPIENTS)
        self._run(self._judge_recipient(self._envelope, address))

    def data(self, argument: str) -> None:
        refusal = say.SYNTAX if argument else say.IN_CHUNKS if self._chunks is not None else self._not_ready()
        if refusal is not None:
            return self._reply(refusal)
        if self._buffer:
            return self._close(say.IMPROPER_PIPELINING)
        self._spool = Spool(self._limits)
        self._receive(DottedStream(self._spool))
        self._reply(say.GO_AHEAD)

    def bdat(self, argument: str) -> None:
        """The chunk's octets are taken from the stream whatever its reply will be (RFC 3030 2)."""
        chunk = read_chunk(argument)
        if chunk is None or chunk.size_bytes > 4 * self._limits.size_bytes:
            return self._close(say.SYNTAX if chunk is None else say.TOO_LARGE)
        refusal = self._not_ready()
        if self._spool is None or self._chunks is None:
            self._spool = Spool(self._limits)
            self._chunks = ChunkedStream(self._spool)
        if refusal is not None and self._spool.refusal is None:
            self._spool.refuse(refusal)
        self._chunks.begin(chunk.size_bytes, is_last=chunk.is_last)
        self._receive(self._chunks)
        if not chunk.size_bytes:
            self._read_mail(self._chunks)

    def _not_ready(self) -> Verdict | None:
        """Why no mail may come now, or None."""
        if self._envelope is None:
            return say.NEED_MAIL
        return None if self._envelope.recipients else say.NEED_RECIPIENT

    def _receive(self, stream: DottedStream | ChunkedStream) -> None:
        self._stream = stream
        self._stream_at = self._sessions.now_s

    def _finish_chunk(self) -> None:
        """A chunk that is not the last was answered; a refused one ends the transaction (RFC 3030 2)."""
        refusal = self._spool.refusal if self._spool else None
        if refusal is not None:
            self._drop_transaction()
        self._reply(refusal or say.CHUNK_OK)

    def _finish(self) -> None:
        """The mail is complete: it is refused here, or handed over."""
        envelope, spool = self._envelope, self._spool
        self._spool = None
        self._drop_transaction()
        if spool is None:
            return
        refusal = spool.refusal or self._no_room(spool.size_bytes)
        if envelope is None or refusal is not None:
            spool.close()
            refusal = refusal or say.NEED_MAIL
            self._metrics.received(str(refusal.code))
            self._reply(refusal)
        else:
            self._run(self._hand_over(envelope, spool))

    def _no_room(self, size_bytes: int) -> Verdict | None:
        """A refusal when the mails that wait for a verdict fill the memory they may have; one alone is never refused."""
        held_bytes = self._sessions.held_bytes
        return say.NO_ROOM if held_bytes and held_bytes + size_bytes > self._limits.held_bytes else None

    # Verdicts

    async def _judge_credentials(self, given: Credentials) -> None:
        """The client is logged in, or refused; what is put off is not counted against it."""
        answer = await self._ask(self._login.check(given))
        if not isinstance(answer, Verdict):
            self.session.login = answer
            return self._reply(say.LOGGED_IN)
        self._reply(answer)
        if answer.code >= 500 and self._login.failed():
            self._close(say.TOO_MANY_LOGINS)

    async def _judge_sender(self, asked: MailFrom) -> None:
        refusal = await self._ask(self._deliveries.mail(self.session, asked.address))
        if refusal is None:
            self._envelope = Envelope(asked.address, asked.is_utf8, asked.body)
        self._reply(refusal or say.SENDER_OK)

    async def _judge_recipient(self, envelope: Envelope, address: str) -> None:
        verdict = await self._ask(self._deliveries.rcpt(self.session, address))
        if verdict.is_accepted:
            envelope.recipients.append(address)
        self._reply(verdict)

    async def _hand_over(self, envelope: Envelope, spool: Spool) -> None:
        size_bytes = spool.size_bytes
        self._sessions.held_bytes += size_bytes
        try:
            verdict = await self._ask(self._deliveries.message(self.session, envelope, spool.content()))
        finally:
            self._sessions.held_bytes -= size_bytes
        if verdict.is_accepted:
            self._errors = self._commands = 0
        self._metrics.received(str(verdict.code))
        self._reply(verdict)

    async def _ask(self, answer: Awaitable[T]) -> T | Verdict:
        """The answer; a dependency that is away, or a fault of ours, asks the peer to try again."""
        try:
            return await answer
        except Unavailable as error:
            log.warn("SMTP session with {peer}: {error}", peer=self.peer, error=str(error))
        except Exception:
            log.failure("SMTP session with {peer}", peer=self.peer)
        return say.TROUBLE

    # Ends

    def _overdue(self, now_s: float) -> Verdict | None:
        limits, age_s, silent_s = self._limits, now_s - self._born_at, now_s - self._heard_at
        if silent_s > (limits.command_s if self._stream is None else limits.block_s):
            return say.TIMED_OUT
        if age_s > limits.session_s and (self._envelope is None or age_s > 2 * limits.session_s):
            return say.SESSION_TOO_LONG
        if self._stream is None or self._spool is None:
            return None
        body_s = now_s - self._stream_at
        return say.TOO_SLOW if body_s > limits.body_grace_s and self._spool.size_bytes < body_s * limits.body_rate else None

    def _reset(self, name: str, *, is_extended: bool) -> None:
        self._drop_transaction()
        self.session = Session(self.peer, name, is_extended, self.session.tls, self.session.login)

    def _drop_transaction(self) -> None:
        if self._spool is not None:
            self._spool.close()
        self._envelope = self._spool = self._chunks = self._stream = None


COMMANDS: dict[str, Callable[[Receiver, str], None]] = {
    "EHLO": Receiver.ehlo,
    "HELO": Receiver.helo,
    "MAIL": Receiver.mail,
    "RCPT": Receiver.rcpt,
    "DATA": Receiver.data,
    "BDAT": Receiver.bdat,
    "RSET": Receiver.rset,
    "NOOP": Receiver.noop,
    "VRFY": Receiver.vrfy,
    "EXPN": Receiver.expn,
    "HELP": Receiver.help,
    "STARTTLS": Receiver.starttls,
    "AUTH": Receiver.auth,
    "QUIT": Receiver.quit,
}
