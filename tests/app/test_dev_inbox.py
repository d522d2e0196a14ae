"""The catch-all MX's memory."""

from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from scaisend.app.dev_inbox import DevInbox
from scaisend.faults import NotFound, Unavailable
from scaisend.smtp.session import Envelope, Session
from tests.base import ReactorTestCase
from tests.world.tenants import NOW, id_maker

IDS = id_maker()


class InboxTests(ReactorTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.inbox = self.opened()

    def opened(self, kept_mails: int = 100) -> DevInbox:
        inbox = DevInbox(directory=self.folder, ids=IDS, now_s=lambda: NOW, reactor=reactor, kept_mails=kept_mails)
        self.addCleanup(inbox.close)
        return inbox

    async def take(self, *subjects: str) -> None:
        """Mails with these subjects were taken all at once."""
        envelope = Envelope("b@b.test", recipients=["r@r.test"])
        took = [self.inbox.message(Session("p"), envelope, f"Subject: {subject}\r\n\r\n".encode()) for subject in subjects]
        for verdict in await gatherResults([Deferred.fromCoroutine(each) for each in took]):
            self.assertEqual(verdict.code, 250)

    def subjects(self, inbox: DevInbox | None = None) -> list[str]:
        return [entry.subject for entry in (inbox or self.inbox).newest_first()]

    async def test_everything_is_kept(self) -> None:
        """Every mail is kept, newest first, and is there after a restart."""
        await self.take("one", "two", "three")
        await self.take("four")
        self.assertEqual(self.subjects(), ["four", "three", "two", "one"])
        again = self.opened()
        self.assertEqual(self.subjects(again), ["four", "three", "two", "one"])
        newest = next(iter(again.newest_first()))
        self.assertEqual(again.content(newest.id), b"Subject: four\r\n\r\n")

    async def test_only_the_newest(self) -> None:
        """Over the bound the oldest mails go, and a file goes with its last mail."""
        await self.take("one", "two")
        self.inbox = self.opened(kept_mails=3)
        await self.take("three", "four", "five", "six")
        self.assertEqual(self.subjects(), ["six", "five", "four"])
        self.assertEqual(len(list(self.folder.iterdir())), 1)

    async def test_delete(self) -> None:
        """A deleted mail is gone at once and after a restart; the others stay."""
        await self.take("one", "two", "three")
        two = next(entry for entry in self.inbox.newest_first() if entry.subject == "two")
        await self.inbox.delete(two.id)
        with self.assertRaises(NotFound):
            self.inbox.content(two.id)
        self.assertEqual(self.subjects(), ["three", "one"])
        self.assertEqual(self.subjects(self.opened()), ["three", "one"])

    async def test_clear(self) -> None:
        """A cleared inbox has lost all it had; mails on their way are kept whole or not at all; and it takes mail again."""
        await self.take("zero")
        taking = Deferred.fromCoroutine(self.take("one", "two"))
        await self.inbox.clear()
        await taking
        self.assertNotIn("zero", self.subjects())
        for entry in self.inbox.newest_first():
            self.assertEqual(self.inbox.content(entry.id), f"Subject: {entry.subject}\r\n\r\n".encode())
        await self.inbox.clear()
        self.assertEqual(self.subjects(), [])
        await self.take("three")
        self.assertEqual(self.subjects(self.opened()), ["three"])

    async def test_no_disk(self) -> None:
        """A mail that cannot be written is not answered with 250."""
        self.folder.rmdir()
        with self.assertRaises(Unavailable):
            await self.inbox.message(Session("p"), Envelope("", recipients=["r@r.test"]), b"x")
        self.folder.mkdir()
        await self.take("one")
        self.assertEqual(self.subjects(), ["one"])
