"""A mail host that counts: which recipient's mail it acknowledged how often. It lives in a thread, so it outlasts a sender's death.

Its behaviour towards a recipient is in the local part: `refuse…` is answered 550, `full…` 552, `later…` 450 the first time, `drop…` loses
the connection behind its first final dot, `hang…` is silent behind it. A hook is called when the n-th occurrence of a stage is reached:
CONNECT, EHLO, MAIL, RCPT, DATA, BODY (some of the mail has arrived), DOT (all of it, nothing acknowledged), ACKNOWLEDGED (the 250 is on the wire).
"""

import asyncio
import re
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

STAGES = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "DOT", "ACKNOWLEDGED")
_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(rb"<([^>]*)>")


@dataclass(frozen=True, slots=True)
class Taken:
    """One acknowledged mail."""

    recipient: str
    message_id: str
    was_secured: bool
    content: bytes


class CountingSink:
    """Listens on a port of `host` until `close`. `keeps_content` off forgets the mails' bytes."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None, keeps_content: bool = False, chunking: bool = False) -> None:
        self.dot_delay_s = 0.0
        self.taken: list[Taken] = []
        self.dropped: Counter[str] = Counter()
        self.connections = 0
        self._tls, self._keeps_content = tls, keeps_content
        self._chunking = chunking
        self._hooks: dict[str, tuple[int, Callable[[], None]]] = {}
        self._passes: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="counting-sink", daemon=True)
        self._thread.start()
        self._host, self.port = host, port
        self._server: asyncio.Server | None = None
        self.open()

    # -- for tests --

    @property
    def copies(self) -> Counter[str]:
        """How often each recipient's mail was acknowledged."""
        return Counter(each.recipient for each in tuple(self.taken))

    def at(self, stage: str, nth: int, call: Callable[[], None]) -> None:
        """`call` is called, in the sink's thread, when the stage is reached for the n-th time from now."""
        assert stage in STAGES
        self._hooks[stage] = (self._passes[stage] + nth, call)

    def open(self) -> None:
        """Connections are taken; on the same port as before."""
        if self._server is None:
            self._server = self._call(asyncio.start_server(self._session, self._host, self.port, limit=2**20, backlog=256))
            self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """Nothing listens, and open connections are cut."""

        async def shut() -> None:
            assert self._server is not None
            self._server.close()
            for writer in tuple(self._writers):
                writer.transport.abort()

        if self._server is not None:
            self._call(shut())
            self._server = None

    def close(self) -> None:
        """The thread has ended."""
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _call(self, coroutine):  # type: ignore[no-untyped-def]
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    # -- sessions --

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        try:
            self._reach("CONNECT")
            writer.write(b"220 sink.test ESMTP\r\n")
            await _Session(self, reader, writer).run()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _reach(self, stage: str) -> bool:
        """Whether a hook was called."""
        self._passes[stage] += 1
        hook = self._hooks.get(stage)
        if hook is None or self._passes[stage] != hook[0]:
            return False
        del self._hooks[stage]
        hook[1]()
        return True


class _Session:
    def __init__(self, sink: CountingSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sink, self._reader, self._writer = sink, reader, writer
        self._recipient: str | None = None
        self._is_secured = False
        self._chunks = b""

    async def run(self) -> None:
        # What a sender had sent behind the point where its connection was cut is not read: no host would judge it.
        while not self._writer.transport.is_closing() and (line := await self._reader.readuntil(b"\r\n")):
            verb = line[:4].upper()
            if verb in (b"EHLO", b"HELO"):
                self._sink._reach("EHLO")
                self._ehlo()
            elif verb == b"STAR" and self._sink._tls is not None:
                self._writer.write(b"220 2.0.0 go ahead\r\n")
                await self._writer.start_tls(self._sink._tls)
                self._is_secured = True
            elif verb == b"MAIL":
                self._sink._reach("MAIL")
                self._recipient, self._chunks = None, b""
                self._writer.write(b"250 2.1.0 ok\r\n")
            elif verb == b"RCPT":
                self._sink._reach("RCPT")
                self._writer.write(self._judge(line))
            elif verb == b"DATA":
                await self._data()
            elif verb == b"BDAT":
                await self._chunk(line)
            elif verb == b"QUIT":
                self._writer.write(b"221 2.0.0 bye\r\n")
                await self._writer.drain()
                return
            else:
                self._recipient, self._chunks = None, b""
                self._writer.write(b"250 2.0.0 ok\r\n")

    def _ehlo(self) -> None:
        words = [b"sink.test", b"PIPELINING", b"8BITMIME", b"SMTPUTF8", b"SIZE 52428800", b"ENHANCEDSTATUSCODES"]
        words += [b"CHUNKING"] if self._sink._chunking else []
        words += [b"STARTTLS"] if self._sink._tls is not None and not self._is_secured else []
        self._writer.write(b"".join(b"250-" + word + b"\r\n" for word in words[:-1]) + b"250 " + words[-1] + b"\r\n")

    def _judge(self, line: bytes) -> bytes:
        found = _ADDRESS.search(line)
        assert found is not None
        address = found[1].decode()
        if address.startswith("refuse"):
            return b"550 5.1.1 no such user\r\n"
        if address.startswith("full"):
            return b"552 5.2.2 mailbox full\r\n"
        self._sink._seen[address] += 1
        if address.startswith("later") and self._sink._seen[address] == 1:
            return b"450 4.2.0 not now\r\n"
        self._recipient = address
        return b"250 2.1.5 ok\r\n"

    async def _data(self) -> None:
        self._sink._reach("DATA")
        if self._recipient is None:
            self._writer.write(b"554 5.5.1 no valid recipients\r\n")
            return
        self._writer.write(b"354 go on\r\n")
        lines: list[bytes] = []
        while (line := await self._reader.readuntil(b"\r\n")) != b".\r\n":
            if not lines:
                self._sink._reach("BODY")
            lines.append(line[1:] if line.startswith(b".") else line)
        await self._take(b"".join(lines))

    async def _chunk(self, line: bytes) -> None:
        words = line.split()
        self._chunks += await self._reader.readexactly(int(words[1]))
        if self._recipient is None:
            self._writer.write(b"554 5.5.1 no valid recipients\r\n")
        elif len(words) > 2:
            await self._take(self._chunks)
        else:
            self._writer.write(b"250 2.0.0 ok\r\n")

    async def _take(self, content: bytes) -> None:
        """The mail is counted, then acknowledged."""
        recipient = self._recipient or ""
        if self._sink._reach("DOT"):
            self._writer.transport.abort()
            return
        if self._sink.dot_delay_s:
            await asyncio.sleep(self._sink.dot_delay_s)
        if recipient.startswith(("drop", "hang")) and not self._sink.dropped[recipient]:
            self._sink.dropped[recipient] += 1
            if recipient.startswith("hang"):
                await self._reader.read()
            self._writer.transport.abort()
            return
        found = _MESSAGE_ID.search(content)
        kept = content if self._sink._keeps_content else b""
        if self._writer.transport.is_closing():
            return
        self._sink.taken.append(Taken(recipient, found[1].decode() if found else "", self._is_secured, kept))
        self._writer.write(b"250 2.0.0 taken\r\n")
        self._sink._reach("ACKNOWLEDGED")
        self._recipient, self._chunks = None, b""
