"""A mail host with limits: so many connections at a time, so many mails in each window of some seconds; beyond them it throttles."""

import asyncio
import ssl
import time
from collections import Counter

from tests.world.counting_sink import CountingSink, _Session


class ThrottlingSink(CountingSink):
    """`refused` counts the connections turned away and the mails put off; `puts_off` are the moments (monotonic) of the latter."""

    def __init__(self, *, most_connections: int, most_mails: int, window_s: float) -> None:
        self.most_connections, self.most_mails, self.window_s = most_connections, most_mails, window_s
        self.refused: Counter[str] = Counter()
        self.put_off_at: list[float] = []
        self.taken_at: list[float] = []
        self.most_open = 0
        super().__init__()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= self.most_connections:
            self.refused["connections"] += 1
            writer.write(b"421 4.7.0 sink.test Too many concurrent SMTP connections from your host\r\n")
            await writer.drain()
            writer.close()
            return
        self._writers.add(writer)
        self.most_open = max(self.most_open, len(self._writers))
        try:
            writer.write(b"220 sink.test ESMTP\r\n")
            await _ThrottlingSession(self, reader, writer).run()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def admits(self) -> bool:
        """Whether one mail more fits into the window."""
        now = time.monotonic()
        if sum(1 for at in self.taken_at[-self.most_mails :] if now - at < self.window_s) >= self.most_mails:
            self.refused["mails"] += 1
            self.put_off_at.append(now)
            return False
        self.taken_at.append(now)
        return True


class _ThrottlingSession(_Session):
    def _judge(self, line: bytes) -> bytes:
        sink = self._sink
        assert isinstance(sink, ThrottlingSink)
        if not sink.admits():
            return b"451 4.7.28 Our system has detected an unusual rate of mail from your address, try again later\r\n"
        return super()._judge(line)
