"""How a session opens, as data: greeting, EHLO, STARTTLS, EHLO again (RFC 5321 3.1, 3.2; RFC 3207).

    S: 220 mx.example.net ESMTP
    C: EHLO out.example.com
    S: 250-mx.example.net
    S: 250-PIPELINING
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 2.0.0 Ready to start TLS
    (handshake)
    C: EHLO out.example.com
"""

from collections.abc import Mapping

from scaisend.delivery.reply_reader import BadReply, Reply, ReplyReader

GREETING = "greeting"
EHLO = "ehlo"
TLS = "tls"

# What the owner of the socket has to do next.
GO_ON = "go on"
START_TLS = "start tls"
READY = "ready"
FAILED = "failed"


class Opening:
    """The first commands of one session. After every call `step` says what comes next; on FAILED `stage`, `reply` and `fault` say why."""

    def __init__(self, *, helo: str, wants_tls: bool, needs_tls: bool) -> None:
        """`wants_tls`: STARTTLS is used when offered; `needs_tls`: without it there is no session."""
        self._helo = helo.encode("ascii")
        self._wants_tls = wants_tls
        self._needs_tls = needs_tls
        self._reader = ReplyReader()
        self._asked = b""
        self.secure = False
        self.step = GO_ON
        self.stage = GREETING
        self.reply: Reply | None = None
        self.fault = ""
        self.refused = False
        self.capabilities: Mapping[str, str] = {}
        self.lines: list[str] = []

    @property
    def tls_failed(self) -> bool:
        """STARTTLS was offered and then refused, or the handshake did not come to its end: a host that might do without."""
        return self.step == START_TLS or (self.stage == TLS and self.refused)

    def receive(self, received: bytes) -> bytes:
        """What is to be written after `received`."""
        if self.step != GO_ON:
            return self._fail("the host spoke out of turn")
        try:
            replies = self._reader.feed(received)
        except BadReply as error:
            return self._fail(str(error))
        if not replies:
            return b""
        if len(replies) > 1 or not self._reader.empty:
            # Above all after STARTTLS: plain text must not be taken for what comes under TLS (RFC 3207 4.2, CVE-2011-0411).
            return self._fail("the host said more than it was asked")
        self.reply = replies[0]
        self.lines.append(f"< {self.reply.code} {self.reply.text}")
        if self.stage == GREETING:
            return self._greeted(self.reply)
        if self.stage == EHLO:
            return self._introduced(self.reply)
        return self._tls_answered(self.reply)

    def secured(self) -> bytes:
        """The handshake is done: nothing that was learnt before it counts, so EHLO is sent again."""
        self.secure = True
        self._reader = ReplyReader()
        self.capabilities = {}
        self.lines.append("(TLS)")
        self.step, self.stage = GO_ON, EHLO
        return self._say(b"EHLO " + self._helo)

    def _greeted(self, reply: Reply) -> bytes:
        if reply.code != 220:
            return self._fail("the host's greeting refuses us", refused=True)
        self.stage = EHLO
        return self._say(b"EHLO " + self._helo)

    def _introduced(self, reply: Reply) -> bytes:
        if reply.code // 100 == 5 and self._asked.startswith(b"EHLO") and not self._needs_tls and not self.secure:
            return self._say(b"HELO " + self._helo)
        if reply.code // 100 != 2:
            return self._fail("the host refuses our EHLO", refused=True)
        self.capabilities = capabilities(reply.raw) if self._asked.startswith(b"EHLO") else {}
        if self._wants_tls and not self.secure:
            if "STARTTLS" in self.capabilities:
                self.stage = TLS
                return self._say(b"STARTTLS")
            if self._needs_tls:
                self.stage = TLS
                return self._fail("5.7.10 TLS is required here and the host does not offer STARTTLS")
        self.step = READY
        return b""

    def _tls_answered(self, reply: Reply) -> bytes:
        if reply.code != 220:
            return self._fail("the host refuses STARTTLS", refused=True)
        self.step = START_TLS
        return b""

    def _say(self, command: bytes) -> bytes:
        self._asked = command
        self.lines.append("> " + command.decode("ascii"))
        return command + b"\r\n"

    def _fail(self, fault: str, *, refused: bool = False) -> bytes:
        self.step, self.fault, self.refused = FAILED, fault, refused
        return b""


def capabilities(raw: bytes) -> dict[str, str]:
    """Keyword in upper case → its parameters, from the lines of an EHLO reply; the first line is the host's name (RFC 5321 4.1.1.1)."""
    found = {}
    for line in raw.split(b"\n")[1:]:
        keyword, _, parameters = line.decode("ascii", "replace").strip().partition(" ")
        if keyword:
            found[keyword.upper()] = parameters.strip()
    return found
