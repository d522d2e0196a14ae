"""What our listener answers: RCPT is judged at once, and a mail is kept, unread, before its 250."""

from collections.abc import Callable

from scaisend.faultpoints import reach
from scaisend.ids import IdMaker
from scaisend.inbound.recipients import RELAY_DENIED, OurRecipient, OurRecipients
from scaisend.inbound.store import UNPARSED, KeptMail, is_sender_domain_across_tenants, keep_across_tenants
from scaisend.smtp.session import Envelope, Session
from scaisend.smtp.verdict import RECIPIENT_OK, Verdict
from scaisend.storage.database import Database
from scaisend.storage.objects import Objects

IN_ROW_BYTES = 256 * 1024
PEER_LENGTH = 320


class InboundDeliveries:
    """Takes mail for the return paths and mailboxes of this installation (`Deliveries` of smtp/session.py)."""

    def __init__(
        self, *, recipients: OurRecipients, database: Database, objects: Objects, ids: IdMaker, now_s: Callable[[], float],
    ) -> None:
        self._recipients = recipients
        self._database = database
        self._objects = objects
        self._ids = ids
        self._now_s = now_s

    async def mail(self, session: Session, sender: str) -> Verdict | None:
        """Every sender may write: reports come from anywhere, most of them with the null reverse path."""
        return None

    async def rcpt(self, session: Session, recipient: str) -> Verdict:
        """The database is asked only for the hosts of sender domains, and only when the rest is in order."""
        ours = self._recipients.judge(recipient, self._now_s())
        if isinstance(ours, Verdict):
            return ours
        if ours.sender_domain is not None and not await self._database.read(is_sender_domain_across_tenants, ours.sender_domain):
            return RELAY_DENIED
        return RECIPIENT_OK

    async def message(self, session: Session, envelope: Envelope, content: bytes) -> Verdict:
        """One row a recipient is committed; a large mail is in the object store before that.

        Raises: Unavailable; nothing is kept then but perhaps an object that no row names.
        """
        mails = self._rows(session, envelope, content)
        if (object_key := mails[0].object_key) is not None:
            await self._objects.put(object_key, content)
        await self._database.run(keep_across_tenants, mails)
        reach("inbound.after_commit")
        return Verdict(250, "2.0.0", f"kept as {mails[0].id}")

    def _rows(self, session: Session, envelope: Envelope, content: bytes) -> list[KeptMail]:
        now_s = self._now_s()
        ids = [self._ids.new("inb") for _ in envelope.recipients]
        is_large = len(content) > IN_ROW_BYTES
        return [
            KeptMail(
                id=an_id, kind=UNPARSED, mail_from=envelope.sender, rcpt_to=recipient, recipient_id=self._recipient_id(recipient, now_s),
                peer=f"{session.peer} {session.name}"[:PEER_LENGTH], size_bytes=len(content), received_at=now_s,
                object_key=f"inbound/{ids[0]}" if is_large else None, content=None if is_large else content,
            )
            for an_id, recipient in zip(ids, envelope.recipients, strict=True)
        ]

    def _recipient_id(self, recipient: str, now_s: float) -> str | None:
        ours = self._recipients.judge(recipient, now_s)
        return ours.return_path.recipient_id if isinstance(ours, OurRecipient) and ours.return_path else None
