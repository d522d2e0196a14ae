"""One mail as SMTP words: its envelope, its body on the wire, and why a host cannot be asked at all (RFC 5321 4.5.2, 1870, 6152, 6531)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scaisend.delivery.job import DATA, DOT, MAIL, RCPT, Job
from scaisend.delivery.reply_reader import Reply

MAX_TRANSCRIPT = 4000

_ADDRESS = re.compile(r"[^\x00-\x20\x7f-\xa0<>\u2028\u2029]+").fullmatch
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)").search


class CannotSend(Exception):
    """This host cannot be given the mail: `code` and `enhanced` are what it would have said."""

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.enhanced = enhanced
        self.text = text


@dataclass(frozen=True, slots=True)
class Peer:
    """With whom a session speaks; `opening` are the lines up to the last EHLO; `rung` how much TLS was asked of the host, `why` so much."""

    host: str
    address: str
    source: str | None = None
    tls: str | None = None
    opening: tuple[str, ...] = ()
    rung: str | None = None
    why: str | None = None


class Extensions:
    """What one session may use of what its EHLO offered."""

    __slots__ = ("chunking", "eightbit", "pipelining", "size", "size_limit", "smtputf8")

    def __init__(self, capabilities: Mapping[str, str]) -> None:
        self.pipelining = "PIPELINING" in capabilities
        self.chunking = "CHUNKING" in capabilities
        self.eightbit = "8BITMIME" in capabilities
        self.smtputf8 = "SMTPUTF8" in capabilities
        self.size = "SIZE" in capabilities
        limit = capabilities.get("SIZE", "")
        self.size_limit = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 20 else 0


def envelope(job: Job, body: bytes, extensions: Extensions) -> tuple[bytes, bytes]:
    """The MAIL and the RCPT line.

    Raises: CannotSend, when an address could become a command, or the host lacks what the mail needs.
    """
    to = job.envelope_to
    if not to.isascii():
        to = f"{to.rpartition('@')[0]}@{job.domain}"
    if not _ADDRESS(to):
        raise CannotSend(553, "5.1.3", "the recipient's address cannot be written in SMTP")
    sender = job.envelope_from
    if sender and not _ADDRESS(sender):
        raise CannotSend(553, "5.1.7", "the return path cannot be written in SMTP")
    words = ""
    if extensions.size:
        if 0 < extensions.size_limit < len(body):
            raise CannotSend(552, "5.3.4", f"the mail has {len(body)} bytes, the host takes {extensions.size_limit}")
        words = f" SIZE={len(body)}"
    if not body.isascii():
        if not extensions.eightbit:
            raise CannotSend(554, "5.6.3", "the mail has 8-bit text and the host does not offer 8BITMIME")
        words += " BODY=8BITMIME"
    if job.smtputf8 or not to.isascii() or not sender.isascii():
        if not extensions.smtputf8:
            raise CannotSend(553, "5.6.7", "the address needs SMTPUTF8, which the host does not offer")
        words += " SMTPUTF8"
    return f"MAIL FROM:<{sender}>{words}\r\n".encode(), f"RCPT TO:<{to}>\r\n".encode()


def stuffed(body: bytes) -> bytes:
    """The body as DATA wants it: whole, every line that starts with a dot has one more; the final dot is not part of it.

    A receiver may take a bare CR or LF before a dot for a line's end, and what follows for commands: such a body is refused, never repaired,
    since it is signed.

    Raises: CannotSend.
    """
    if not body.endswith(b"\r\n"):
        raise CannotSend(554, "5.6.0", "the mail does not end in CRLF")
    if b"\n." in body or b"\r." in body:
        if _BARE(body):
            raise CannotSend(554, "5.6.0", "the mail has a bare CR or LF")
        body = body.replace(b"\r\n.", b"\r\n..")
    return b"." + body if body.startswith(b".") else body


def transcript(job: Job, peer: Peer, extensions: Extensions, replies: Iterable[tuple[str, Reply]], ending: str) -> str:
    """What was said about one mail: the opening, each command with its reply, and how it ended; never the body. At most MAX_TRANSCRIPT characters."""
    try:
        mail, rcpt = envelope(job, job.body or b"", extensions)
    except CannotSend:
        mail = rcpt = b""
    said = {MAIL: mail.decode().rstrip(), RCPT: rcpt.decode().rstrip(), DATA: "DATA", DOT: f"(the mail, {len(job.body or b'')} bytes)"}
    lines = list(peer.opening)
    for stage, reply in replies:
        lines += [f"> {said.get(stage, stage.upper())}", f"< {reply.code} {reply.text}"]
    if ending:
        lines.append(f"({ending})")
    return "\n".join(lines)[-MAX_TRANSCRIPT:]
