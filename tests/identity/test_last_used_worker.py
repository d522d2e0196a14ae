from twisted.internet.task import Clock

from scaisend.identity.keys_store import key
from scaisend.identity.last_used_worker import LastUsed
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, caller_with, id_maker, make_a_key, make_a_tenant

START = NOW - NOW % 60


class LastUsedTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids = inline_database(), id_maker()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.clock = Clock()
        self.worker = LastUsed(database=self.database, reactor=self.clock, now_s=lambda: START + self.clock.seconds())
        self.worker.startService()
        self.key_id = self.new_key()

    def tearDown(self) -> None:
        if self.worker.running:
            self.successResultOf(self.worker.stopService())

    def new_key(self) -> str:
        return caller_with(self.database, make_a_key(self.database, self.ids, self.tenant.id)).credential_id

    def last_used_at(self, key_id: str = "") -> float | None:
        return self.database.now(key, self.tenant.id, key_id or self.key_id).last_used_at

    def test_written_with_the_next_flush(self) -> None:
        """A use is written within 30 seconds, to the minute, and costs the request nothing."""
        before = self.database.commits
        for _ in range(100):
            self.worker.note(self.key_id, self.tenant.id)
        self.assertEqual(self.database.commits, before)
        self.clock.advance(30)
        self.assertEqual(self.last_used_at(), START)

    def test_once_a_minute(self) -> None:
        """However often a key is used it is written once a minute; a key that is not used is not written."""
        before = self.database.commits
        for _ in range(6):
            self.worker.note(self.key_id, self.tenant.id)
            self.clock.advance(30)
        self.assertLessEqual(self.database.commits - before, 4)
        self.assertEqual(self.last_used_at(), START + 180)
        before = self.database.commits
        self.clock.advance(300)
        self.assertEqual(self.database.commits, before)

    def test_many_keys_in_few_statements(self) -> None:
        """All that was noted is written in batches."""
        others = [self.new_key() for _ in range(20)]
        before = self.database.commits
        for key_id in others:
            self.worker.note(key_id, self.tenant.id)
        self.clock.advance(30)
        self.assertEqual(self.database.commits - before, 1)
        self.assertEqual({self.last_used_at(key_id) for key_id in others}, {START})

    def test_database_away(self) -> None:
        """What could not be written is written when the database is back, and the loop goes on."""
        self.worker.note(self.key_id, self.tenant.id)
        self.database.away = True
        self.clock.advance(30)
        self.database.away = False
        self.assertIsNone(self.last_used_at())
        self.clock.advance(30)
        self.assertEqual(self.last_used_at(), START + 60)

    def test_stopping_writes_the_rest(self) -> None:
        """A process that stops in order leaves nothing unwritten."""
        self.worker.note(self.key_id, self.tenant.id)
        self.successResultOf(self.worker.stopService())
        self.assertEqual(self.last_used_at(), START)
