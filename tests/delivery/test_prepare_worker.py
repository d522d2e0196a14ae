from scaisend.delivery.destinations_store import IpPool, add_pool
from scaisend.domains.dkim_keys import ED25519, make_key
from scaisend.identity.addresses_store import set_addresses
from scaisend.messages.store import micros
from scaisend.sending.segments import ObjectRef, pack
from scaisend.tokens import read_return_path
from tests.delivery.test_worker import WorkerTestCase
from tests.world.road import DOMAIN, add_verified_domain
from tests.world.tenants import NOW, now


class PrepareTests(WorkerTestCase):
    def add_key(self, tenant_id: str, sealed: bytes | None = None) -> None:
        key = make_key(ED25519, self.world.sealer)
        ((domain_id,),) = self.database.rows("SELECT id FROM domains WHERE tenant_id = ? AND domain = ?", tenant_id, DOMAIN)
        columns = ("id", "tenant_id", "domain_id", "selector", "algorithm", "sealed_private", "public", "status", "created_at")
        row = (f"dky_{tenant_id[-8:]}", tenant_id, domain_id, "s1", ED25519, sealed or key.sealed_private, key.public, "active", micros(NOW))
        self.database.now(lambda txn: txn.insert("domain_keys", columns, [row]))

    def test_the_mail_as_it_is(self) -> None:
        """A job's body is the mail and nothing else: its first line is a header field."""
        _, _, (job,) = self.in_hands()
        self.assertTrue(job.body.startswith(b"From: shop@example.org\r\n"), job.body[:40])
        self.assertTrue(job.body.endswith(b"It is on its way.\r\n"), job.body[-40:])
        self.assertEqual((job.size_bytes, job.smtputf8, job.tenant_id), (len(job.body), False, self.tenant.id))

    def test_signed(self) -> None:
        """With an active key the mail goes out signed by its domain."""
        self.add_key(self.tenant.id)
        _, _, (job,) = self.in_hands()
        self.assertTrue(job.body.startswith(b"DKIM-Signature:") and b"d=example.org" in job.body)

    def test_sender_of_another_script(self) -> None:
        """An internationalised sender is signed by the keys of its domain's A-label."""
        self.database.now(add_verified_domain, self.tenant.id, "xn--bcher-kva.example")
        self.set_row("UPDATE domains SET return_path_ready = 1 WHERE domain = 'xn--bcher-kva.example'")
        self.send(**{"from": {"email": "shop@Bücher.example"}})
        process = self.world.start()
        process.sweep()
        (job,) = process.hosts.jobs
        self.assertTrue(job.envelope_from.endswith("@bounces.xn--bcher-kva.example"), job.envelope_from)

    def test_addresses_of_the_domain(self) -> None:
        """Mail that names no pool leaves by its domain's addresses; a pool goes before them, and another tenant's domain has its own."""
        self.database.now(add_pool, self.tenant.id, IpPool("ipp_1", "fast", ("192.0.2.9",), NOW, NOW))
        self.set_row("UPDATE domains SET addresses = '[\"192.0.2.1\"]' WHERE tenant_id = ?", self.tenant.id)
        mine, pooled, theirs = self.stored(), self.stored(ip_pool_name="fast"), self.stored(caller=self.stranger)
        process = self.world.start()
        process.sweep()
        found = {job.recipient_id: job.source_pool for job in process.hosts.jobs}
        self.assertEqual(found, {f"{mine}.0": ("192.0.2.1",), f"{pooled}.0": ("192.0.2.9",), f"{theirs}.0": ()})

    def test_a_route_of_its_own(self) -> None:
        """A job goes where a bulk job led its recipient, from the queue or fresh from rendering; no other does."""
        mine, other = self.stored(), self.stored()
        self.send()
        self.set_row("UPDATE recipients SET route = 'relay.test:26' WHERE message_id <> ?", other)
        process = self.world.start()
        process.sweep()
        routes = {job.recipient_id: job.route for job in process.hosts.jobs}
        self.assertEqual((routes.pop(f"{mine}.0"), routes.pop(f"{other}.0"), list(routes.values())), ("relay.test:26", None, ["relay.test:26"]))

    def test_addresses_of_the_tenant(self) -> None:
        """Mail leaves by its tenant's addresses alone: of those of a pool or a domain by those that are the tenant's too, if any; from any sender."""
        self.database.now(set_addresses, self.tenant.id, ("192.0.2.1", "192.0.2.2"), now_s=NOW)
        self.database.now(add_pool, self.tenant.id, IpPool("ipp_1", "some", ("192.0.2.2", "192.0.2.9"), NOW, NOW))
        self.database.now(add_pool, self.tenant.id, IpPool("ipp_2", "none", ("192.0.2.9",), NOW, NOW))
        mine, some, none = self.stored(), self.stored(ip_pool_name="some"), self.stored(ip_pool_name="none")
        theirs = self.stored(caller=self.stranger)
        process = self.world.start()
        process.sweep()
        self.assertEqual({job.recipient_id: job.source_pool for job in process.hosts.jobs}, {
            f"{mine}.0": ("192.0.2.1", "192.0.2.2"), f"{some}.0": ("192.0.2.2",), f"{none}.0": ("192.0.2.1", "192.0.2.2"), f"{theirs}.0": (),
        })

    def test_no_tls_is_said_in_the_header(self) -> None:
        """`TLS-Required: No` counts as a header field (RFC 8689 5); the same line in a body does not."""
        mine = self.stored(headers={"TLS-REQUIRED": "No"})
        self.stored(content=[{"type": "text/plain", "value": "a\r\nTLS-Required: No\r\nb"}])
        process = self.world.start()
        process.sweep()
        self.assertEqual([job.recipient_id for job in process.hosts.jobs if job.needs_no_tls], [f"{mine}.0"])

    def test_return_path(self) -> None:
        """The return path names message and recipient, is another for each, and goes to our host until the domain's own is ready."""
        _, message_id, jobs = self.in_hands("a@x.test", "b@x.test")
        for job in jobs:
            local, _, host = job.envelope_from.partition("@")
            self.assertEqual((local[:8], host), ("bounces+", "bounces.test"))
            self.assertTrue(read_return_path(self.world.sealer.key_for("return-path"), local[8:], NOW))
        self.assertEqual(len({job.envelope_from for job in jobs}), 2)

    def test_a_key_that_cannot_be_opened(self) -> None:
        """A tenant whose key is broken keeps nobody else's mail from going out, and its own goes out unsigned never."""
        self.add_key(self.tenant.id, sealed=b"\x01nonsense")
        self.stored()
        theirs = self.stored(caller=self.stranger)
        process = self.world.start()
        process.sweep()
        self.assertEqual([job.recipient_id for job in process.hosts.jobs], [f"{theirs}.0"])
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_attachments_are_brought_when_needed(self) -> None:
        """A mail with attachments has no body yet; loading joins it with its objects."""
        message_id = self.stored()
        packed = pack((b"From: a@example.org\r\n\r\n", ObjectRef("attachments/1", 6), b"end\r\n"))
        self.set_row("UPDATE bodies SET content = ? WHERE message_id = ?", packed, message_id)

        class Objects:
            async def get(self, key: str) -> bytes:
                return {"attachments/1": b"aGk=\r\n"}[key]

        self.world.objects = Objects()
        process = self.world.start()
        process.sweep()
        (job,) = process.hosts.jobs
        self.assertIsNone(job.body)
        self.assertEqual(now(self, job.load()), b"From: a@example.org\r\n\r\naGk=\r\nend\r\n")

    def test_jobs_do_not_wait_for_ever(self) -> None:
        """A mail for a slow destination gives its place up after a while."""
        _, _, (job,) = self.in_hands()
        self.assertEqual(job.give_up_at, NOW + 20)
