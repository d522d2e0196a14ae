"""A mail on its way in: the end is found, dots are taken away, line ends are checked, octets are counted and kept."""

from tempfile import TemporaryFile
from typing import IO

from scaisend.smtp.limits import Limits
from scaisend.smtp.verdict import BARE_LINE_END_IN_MAIL, NO_ROOM, TOO_LARGE, Verdict

END = b"\r\n.\r\n"
_BEGINNINGS_OF_END = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")


class Spool:
    """The octets of one mail: in memory up to `memory_bytes`, then in a file without a name.

    `refusal` is why the mail will be refused; from then on octets are counted and dropped.
    """

    __slots__ = ("_file", "_limits", "_memory", "refusal", "size_bytes")

    def __init__(self, limits: Limits) -> None:
        self.refusal: Verdict | None = None
        self.size_bytes = 0
        self._limits = limits
        self._memory = bytearray()
        self._file: IO[bytes] | None = None

    def write(self, piece: bytes) -> None:
        """The piece is kept, or the mail is refused. A piece never ends between CR and LF."""
        self.size_bytes += len(piece)
        if self.refusal is not None:
            return
        if self.size_bytes > self._limits.size_bytes:
            self.refuse(TOO_LARGE)
        elif not piece.count(b"\n") == piece.count(b"\r") == piece.count(b"\r\n"):
            self.refuse(BARE_LINE_END_IN_MAIL)
        else:
            self._keep(piece)

    def refuse(self, verdict: Verdict) -> None:
        self.close()
        self.refusal = verdict

    def content(self) -> bytes:
        """The whole mail; the spool is empty afterwards."""
        if self._file is None:
            content = bytes(self._memory)
        else:
            self._file.seek(0)
            content = self._file.read()
        self.close()
        return content

    def close(self) -> None:
        """Nothing is kept any more."""
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _keep(self, piece: bytes) -> None:
        if self._file is None and self.size_bytes <= self._limits.memory_bytes:
            self._memory += piece
            return
        try:
            if self._file is None:
                self._file = TemporaryFile(prefix="scaisend-mail-", buffering=0)  # noqa: SIM115  # lives as long as the mail
                piece, self._memory = bytes(self._memory) + piece, bytearray()
            rest = memoryview(piece)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self.refuse(NO_ROOM)


class DottedStream:
    """The stream behind DATA (RFC 5321 4.1.1.4, 4.5.2): octets go to the spool until CRLF . CRLF.

    The CRLF of the DATA line counts as the first half of the end, so the search begins with it. What may be the beginning of
    an end is held back until more is known.
    """

    __slots__ = ("_held", "_is_first", "_spool")

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._held = b"\r\n"
        self._is_first = True

    def feed(self, octets: bytes) -> bytes | None:
        """None while the mail goes on; else what follows its end."""
        stream = self._held + octets
        end = stream.find(END)
        if end >= 0:
            self._write(stream[: end + 2])
            return stream[end + len(END) :]
        self._held = next((each for each in _BEGINNINGS_OF_END if stream.endswith(each)), b"")
        self._write(stream[: len(stream) - len(self._held)])
        return None

    def _write(self, piece: bytes) -> None:
        if not piece:
            return
        piece = piece.replace(b"\r\n.", b"\r\n")
        if self._is_first:
            self._is_first = False
            piece = piece[2:]
        self._spool.write(piece)


class ChunkedStream:
    """The octets behind BDAT (RFC 3030): counted, not searched. A CR at the end of a piece waits for its LF."""

    __slots__ = ("_held", "_remaining", "_spool", "is_last")

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._held = b""
        self._remaining = 0
        self.is_last = False

    def begin(self, size_bytes: int, *, is_last: bool) -> None:
        """The next `size_bytes` octets are a chunk."""
        self._remaining = size_bytes
        self.is_last = is_last

    def feed(self, octets: bytes) -> bytes | None:
        """None while the chunk goes on; else what follows it."""
        mine, rest = octets[: self._remaining], octets[self._remaining :]
        self._remaining -= len(mine)
        ended = self.is_last and not self._remaining
        piece = self._held + mine
        self._held = b"\r" if piece.endswith(b"\r") and not ended else b""
        if piece := piece[: len(piece) - len(self._held)]:
            self._spool.write(piece)
        return None if self._remaining else rest
