"""A mail that many get, each with links of its own: rendered once, signed for each, kept once for their retries."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from types import SimpleNamespace

import dkim as dkimpy

from scaisend.delivery.job import DEFERRED, RCPT, Job, Outcome
from scaisend.domains.dkim_keys import RSA, make_key
from scaisend.domains.store import Check, add_domain, save_check
from scaisend.storage.database import Txn
from scaisend.suppressions.groups_store import add_group
from scaisend.tracking.personal import GROUP, read_token
from tests.world.processes import Process, World
from tests.world.road import DOMAIN, RoadTestCase
from tests.world.tenants import NOW, now

LATER = Outcome(DEFERRED, RCPT, 451, "4.2.0", "later")
HTML = '<p>Grüße! <a href="<%asm_group_unsubscribe_raw_url%>">out</a></p>'


class PersonalMailTests(RoadTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = World(self.database, self.ids, self.now_s)
        self.key = make_key(RSA, self.world.sealer)
        self.group = self.database.now(self._prepare)
        self.patch(dkimpy, "time", SimpleNamespace(time=lambda: NOW + 600))  # it refuses signatures of the future

    def _prepare(self, txn: Txn) -> int:
        txn.execute("DELETE FROM domains")
        add_domain(txn, self.tenant.id, domain_id="dom_1", name=DOMAIN, keys=[("dky_1", "s1", self.key)], now_s=NOW)
        save_check(txn, self.tenant.id, "dom_1", Check((), frozenset({"dky_1"}), True, False, NOW))
        return add_group(txn, self.tenant.id, name="News", description=None, is_default=False, now=NOW).id

    def start(self, *to: str, **more: bool) -> Process:
        self.message_id = self.send(*to, asm={"group_id": self.group}, content=[{"type": "text/html", "value": HTML}])
        process = self.world.start(**more)
        process.sweep()
        return process

    def check(self, job: Job) -> bytes:
        """The job's mail, in which header, address and text hold this recipient's token and no other; its signature is good."""
        assert job.body is not None
        record = b"v=DKIM1; k=rsa; p=" + b64encode(self.key.public)
        self.assertTrue(dkimpy.DKIM(job.body).verify(dnsfunc=lambda name, timeout=5: record))
        self.assertIn(b"list-unsubscribe:list-unsubscribe-post", job.body.lower().replace(b"\r\n ", b""))
        found = re.findall(rb"(?:/t/u/|unsubscribe\+)([a-z0-9]{50})", job.body.replace(b"=\r\n", b""))
        named = [read_token(self.world.sealer.key_for("opt-out"), each.decode()) for each in found]
        self.assertEqual([each and (each.recipient_id, each.purpose) for each in named], [(job.recipient_id, GROUP)] * 3)
        return job.body

    def test_each_its_own(self) -> None:
        """To, cc and bcc alike get a mail of their own, of the same size and with everybody's headers."""
        process = self.start("a@x.test", "b@x.test", "c@x.test")
        bodies = {self.check(job) for job in process.hosts.jobs}
        self.assertEqual(len(bodies), 3)
        self.assertTrue(all(b"To: a@x.test, b@x.test, c@x.test" in each for each in bodies))

    def test_after_a_retry(self) -> None:
        """A mail kept for retries is still each recipient's own: by the process that rendered it, and by another."""
        process = self.start("a@x.test", "b@x.test")
        first = {job.recipient_id: re.findall(rb"/t/u/\w+", self.check(job)) for job in process.hosts.jobs}
        for job in list(process.hosts.jobs):
            process.deliver(job, LATER)
        process.pass_time(self.world.now_s + 1)
        self.world.kill(process)
        self.assertEqual(self.database.rows("SELECT COUNT(*) FROM bodies"), [(1,)])
        other = self.world.start()
        self.world.pass_time(120)
        other.sweep()
        again = {job.recipient_id: re.findall(rb"/t/u/\w+", self.check(job)) for job in other.hosts.jobs}
        self.assertEqual((again, len(again)), (first, 2))

    def test_rendered_by_another(self) -> None:
        """With rendering and delivery apart the places survive the table."""
        self.start("a@x.test", "b@x.test", delivers=False)
        delivering = self.world.start(renders=False)
        delivering.sweep()
        self.assertEqual(len({self.check(job) for job in delivering.hosts.jobs}), 2)

    def test_who_opted_out_meanwhile(self) -> None:
        """A retry does not go to who left the group since the first attempt."""
        process = self.start("a@x.test", "b@x.test")
        for job in list(process.hosts.jobs):
            process.deliver(job, LATER)
        process.pass_time(self.world.now_s + 1)
        self.database.connection.execute(
            "INSERT INTO asm_suppressions (tenant_id, group_id, email, created_at) VALUES (?, ?, 'a@x.test', 0)", (self.tenant.id, self.group))
        self.world.pass_time(120)
        process.sweep()
        self.assertEqual([job.envelope_to for job in process.hosts.jobs], ["b@x.test"])
        process.pass_time(self.world.now_s + 1)
        self.assertEqual(self.recipients(self.message_id), ["dropped", "deferred"])

    def test_with_attachments(self) -> None:
        """A mail that is joined when its turn has come holds each recipient's own too, and is signed with it."""

        class Objects:
            async def get(self, key: str) -> bytes:
                return {"attachments/1": b"aGk=\r\n"}[key]

        self.world.objects = Objects()
        message_id = self.send("a@x.test", "b@x.test", asm={"group_id": self.group}, content=[{"type": "text/html", "value": HTML}])
        described = [{"filename": "a.txt", "type": "text/plain", "disposition": "attachment", "size": 2, "object": "attachments/1", "encoded_size": 6}]
        (row,) = self.database.rows("SELECT payload FROM mail_requests")
        payload = json.dumps({**json.loads(row[0]), "attachments": described})
        self.database.connection.execute("UPDATE mail_requests SET payload = ?", (payload,))
        process = self.world.start()
        process.sweep()
        jobs = list(process.hosts.jobs)
        self.assertEqual([(job.recipient_id, job.body) for job in jobs], [(f"{message_id}.{number}", None) for number in range(2)])
        for job in jobs:
            assert job.load is not None
            whole = now(self, job.load())  # type: ignore[arg-type]
            self.assertIn(b"aGk=", self.check(replace(job, body=whole)))
