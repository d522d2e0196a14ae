"""SMTP replies out of bytes, strictly (RFC 5321 4.2).

    250-mx.example.net          several lines, the same code on each, a hyphen on all but the last
    250 2.0.0 Ok: queued        one line, with an enhanced status code (RFC 3463)
"""

import re
from typing import NamedTuple

MAX_LINES = 100
MAX_LINE_BYTES = 4096
MAX_TEXT = 1000
MAX_SEEN = 16
MAX_SEEN_BYTES = 100

_CODES = {b"%d" % code: code for code in range(200, 600)}
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$|[:;,-])").match
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class BadReply(Exception):
    """What came is no SMTP reply; the session cannot go on."""


class Reply(NamedTuple):
    """One reply: its code, and its lines without code, as they came, joined by a line feed."""

    code: int
    raw: bytes

    @property
    def text(self) -> str:
        """The lines as one printable line of at most MAX_TEXT characters."""
        text = self.raw[: 4 * MAX_TEXT].decode("utf-8", "replace")
        if not text.isprintable():
            text = _UNPRINTABLE.sub(" ", text)
        return text[:MAX_TEXT].strip()

    def spoken(self) -> tuple[str | None, str]:
        """The enhanced status code, and the text without it.

        It is taken for one when it opens the text and its class agrees with the code (RFC 2034 4).
        """
        text = self.text
        found = _ENHANCED(text)
        if found is None or text[0] != str(self.code)[0]:
            return None, text
        spelled = found[0]
        if b"\n" in self.raw:
            lines = (line.lstrip() for line in self.raw[: 4 * MAX_TEXT].split(b"\n"))
            text = Reply(self.code, b"\n".join(line.removeprefix(spelled.encode()).lstrip() for line in lines)).text
        else:
            text = text[len(spelled):].lstrip()
        return spelled, text


class ReplyReader:
    """Bytes in, replies out; keeps at most one unfinished reply."""

    __slots__ = ("_code", "_lines", "_rest", "_seen")

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._code = 0
        # A host says the same few lines to every mail.
        self._seen: dict[bytes, Reply] = {}

    @property
    def empty(self) -> bool:
        """Nothing is kept: neither part of a line nor part of a reply."""
        return not self._rest and not self._lines

    def feed(self, received: bytes) -> list[Reply]:
        """The replies that `received` completes, in order.

        Raises: BadReply, when a line is too long, has no code from 200 to 599 or another one than the line before it, or there are too many.
        """
        lines = (self._rest + received if self._rest else received).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE_BYTES:
            raise BadReply("a reply line is too long")
        replies = []
        for line in lines:
            seen = self._seen.get(line)
            if seen is not None and not self._lines:
                replies.append(seen)
                continue
            code = _CODES.get(line[:3])
            if code is None or len(line) > MAX_LINE_BYTES + 2:
                raise BadReply(f"not a reply: {_shown(line)}")
            mark, text = line[3:4], line[4:-1] if line.endswith(b"\r") else line[4:]
            if self._lines:
                if code != self._code:
                    raise BadReply(f"a reply changes its code from {self._code} to {code}")
                if mark != b"-":
                    replies.append(Reply(code, b"\n".join((*self._lines, text))))
                    self._lines = []
                    continue
            elif mark == b" " or mark == b"\r" or mark == b"":
                reply = Reply(code, text)
                replies.append(reply)
                if len(self._seen) < MAX_SEEN and len(line) < MAX_SEEN_BYTES:
                    self._seen[line] = reply
                continue
            if mark != b"-":
                raise BadReply(f"not a reply: {_shown(line)}")
            self._code = code
            self._lines.append(text)
            if len(self._lines) > MAX_LINES:
                raise BadReply("a reply has too many lines")
        return replies


def _shown(line: bytes) -> str:
    return _UNPRINTABLE.sub(" ", line[:80].decode("ascii", "replace"))
