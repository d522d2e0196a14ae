"""Mail for parse hosts, from RCPT to the tenant's web server: on real sockets, with a database and a clock that obey."""

import io
import json
from typing import Any

import multipart
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from scaisend.dns import Answer, NoSuchName
from scaisend.http.outgoing import Outgoing
from scaisend.inbound.parse_post_worker import LEASE_S, ParsePosts
from scaisend.inbound.parse_store import ParseSetting, add_parse_setting
from scaisend.inbound.recipients import OurRecipients
from scaisend.inbound.smtp_server import LARGEST_PARSED, InboundDeliveries
from scaisend.smtp.receiver_factory import ReceiverFactory
from tests.base import ReactorTestCase
from tests.submission.mails import mail, octets, rich_mail
from tests.world.inline_database import InlineDatabase
from tests.world.smtp_session import Peer
from tests.world.tenants import NOW, id_maker
from tests.world.web_peer import Asked, Says, WebPeer

DAY = 86_400.0


class Kept:
    """An object store in a dict."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def put(self, name: str, content: bytes, content_type: str = "") -> None:
        self.objects[name] = content

    async def get(self, name: str) -> bytes:
        return self.objects[name]

    async def delete(self, name: str) -> None:
        del self.objects[name]


class NoDns:
    async def resolve(self, name: str, kind: str) -> Answer:
        if name == "x.test" and kind == "TXT":
            return Answer(("v=spf1 ip4:192.0.2.1 -all",), 60.0)
        raise NoSuchName(name)


class Told:
    def __init__(self) -> None:
        self.kinds: list[str] = []

    def read_back(self, kind: str) -> None:
        self.kinds.append(kind)


class ParseTestCase(ReactorTestCase):
    def setUp(self) -> None:
        self.now_s = NOW
        self.database, self.objects, self.told, self.ids = InlineDatabase(), Kept(), Told(), id_maker()
        self.web = WebPeer(reactor)
        self.addCleanup(self.web.stop)
        self.add("parse.x.test")
        self.worker = self.make_worker()
        objects: Any = self.objects
        deliveries = InboundDeliveries(
            recipients=OurRecipients(token_key=b"k" * 32, bounce_domains=("bounce.example.test",)), database=self.database, objects=objects,
            ids=self.ids, now_s=lambda: self.now_s)
        self.factory = ReceiverFactory(deliveries=deliveries, hostname="mx.example.test", reactor=Clock())

    def make_worker(self, **more: Any) -> ParsePosts:
        objects: Any = self.objects
        outgoing = Outgoing(reactor=reactor, resolver=NoDns(), allow_http=True, allow_private=True)
        self.addCleanup(lambda: Deferred.fromCoroutine(outgoing.close()))

        async def in_thread(fn: Any) -> Any:
            return fn()

        given: dict[str, Any] = {
            "database": self.database, "objects": objects, "ids": self.ids, "outgoing": outgoing, "lookup": NoDns().resolve, "reactor": reactor,
            "now_s": lambda: self.now_s, "in_thread": in_thread, "metrics": self.told, **more,
        }
        return ParsePosts(**given)

    def add(self, host: str, tenant_id: str = "tnt_1", *, is_raw: bool = False, url: str = "") -> None:
        self.database.now(add_parse_setting, tenant_id, ParseSetting(host, url or f"{self.web.url}/hook", False, is_raw, NOW))

    def arrives(self, content: bytes, *recipients: str, sender: str = "jane@x.test") -> list[int]:
        """The replies to the envelope and to the mail."""
        peer = Peer(factory=self.factory)
        peer.receiver.session.peer = peer.receiver.peer = "192.0.2.1"
        lines = [f"MAIL FROM:<{sender}>", *[f"RCPT TO:<{each}>" for each in recipients or ("anything+1@parse.x.test",)], "DATA"]
        codes = [code for line in lines for code in peer.says(f"{line}\r\n".encode()).codes()]
        if codes[-1] != 354:
            return codes
        return codes + peer.says(content.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n").codes()

    async def settled(self, worker: ParsePosts | None = None) -> None:
        """What was due was posted, one way or another."""
        worker = worker or self.worker
        await worker.turn()
        while worker._in_flight:
            await Deferred.fromCoroutine(pause())

    def kinds(self) -> list[str]:
        return [row[0] for row in self.database.rows("SELECT kind FROM inbound_mails ORDER BY id")]

    def due_in(self) -> list[float | None]:
        rows = self.database.rows("SELECT due_at FROM parse_posts ORDER BY mail_id")
        return [None if row[0] is None else round(row[0] / 1_000_000 - self.now_s, 3) for row in rows]


async def pause() -> None:
    waiting: Deferred[None] = Deferred()
    reactor.callLater(0.005, waiting.callback, None)
    await waiting


def parts_of(asked: Asked) -> dict[str, tuple[str | None, bytes]]:
    boundary = asked.headers["content-type"].partition("boundary=")[2]
    return {part.name: (part.filename, part.raw) for part in multipart.MultipartParser(io.BytesIO(asked.body), boundary)}


class ParseTests(ParseTestCase):
    async def test_a_mail_is_posted(self) -> None:
        """Any local part of a parse host is taken; the mail is posted once with files and verdicts, and gone."""
        content = octets(rich_mail())
        self.assertEqual(self.arrives(content, "Any.One@PARSE.x.test", "two@parse.x.test"), [250, 250, 250, 354, 250])
        self.assertEqual((self.kinds(), self.web.asked), (["parse"], []))
        await self.settled()
        (asked,) = self.web.asked
        parts = parts_of(asked)
        self.assertEqual((asked.method, asked.path), ("POST", "/hook"))
        self.assertEqual(json.loads(parts["envelope"][1]), {"to": ["Any.One@PARSE.x.test", "two@parse.x.test"], "from": "jane@x.test"})
        self.assertEqual((parts["SPF"][1], parts["dkim"][1], parts["sender_ip"][1]), (b"pass", b"none", b"192.0.2.1"))
        self.assertEqual(parts["attachment2"], ("Rechnung für Jané.pdf", b"%PDF\x00\xff" * 50))
        self.assertEqual((self.kinds(), self.due_in(), self.told.kinds), ([], [], ["parse"]))
        await self.settled()
        self.assertEqual(len(self.web.asked), 1)

    async def test_raw_and_large(self) -> None:
        """A large mail lies in the object store until it was posted; raw is octet for octet."""
        self.add("raw.x.test", is_raw=True)
        content = mail(text="x\r\n" * 200_000)
        self.arrives(content, "a@raw.x.test")
        self.assertEqual(len(self.objects.objects), 1)
        await self.settled()
        self.assertEqual((parts_of(self.web.asked[0])["email"][1].rstrip(b"\r\n"), self.objects.objects), (content.rstrip(b"\r\n"), {}))

    async def test_who_takes_what(self) -> None:
        """Hosts of nobody are refused; one transaction may be for several hosts and for us, and each gets its own."""
        self.add("other.y.test", "tnt_2")
        self.assertEqual(self.arrives(mail(), "a@nobody.test"), [250, 550, 554])
        self.assertEqual(self.arrives(mail(), "a@x.test", "a@sub.parse.x.test"), [250, 550, 550, 554])
        self.assertEqual(self.arrives(mail(), "postmaster@bounce.example.test", "a@parse.x.test", "b@other.y.test")[-1], 250)
        rows = self.database.rows("SELECT kind, tenant_id FROM inbound_mails ORDER BY kind, tenant_id")
        self.assertEqual(rows, [("parse", "tnt_1"), ("parse", "tnt_2"), ("unparsed", None)])
        await self.settled()
        self.assertEqual(sorted(json.loads(parts_of(each)["envelope"][1])["to"][0] for each in self.web.asked), ["a@parse.x.test", "b@other.y.test"])
        self.assertEqual(self.kinds(), ["unparsed"])

    async def test_retries(self) -> None:
        """What is not a 2xx is tried again, on the schedule; then it is gone."""
        for says in (Says(500), Says(301, headers={"Location": "http://127.0.0.1/"}), Says(hang_up=True)):
            self.web.says = says
            if not self.kinds():
                self.arrives(mail())
            await self.settled()
            self.assertEqual(self.kinds(), ["parse"])
            wait_s = self.due_in()[0]
            assert wait_s is not None
            self.now_s += wait_s - 1
            await self.settled()
            self.now_s += 2
        self.assertEqual(len(self.web.asked), 3)
        self.web.says = Says(204)
        await self.settled()
        self.assertEqual((len(self.web.asked), self.kinds()), (4, []))

    async def test_three_days(self) -> None:
        """After three days it has failed: it is kept with its last answer, and posted no more."""
        self.web.says = Says(503)
        self.arrives(mail())
        for _ in range(100):
            await self.settled()
            if self.due_in() == [None]:
                break
            self.now_s += self.due_in()[0] or 0
        self.assertTrue(2.9 * DAY < self.now_s - NOW < 3 * DAY)
        self.assertEqual((self.kinds(), self.told.kinds), (["parse_failed"], ["parse_failed"]))
        self.assertEqual(self.database.rows("SELECT answer FROM parse_posts"), [("503",)])
        asked = len(self.web.asked)
        self.now_s += 31 * DAY
        await self.settled()
        self.assertEqual((len(self.web.asked), self.due_in()), (asked, []))

    async def test_a_process_that_dies(self) -> None:
        """A claim that nobody ends is somebody else's when its lease is over; its late end changes nothing."""
        self.web.says = Says(hang=True)
        self.arrives(mail())
        await self.worker.turn()
        await self.web.arrived(1)
        other = self.make_worker()
        await self.settled(other)
        self.assertEqual(len(self.web.asked), 1)
        self.now_s += LEASE_S + 1
        self.web.says = Says(200)
        await self.settled(other)
        self.assertEqual((len(self.web.asked), self.kinds()), (2, []))
        for connection in list(self.web.connections):
            connection.transport.abortConnection()  # type: ignore[union-attr]
        await self.settled()
        self.assertEqual((self.kinds(), self.told.kinds), ([], ["parse"]))

    async def test_targets_inside(self) -> None:
        """A URL that leads inside is not called, by name or by address; the mail waits, and says why."""
        guarded = Outgoing(reactor=reactor, resolver=NoDns(), allow_http=True, allow_private=False)
        worker = self.make_worker(outgoing=guarded)
        self.arrives(mail())
        await self.settled(worker)
        self.assertEqual(self.web.asked, [])
        ((answer,),) = self.database.rows("SELECT answer FROM parse_posts")
        self.assertIn("may not be", answer)
        await guarded.close()

    async def test_a_setting_that_is_gone(self) -> None:
        """Mails of a host that was given up, or is another tenant's by now, have failed; nobody else sees them."""
        self.arrives(mail())
        self.database.connection.execute("UPDATE parse_settings SET tenant_id = 'tnt_2'")
        await self.settled()
        self.assertEqual((self.kinds(), self.web.asked), (["parse_failed"], []))
        self.database.connection.execute("DELETE FROM parse_settings")
        self.assertEqual(self.arrives(mail()), [250, 550, 554])

    async def test_too_large(self) -> None:
        """Over 30 MB a mail is refused for good."""
        self.assertEqual(self.arrives(b"Subject: x\r\n\r\n" + b"x" * 70 * 1024 * 1024)[-1], 552)
        self.assertEqual(self.arrives(b"Subject: x\r\n\r\n" + (b"x" * 998 + b"\r\n") * (LARGEST_PARSED // 1000 + 1))[-1], 552)
        self.assertEqual(self.kinds(), [])

    async def test_a_dead_host_holds_up_nobody(self) -> None:
        """While one host's server hangs, with mails waiting for it, another's gets its mail."""
        hanging = WebPeer(reactor, Says(hang=True))
        self.add("dead.y.test", "tnt_2", url=hanging.url)
        for _ in range(6):
            self.arrives(mail(), "a@dead.y.test")
        self.arrives(mail())
        await self.worker.turn()
        await self.web.arrived(1)
        self.assertEqual(len(hanging.asked), 2)
        await hanging.stop()
        while self.worker._in_flight:
            await pause()

    async def test_database_away(self) -> None:
        """With the database away nothing is taken and nothing is lost: a post whose end could not be recorded is made again."""
        self.database.away = True
        self.assertEqual(self.arrives(mail())[1], 451)
        self.database.away = False
        self.arrives(mail())

        def fall(asked: Asked) -> Says:
            self.database.away = True
            return Says(200)

        self.web.says = fall
        await self.settled()
        self.database.away = False
        self.assertEqual(self.kinds(), ["parse"])
        self.now_s += LEASE_S + 1
        self.web.says = Says(200)
        await self.settled()
        self.assertEqual((self.kinds(), len(self.web.asked)), ([], 2))

    async def test_a_form_that_cannot_be_made(self) -> None:
        """A fault of ours counts as a failed try, and is tried no longer than others."""
        async def broken(fn: Any) -> Any:
            raise RuntimeError("broken")

        worker = self.make_worker(in_thread=broken)
        self.arrives(mail())
        await self.settled(worker)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual((self.kinds(), self.due_in()), (["parse"], [60.0]))

    async def test_stopping(self) -> None:
        """A worker that stops begins nothing more."""
        await self.worker.stop(1.0)
        self.arrives(mail())
        await self.settled()
        self.assertEqual((self.web.asked, self.due_in()), ([], [0.0]))


