"""What our listener answers: RCPT is judged at once, and a mail is kept, unread, before its 250."""

from collections.abc import Callable, Sequence

from scaisend.address import a_labels
from scaisend.faultpoints import reach
from scaisend.ids import IdMaker
from scaisend.inbound.parse_posts_store import ParsePost, add_across_tenants
from scaisend.inbound.parse_store import ParseSetting, owners_across_tenants
from scaisend.inbound.recipients import RELAY_DENIED, OurRecipient, OurRecipients
from scaisend.inbound.store import PARSE, UNPARSED, KeptMail, is_sender_domain_across_tenants, keep_across_tenants
from scaisend.smtp.session import Envelope, Session
from scaisend.smtp.verdict import RECIPIENT_OK, TOO_LARGE, Verdict
from scaisend.storage.database import Database, Txn
from scaisend.storage.objects import Objects

IN_ROW_BYTES = 256 * 1024
PEER_LENGTH = 320
LARGEST_PARSED = 30 * 1024 * 1024

Owners = dict[str, tuple[str, ParseSetting]]


class InboundDeliveries:
    """Takes mail for the return paths and mailboxes of this installation, and for its tenants' parse hosts (`Deliveries` of smtp/session.py)."""

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
        """The database is asked for hosts that are not our own alone: of sender domains, and parse hosts, where every name is good."""
        ours = self._recipients.judge(recipient, self._now_s())
        if isinstance(ours, Verdict):
            return RECIPIENT_OK if ours is RELAY_DENIED and await self._owners([_host(recipient)]) else ours
        if ours.sender_domain is not None and not await self._database.read(is_sender_domain_across_tenants, ours.sender_domain):
            return RELAY_DENIED
        return RECIPIENT_OK

    async def message(self, session: Session, envelope: Envelope, content: bytes) -> Verdict:
        """One row a recipient, or a parse host, is committed; a large mail is in the object store before that.

        Raises: Unavailable; nothing is kept then but perhaps an object that no row names.
        """
        now_s = self._now_s()
        parsed: dict[str, list[str]] = {}
        ours = []
        for each in envelope.recipients:
            if self._recipients.judge(each, now_s) is RELAY_DENIED:
                parsed.setdefault(_host(each), []).append(each)
            else:
                ours.append(each)
        owners = await self._owners(sorted(parsed))
        if owners and len(content) > LARGEST_PARSED:
            return TOO_LARGE
        # A host whose setting is gone by now is nobody's: its mails are kept for the operator.
        ours += [each for host, recipients in parsed.items() if host not in owners for each in recipients]
        kept = [(each, None) for each in ours] + [(parsed[host][0], host) for host in sorted(owners)]
        mails = self._rows(session, envelope, content, kept, owners)
        posts = [
            ParsePost(mail.id, owners[host][0], host, tuple(parsed[host]), 0, now_s)
            for mail, (_, host) in zip(mails, kept, strict=True) if host is not None
        ]
        if (object_key := mails[0].object_key) is not None:
            await self._objects.put(object_key, content)
        await self._database.run(_keep, mails, posts)
        reach("inbound.after_commit")
        return Verdict(250, "2.0.0", f"kept as {mails[0].id}")

    async def _owners(self, hosts: Sequence[str]) -> Owners:
        """Tenant and setting of those of the hosts that are parse hosts."""
        asked = [each for each in hosts if each]
        return await self._database.read(owners_across_tenants, asked) if asked else {}

    def _rows(
        self, session: Session, envelope: Envelope, content: bytes, kept: Sequence[tuple[str, str | None]], owners: Owners
    ) -> list[KeptMail]:
        now_s = self._now_s()
        ids = [self._ids.new("inb") for _ in kept]
        is_large = len(content) > IN_ROW_BYTES
        return [
            KeptMail(
                id=an_id, kind=UNPARSED if host is None else PARSE, mail_from=envelope.sender, rcpt_to=recipient,
                recipient_id=self._recipient_id(recipient, now_s) if host is None else None, tenant_id=owners[host][0] if host else None,
                peer=f"{session.peer} {session.name}"[:PEER_LENGTH], size_bytes=len(content), received_at=now_s,
                object_key=f"inbound/{ids[0]}" if is_large else None, content=None if is_large else content,
            )
            for an_id, (recipient, host) in zip(ids, kept, strict=True)
        ]

    def _recipient_id(self, recipient: str, now_s: float) -> str | None:
        ours = self._recipients.judge(recipient, now_s)
        return ours.return_path.recipient_id if isinstance(ours, OurRecipient) and ours.return_path else None


def _keep(txn: Txn, mails: Sequence[KeptMail], posts: Sequence[ParsePost]) -> None:
    keep_across_tenants(txn, mails)
    if posts:
        add_across_tenants(txn, posts)


def _host(address: str) -> str:
    """The address's host as settings name it, or nothing."""
    try:
        return a_labels(address.rpartition("@")[2])
    except ValueError:
        return ""
