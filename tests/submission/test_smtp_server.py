"""Mail handed in, from the login to the row."""

from base64 import b64encode
from typing import Any

from scaisend.identity.authenticate import Authenticator
from scaisend.identity.keys_store import find_credential
from scaisend.sending.accept import UNVERIFIED_SENDER, Accepted, Submission, accept
from scaisend.sending.api import SendApi
from scaisend.smtp.auth import AuthRules
from scaisend.smtp.receiver_factory import ReceiverFactory
from scaisend.storage.group_commit import GroupCommit
from scaisend.storage.limiter import Limit
from scaisend.storage.memory_limiter import MemoryLimiter
from scaisend.storage.pushing import Pushing
from scaisend.storage.queue import EMAIL_PROCESS
from scaisend.submission.message import Submitted
from scaisend.submission.smtp_server import LIMITS, Submissions
from tests.sending.test_api import KeptObjects, encode
from tests.submission.mails import mail, octets, rich_mail
from tests.world.road import Counts, RoadTestCase
from tests.world.smtp_session import Peer
from tests.world.tenants import a_lockout, make_a_key, now

KEPT = "SELECT id FROM messages"


class SubmissionTests(RoadTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.key = make_a_key(self.database, self.ids, self.tenant.id)
        commits: GroupCommit[Submission, Accepted] = GroupCommit(
            database=self.database, fn=lambda txn, items: accept(txn, self.ids, items), reactor=self.clock, most=500)
        self.objects: Any = KeptObjects()
        sending = SendApi(
            commits=commits, objects=self.objects, pushing=Pushing(queue=self.queue, name=EMAIL_PROCESS, reactor=self.clock), ids=self.ids,
            metrics=Counts(), encode=encode, reached=lambda point: None)
        self.threads = 0

        async def in_thread(fn: Any) -> Submitted:
            self.threads += 1
            read: Submitted = fn()
            return read

        self.submissions = Submissions(
            sending=sending, identity=Authenticator(look_up=self.look_up, note_use=lambda key_id, tenant_id: None, lockout=a_lockout()),
            limiter=MemoryLimiter(clock=self.clock.seconds), limit=Limit(20, 60.0), now_s=self.clock.seconds, in_thread=in_thread)
        self.factory = ReceiverFactory(
            deliveries=self.submissions, hostname="mx.example.test", reactor=self.clock, limits=LIMITS,
            auth=AuthRules(self.submissions.authenticate))

    async def look_up(self, key_hash: bytes) -> Any:
        return await self.database.run(find_credential, key_hash)

    def client(self, key: str | None = None, user: str = "apikey") -> Peer:
        """A client under TLS that logged in with the key, or tried."""
        peer = Peer(factory=self.factory, clock=self.clock, greet=False)
        peer.receiver.session.tls = "TLSv1.3"
        peer.says(b"EHLO app.test\r\n").said()
        return peer.says(b"AUTH PLAIN " + b64encode(f"\0{user}\0{key or self.key}".encode()) + b"\r\n")

    def submit(self, content: bytes, *recipients: str, key: str | None = None, peer: Peer | None = None) -> str:
        """The reply to the mail."""
        if peer is None:
            peer = self.client(key)
            self.assertEqual(peer.codes(), [235])
        lines = [b"MAIL FROM:<bounce@example.org>", *[b"RCPT TO:<%s>" % each.encode() for each in recipients or ("jane@example.com",)], b"DATA"]
        peer.says(b"\r\n".join(lines) + b"\r\n").said()
        return peer.says(content.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n").said().decode().strip()

    def test_queued(self) -> None:
        """The 250 names the X-Message-Id of a request that is committed, for the tenant of the key."""
        reply = self.submit(mail())
        self.assertTrue(reply.startswith("250 2.0.0 Ok: queued as "), reply)
        ((request_id, tenant_id),) = self.database.rows("SELECT id, tenant_id FROM mail_requests")
        self.assertEqual((reply.rpartition(" ")[2], tenant_id), (request_id, self.tenant.id))
        self.assertEqual(self.database.rows("SELECT email, status FROM recipients"), [("jane@example.com", "queued")])

    def test_guessing(self) -> None:
        """An address from which robots try passwords is put off; who wears a wrong name or has a wrong key is told the same."""
        for key, user in (("sg_live_" + "0" * 32, "apikey"), ("hunter2", "apikey"), (self.key, "root")):
            said = self.client(key, user).said()
            self.assertEqual(said, b"535 5.7.8 Authentication failed: The provided authorization grant is invalid, expired, or revoked\r\n")
        for number in range(60):
            code, = self.client(f"password-{number}").codes()
        self.assertEqual(code, 454)
        self.assertEqual(self.client(self.key).codes(), [235])

    def test_attachments(self) -> None:
        """Files go to the object store, as those of the API."""
        self.assertTrue(self.submit(octets(rich_mail())).startswith("250"))
        self.assertEqual(len(self.objects.kept), 3)
        self.assertTrue(self.submit(mail(text="x\r\n" * 40_000)).startswith("250"))
        self.assertEqual(self.threads, 1)

    def test_logins(self) -> None:
        """Only the user `apikey` with a key that may send gets in; a suspended account does not."""
        no_mail = make_a_key(self.database, self.ids, self.tenant.id, ("templates.read",))
        for key, user in (("sg_live_" + "0" * 32, "apikey"), ("hunter2", "apikey"), ("", "apikey"), (self.key, "admin"), (no_mail, "apikey")):
            self.assertIn(b"535 5.7.8 Authentication failed: ", self.client(key or " ", user).said(), (key, user))
        self.set_row("UPDATE tenants SET status = 'suspended' WHERE id = ?", self.tenant.id)
        fresh = make_a_key(self.database, self.ids, self.tenant.id)
        self.assertIn(b"535 5.7.8 Authentication failed: access forbidden: the account is suspended", self.client(fresh).said())

    def test_a_key_that_is_revoked_while_it_is_logged_in(self) -> None:
        """Its next mail is refused: the transaction asks again."""
        peer = self.client()
        peer.said()
        self.assertTrue(self.submit(mail(), peer=peer).startswith("250"))
        self.set_row("UPDATE api_keys SET revoked_at = 1")
        self.set_row("UPDATE epochs SET value = value + 1")
        self.assertTrue(self.submit(mail(), peer=peer).startswith("550 5.7.8"))
        self.assertEqual(self.count("messages"), 1)

    def test_another_tenants_domain(self) -> None:
        """A From of a domain that is not the tenant's own is refused with SendGrid's text, and leaves nothing."""
        self.database.rows("SELECT 1")
        self.set_row("UPDATE domains SET domain = 'theirs.test' WHERE tenant_id = ?", self.other.id)
        reply = self.submit(mail(From="boss@theirs.test"))
        self.assertEqual(reply, f"550 5.7.1 {UNVERIFIED_SENDER}")
        self.assertEqual(self.count("messages"), 0)

    def test_relaying(self) -> None:
        """Without a login nothing is taken, for anybody."""
        peer = Peer(factory=self.factory, clock=self.clock)
        self.assertEqual(peer.says(b"MAIL FROM:<shop@example.org>\r\nRCPT TO:<v@victim.test>\r\nDATA\r\n").codes(), [530, 503, 503])

    def test_faults(self) -> None:
        """What the API would refuse is refused: the first fault, its field, and how many more."""
        for content, reply in (
            (mail(Subject=""), "550 5.6.0 subject: The subject is required."),
            (mail(From="nobody"), "550 5.6.0 from.email: The from email does not contain a valid address."),
            (mail(X_SMTPAPI="{"), "550 5.6.0 x-smtpapi: Invalid SMTPAPI header: it is not JSON"),
            (mail(X_SMTPAPI='{"batch_id": "none"}'), "550 5.6.0 batch_id: "), (mail(X_SMTPAPI='{"send_at": 99999999999}'), "550 5.6.0 send_at: Scheduling"),
            (b"no header\r\n", "550 5.6.0 A line in the header"), (mail(Subject="", From="nobody"), "550 5.6.0"),
            (mail(Subject="=?utf-8?q?a=0D=0ABcc:_v@x.test?="), "550 5.6.0 subject: The subject of your email cannot contain CR"),
        ):
            self.assertTrue(self.submit(content).startswith(reply), reply)
        self.assertTrue(self.submit(mail(Subject="", From="nobody")).endswith(" (and 1 more)"))
        self.assertEqual(self.count("messages"), 0)

    def test_recipients(self) -> None:
        """An address that nobody can have is refused at RCPT; a thousand are the most."""
        peer = self.client()
        peer.said()
        peer.says(b"MAIL FROM:<>\r\n").said()
        self.assertEqual(peer.says(b"RCPT TO:<x@localhost>\r\nRCPT TO:<postmaster>\r\nRCPT TO:<x@[192.0.2.1]>\r\n").codes(), [550] * 3)
        peer.says(b"".join(b"RCPT TO:<r%d@x.test>\r\n" % number for number in range(1001)))
        self.assertEqual(peer.codes(), [250] * 1000 + [452])
        peer.says(b"DATA\r\n").said()
        self.assertIn(b"250 2.0.0 Ok: queued as ", peer.says(mail() + b"\r\n.\r\n").said())
        self.assertEqual(self.count("recipients"), 1000)

    def test_idempotency(self) -> None:
        """The same mail with the same key is one message; another with it is refused."""
        first = self.submit(mail(Idempotency_Key="k1", Message_ID="<1@x>"))
        self.assertEqual(self.submit(mail(Idempotency_Key="k1", Message_ID="<2@x>")), first)
        self.assertTrue(self.submit(mail(text="else\r\n", Idempotency_Key="k1")).startswith("550 5.5.4 Idempotency-Key: "))
        self.assertTrue(self.submit(mail(Idempotency_Key="x" * 256)).startswith("550 5.6.0"))
        self.assertEqual(self.count("messages"), 1)

    def test_rate(self) -> None:
        """The limit of mail/send holds for both roads; beyond it the client is asked to come back."""
        for _ in range(20):
            now(self, self.submissions._count(self.caller))
        self.assertTrue(self.submit(mail()).startswith("451 4.7.1"))

    def test_database_away(self) -> None:
        """Neither a login nor a mail is refused for good while the database is away."""
        peer = self.client()
        peer.said()
        self.database.away = True
        self.assertTrue(self.submit(mail(), peer=peer).startswith("451 4.3.0"))
        self.assertIn(b"454 4.7.0", self.client("sg_live_" + "1" * 32).said())
        self.database.away = False
        self.assertTrue(self.submit(mail(), peer=peer).startswith("250"))

    def test_sandbox(self) -> None:
        """A test key delivers nothing."""
        test_key = make_a_key(self.database, self.ids, self.tenant.id, is_test=True)
        self.assertTrue(self.submit(mail(), key=test_key).startswith("250"))
        self.assertEqual(self.database.rows("SELECT status FROM messages"), [("sandbox",)])
