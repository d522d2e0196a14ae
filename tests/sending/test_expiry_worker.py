"""The turn that discards mails held too long."""

from scaisend.sending import batches_store
from scaisend.sending.batches_store import HELD_FOR_S
from scaisend.sending.expiry import BATCH
from scaisend.sending.expiry_worker import PauseExpiry
from tests.world.road import RoadTestCase, body
from tests.world.tenants import NOW, now


class PauseExpiryTests(RoadTestCase):
    def test_a_turn(self) -> None:
        """More than one transaction takes are discarded in one turn; the next one finds nothing."""
        self.database.now(batches_store.make, self.tenant.id, "b1", NOW)
        people = [{"to": [{"email": f"r{number}@x.test"}]} for number in range(BATCH + 5)]
        self.accept(self.submission(body(batch_id="b1", personalizations=people)))
        self.database.now(batches_store.set_status, self.tenant.id, "b1", "pause", NOW)
        worker = PauseExpiry(database=self.database, ids=self.ids, now_s=lambda: NOW + HELD_FOR_S + 60)
        now(self, worker.turn())
        self.assertEqual(self.database.rows("SELECT status, COUNT(*) FROM messages GROUP BY status"), [("cancelled", BATCH + 5)])
        commits = self.database.commits
        now(self, worker.turn())
        self.assertEqual(self.database.commits, commits + 1)
