import json

from scaisend.caller import Caller
from scaisend.faults import Invalid, NotFound
from scaisend.http.reply import Reply
from scaisend.identity.audit_store import acts
from scaisend.messages import status as states
from scaisend.sending.batches_api import MOST_STOPPED, BatchesApi
from tests.base import PlainTestCase
from tests.sending.test_batches_store import add_message
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, call_by, id_maker, now

MINE = Caller(tenant_id="tnt_a", partner_id="prt_a", credential_id="key_a", permissions=frozenset({"mail.schedule", "mail.cancel"}))
THEIRS = Caller(tenant_id="tnt_b", partner_id="prt_b", credential_id="key_b", permissions=frozenset({"mail.schedule", "mail.cancel"}))


class BatchesApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.api = BatchesApi(database=self.database, ids=id_maker())

    def ask(self, what, body: object = None, batch_id: str = "", caller: Caller = MINE) -> Reply:  # type: ignore[no-untyped-def]
        raw = b"" if body is None else json.dumps(body).encode()
        return now(self, what(call_by(caller, body=raw, path={"batch_id": batch_id}, now_s=NOW)))

    def make(self) -> str:
        return json.loads(self.ask(self.api.make).body)["batch_id"]

    def refused(self, kind: type[Exception], message: str, what, *args, **more) -> None:  # type: ignore[no-untyped-def]
        error = self.assertRaises(kind, self.ask, what, *args, **more)
        self.assertEqual(str(error).rpartition(": ")[2], message)

    def test_make(self) -> None:
        """A batch id is made from nothing or from {}, of SendGrid's letters, and differs each time."""
        first, second = self.ask(self.api.make), self.ask(self.api.make, {})
        self.assertEqual((first.status, set(json.loads(first.body))), (201, {"batch_id"}))
        self.assertRegex(json.loads(first.body)["batch_id"], "^[A-Za-z0-9_-]{1,48}$")
        self.assertNotEqual(first.body, second.body)

    def test_the_audit_log_tells_who_stopped_mail(self) -> None:
        """Pause, cancel and resume, with the status before and after; no act where nothing was done."""
        batch_id = self.make()
        self.ask(self.api.stop, {"batch_id": batch_id, "status": "pause"})
        self.ask(self.api.change, {"status": "cancel"}, batch_id)
        self.ask(self.api.resume, None, batch_id)
        self.assertRaises(NotFound, self.ask, self.api.resume, None, batch_id)
        done = self.database.now(acts, "tnt_a", before=None, most=20)[::-1]
        self.assertEqual([(each.action, each.resource, each.change) for each in done], [
            ("batch.change", batch_id, {"status": {"before": before, "after": after}})
            for before, after in (("open", "pause"), ("pause", "cancel"), ("cancel", "open"))
        ])

    def test_show(self) -> None:
        """A batch is shown with its status and the number of its messages in each state."""
        batch_id = self.make()
        add_message(self.database, "a", states.SCHEDULED, batch_id=batch_id, send_at=NOW + 60)
        self.assertEqual(json.loads(self.ask(self.api.show, batch_id=batch_id).body), {"batch_id": batch_id, "status": "open", "status_counts": {"scheduled": 1}})
        self.refused(Invalid, "invalid batch id", self.api.show, batch_id="a b")
        self.refused(NotFound, "batch id not found", self.api.show, batch_id="unknown")

    def test_pause_and_resume(self) -> None:
        """The life of a pause: made, listed, changed, ended, each with SendGrid's answer; messages follow."""
        batch_id = self.make()
        add_message(self.database, "a", states.SCHEDULED, batch_id=batch_id, send_at=NOW + 60)
        stopped = self.ask(self.api.stop, {"batch_id": batch_id, "status": "pause"})
        self.assertEqual((stopped.status, json.loads(stopped.body)), (201, {"batch_id": batch_id, "status": "pause"}))
        self.assertEqual(self.database.rows("SELECT status FROM messages"), [("paused",)])
        self.assertEqual(json.loads(self.ask(self.api.stopped).body), [{"batch_id": batch_id, "status": "pause"}])
        self.assertEqual(json.loads(self.ask(self.api.status, batch_id=batch_id).body), [{"batch_id": batch_id, "status": "pause"}])
        changed = self.ask(self.api.change, {"status": "cancel"}, batch_id)
        self.assertEqual((changed.status, changed.body), (204, b""))
        self.assertEqual(json.loads(self.ask(self.api.status, batch_id=batch_id).body)[0]["status"], "cancel")
        self.assertEqual(self.ask(self.api.resume, batch_id=batch_id).status, 204)
        self.assertEqual(self.database.rows("SELECT status FROM messages"), [("scheduled",)])
        for answer in (self.ask(self.api.stopped), self.ask(self.api.status, batch_id=batch_id)):
            self.assertEqual(json.loads(answer.body), [])

    def test_refused(self) -> None:
        """SendGrid's refusals, word by word."""
        batch_id = self.make()
        self.refused(Invalid, "invalid batch id", self.api.stop, {"batch_id": "unknown", "status": "pause"})
        self.refused(Invalid, "invalid batch id", self.api.stop, {"status": "pause"})
        self.refused(Invalid, "Bad Request", self.api.stop, [])
        for status in (None, "open", 5, ["pause"], {"a": 1}):
            self.refused(Invalid, "the status must be pause or cancel", self.api.stop, {"batch_id": batch_id, "status": status})
        self.refused(NotFound, "batch id not found", self.api.change, {"status": "pause"}, batch_id)
        self.refused(NotFound, "batch id not found", self.api.resume, batch_id=batch_id)
        self.ask(self.api.stop, {"batch_id": batch_id, "status": "cancel"})
        self.refused(Invalid, "a status for this batch id exists, try PATCH to update the status", self.api.stop, {"batch_id": batch_id, "status": "pause"})

    def test_limit(self) -> None:
        """So many batches may be stopped at a time, and no more."""
        for _ in range(MOST_STOPPED):
            self.ask(self.api.stop, {"batch_id": self.make(), "status": "pause"})
        self.refused(Invalid, "max limit reached", self.api.stop, {"batch_id": self.make(), "status": "pause"})

    def test_other_tenant(self) -> None:
        """Another tenant's batch is an unknown one, and is not changed."""
        batch_id = self.make()
        self.ask(self.api.stop, {"batch_id": batch_id, "status": "pause"})
        self.refused(NotFound, "batch id not found", self.api.show, batch_id=batch_id, caller=THEIRS)
        self.refused(Invalid, "invalid batch id", self.api.stop, {"batch_id": batch_id, "status": "cancel"}, caller=THEIRS)
        self.refused(NotFound, "batch id not found", self.api.change, {"status": "cancel"}, batch_id, caller=THEIRS)
        self.refused(NotFound, "batch id not found", self.api.resume, batch_id=batch_id, caller=THEIRS)
        self.assertEqual(json.loads(self.ask(self.api.stopped, caller=THEIRS).body), [])
        self.assertEqual(json.loads(self.ask(self.api.status, batch_id=batch_id, caller=THEIRS).body), [])
        self.assertEqual(json.loads(self.ask(self.api.stopped).body), [{"batch_id": batch_id, "status": "pause"}])

    def test_routes(self) -> None:
        """Making ids asks for mail.schedule, stopping for mail.cancel."""
        asked = {(each.method, each.path.partition("<")[0]): each.permission for each in self.api.routes()}
        self.assertEqual({permission for (_, path), permission in asked.items() if path.startswith("/v3/mail/batch")}, {"mail.schedule"})
        self.assertEqual({permission for (_, path), permission in asked.items() if path.startswith("/v3/user")}, {"mail.cancel"})
