"""What the receiver knows of a peer, and what it asks of whoever takes the mail."""

from dataclasses import dataclass, field
from typing import Protocol

from scaisend.smtp.verdict import Verdict


@dataclass(slots=True)
class Session:
    """One connection. `name` is what the peer called itself in EHLO or HELO, `tls` the version (TLSv1.3) or empty.

    `login` is what AuthRules.authenticate said of the client that logged in.
    """

    peer: str
    name: str = ""
    is_extended: bool = False
    tls: str = ""
    login: object = None

    @property
    def protocol(self) -> str:
        """The word behind `with` in a Received field (RFC 3848)."""
        if not self.is_extended:
            return "SMTP"
        return f"ESMTP{'S' if self.tls else ''}{'A' if self.login is not None else ''}"


@dataclass(slots=True)
class Envelope:
    """One transaction (RFC 5321 2.3.1): `sender` is empty for the null reverse path; only accepted recipients are listed."""

    sender: str
    is_utf8: bool = False
    body: str = "7BIT"
    recipients: list[str] = field(default_factory=list)


class Deliveries(Protocol):
    """Takes the mail. Each coroutine may raise Unavailable, which the peer sees as 451 4.3.0."""

    async def mail(self, session: Session, sender: str) -> Verdict | None:
        """Why mail of this sender is refused, or None."""

    async def rcpt(self, session: Session, recipient: str) -> Verdict:
        """Whether mail for this recipient is taken."""

    async def message(self, session: Session, envelope: Envelope, content: bytes) -> Verdict:
        """The mail is stored for every recipient, and the verdict is a 250; or it is not, and the verdict says why."""
