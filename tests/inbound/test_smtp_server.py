"""Mail that comes back, from the segment to the row."""

from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import Clock

from scaisend.faults import Unavailable
from scaisend.inbound.recipients import OurRecipients
from scaisend.inbound.smtp_server import IN_ROW_BYTES, InboundDeliveries
from scaisend.inbound.store import KeptMail, kept_across_tenants, kept_mail_across_tenants
from scaisend.smtp.receiver_factory import ReceiverFactory
from scaisend.smtp.session import Envelope, Session
from scaisend.storage.database import Txn
from scaisend.storage.disk_objects import DiskObjects
from scaisend.tokens import return_path_token
from tests.base import ReactorTestCase
from tests.world.inline_database import InlineDatabase
from tests.world.smtp_session import Peer
from tests.world.tenants import NOW, id_maker

KEY = b"k" * 32
MESSAGE = "msg_01kabcdefghjkmnpqrstvwxyz0"
TOKEN = return_path_token(KEY, MESSAGE, 0, NOW)
RETURN_PATH = f"bounces+{TOKEN}@bounce.example.test"
SESSION = Session("192.0.2.1", "mx.other.test", True)


def add_recipient_and_domain(txn: Txn) -> None:
    txn.insert(
        "recipients",
        ("id", "tenant_id", "message_id", "kind", "email", "name", "status", "updated_at"),
        [(f"{MESSAGE}.0", "tnt_1", MESSAGE, "to", "r@r.test", "", "delivered", 0)],
    )
    txn.insert("domains", ("id", "tenant_id", "domain", "created_at", "updated_at"), [("dom_1", "tnt_1", "sender.test", 0, 0)])


class InboundTests(ReactorTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.objects = DiskObjects(directory=self.folder, reactor=reactor)
        self.addCleanup(self.objects.close)
        self.database = InlineDatabase()
        self.database.now(add_recipient_and_domain)
        self.deliveries = InboundDeliveries(
            recipients=OurRecipients(token_key=KEY, bounce_domains=("bounce.example.test",)),
            database=self.database, objects=self.objects, ids=id_maker(), now_s=lambda: NOW,
        )

    def peer(self) -> Peer:
        return Peer(factory=ReceiverFactory(deliveries=self.deliveries, hostname="mx.example.test", reactor=Clock()))

    def kept(self) -> list[KeptMail]:
        mails = [self.database.now(kept_mail_across_tenants, mail.id) for mail in self.database.now(kept_across_tenants)]
        return [mail for mail in mails if mail is not None]

    def test_a_bounce_is_kept_before_the_250(self) -> None:
        """A mail for a return path is kept unread, with the recipient and the tenant that its token leads to."""
        peer = self.peer().says(f"MAIL FROM:<>\r\nRCPT TO:<{RETURN_PATH.upper()}>\r\nDATA\r\n".encode())
        peer.says(b"Subject: \xff\x00\r\n\r\n..\r\n.\r\n")
        self.assertEqual(peer.codes(), [250, 250, 354, 250])
        [mail] = self.kept()
        self.assertEqual((mail.tenant_id, mail.recipient_id, mail.kind), ("tnt_1", f"{MESSAGE}.0", "unparsed"))
        self.assertEqual((mail.mail_from, mail.content, mail.received_at), ("", b"Subject: \xff\x00\r\n\r\n.\r\n", NOW))
        self.assertEqual((mail.peer, mail.size_bytes), ("local peer.example.test", 18))

    def test_one_row_a_recipient(self) -> None:
        """A mail for several of our addresses is kept for each; only the return path has a tenant."""
        peer = self.peer().says(f"MAIL FROM:<a@a.test>\r\nRCPT TO:<postmaster>\r\nRCPT TO:<{RETURN_PATH}>\r\nDATA\r\n".encode()).says(b"x\r\n.\r\n")
        self.assertEqual(peer.codes(), [250, 250, 250, 354, 250])
        self.assertEqual([(mail.rcpt_to, mail.tenant_id) for mail in self.kept()], [(RETURN_PATH, "tnt_1"), ("postmaster", None)])

    def test_token_of_a_recipient_that_is_gone(self) -> None:
        """A good token whose message was cleaned up is still kept, without a tenant."""
        address = f"bounces+{return_path_token(KEY, MESSAGE, 7, NOW)}@bounce.example.test"
        self.peer().says(f"MAIL FROM:<>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode()).says(b".\r\n")
        self.assertEqual([(mail.recipient_id, mail.tenant_id) for mail in self.kept()], [(f"{MESSAGE}.7", None)])

    def test_what_is_not_ours_is_refused_at_rcpt(self) -> None:
        """No relay and no backscatter: forged return paths, foreign hosts and hosts of unknown domains get 550 at once."""
        peer = self.peer().says(b"MAIL FROM:<>\r\n")
        peer.said()
        for address, code in [
            (f"bounces+{TOKEN[::-1]}@bounce.example.test", 550), ("a@other.test", 550), (f"bounces+{TOKEN}@bounces.unknown.test", 550),
            ("abuse@bounces.unknown.test", 550), (f"bounces+{TOKEN}@bounces.sender.test", 250), ("abuse@bounces.sender.test", 250),
        ]:
            self.assertEqual(peer.says(f"RCPT TO:<{address}>\r\n".encode()).codes(), [code], address)

    def test_database_away(self) -> None:
        """Without the database the peer is asked to come back, at RCPT where it is needed and at the end of the mail."""
        peer = self.peer().says(f"MAIL FROM:<>\r\nRCPT TO:<{RETURN_PATH}>\r\nDATA\r\n".encode())
        self.database.away = True
        peer.says(b"x\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<abuse@bounces.sender.test>\r\n")
        self.assertEqual(peer.codes(), [250, 250, 354, 451, 250, 451])
        self.database.away = False
        self.assertEqual(self.kept(), [])

    async def test_large_mail(self) -> None:
        """A mail over 256 KB stands in the object store, once, and its rows name it."""
        content = b"x" * 998 + b"\r\n" * (IN_ROW_BYTES // 2)
        verdict = await self.deliveries.message(SESSION, Envelope("", recipients=["postmaster", RETURN_PATH]), content)
        self.assertEqual(verdict.code, 250)
        first, second = self.kept()
        self.assertEqual((first.content, first.object_key), (None, second.object_key))
        assert first.object_key is not None
        self.assertEqual(await self.objects.get(first.object_key), content)

    async def test_objects_away(self) -> None:
        """A large mail is not answered with 250, and leaves no row, when the object store cannot take it."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "inbound").write_bytes(b"in the way")
        with self.assertRaises(Unavailable):
            await self.deliveries.message(SESSION, Envelope("", recipients=[RETURN_PATH]), b"x" * (IN_ROW_BYTES + 1))
        self.assertEqual(self.kept(), [])
