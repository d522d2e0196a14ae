"""Counting sessions and sending the reports of a day, by several processes at once."""

import gzip
import json
from base64 import b64decode
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.ssl import PrivateCertificate

from scaisend.delivery.tls_counts_worker import TlsCounts
from scaisend.delivery.tls_report import DAY_S, MEDIA_TYPE, Submitter
from scaisend.delivery.tls_report_worker import MOST_ATTEMPTS, RETRY_S, SETTLED_S, TlsReports
from scaisend.delivery.tls_result import TlsResult
from scaisend.faults import Unavailable
from scaisend.http.outgoing import Outgoing
from scaisend.http.trust import https_policy
from scaisend.sending.accept import accept
from scaisend.sending.api import SendApi
from scaisend.storage.group_commit import GroupCommit
from scaisend.storage.pushing import Pushing
from scaisend.storage.queue import EMAIL_PROCESS
from tests.base import ReactorTestCase
from tests.sending.test_api import KeptObjects, encode
from tests.world.authority import Authority
from tests.world.dns_table import DnsTable
from tests.world.inline_database import inline_database
from tests.world.road import DOMAIN, Counts, RoadTestCase
from tests.world.tenants import NOW, id_maker, now
from tests.world.web_peer import Says, WebPeer

DAY = int(NOW // DAY_S)
GOOD = TlsResult("sts", "mx.in.test", policy=("version: STSv1", "mode: enforce", "mx: mx.in.test", "max_age: 86400"))
BAD = TlsResult("no-policy-found", "mx.in.test", "starttls-not-supported", "the host does not offer STARTTLS", "192.0.2.1", "192.0.2.9")


class MailedTests(RoadTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.at = NOW
        self.dns = DnsTable({("_smtp._tls.in.test", "TXT"): ["v=TLSRPTv1; rua=mailto:reports@in.test"], ("other.test", "A"): ["192.0.2.3"]})
        self.objects = KeptObjects()
        self.counts = [TlsCounts(database=self.database, resolver=self.dns, now_s=lambda: self.at) for _ in range(2)]
        self.reports = [self.process() for _ in range(2)]

    def process(self, address: str = f"tls@{DOMAIN}") -> TlsReports:
        api = SendApi(
            commits=GroupCommit(database=self.database, fn=lambda txn, items: accept(txn, self.ids, items), reactor=self.clock, most=500),
            objects=self.objects, pushing=Pushing(queue=self.queue, name=EMAIL_PROCESS, reactor=self.clock), ids=self.ids,  # type: ignore[arg-type]
            metrics=Counts(), encode=encode, reached=lambda point: None,
        )
        return TlsReports(
            database=self.database, resolver=self.dns, outgoing=None, sending=api, submitter=Submitter("out.example.org", address),  # type: ignore[arg-type]
            ids=self.ids, now_s=lambda: self.at, random=lambda: 0.0,
        )

    def count(self) -> None:
        for each in self.counts:
            for domain, result, times in (("in.test", GOOD, 3), ("in.test", BAD, 1), ("other.test", GOOD, 9)):
                for _ in range(times):
                    each.tell(domain, result)
            now(self, each.turn())

    def turns(self) -> None:
        for each in self.reports:
            now(self, each.turn())

    def mails(self) -> list[Any]:
        return self.database.rows("SELECT payload FROM mail_requests ORDER BY id")

    def state(self) -> list[Any]:
        return self.database.rows("SELECT day, domain, due_at, attempts, answer FROM tls_reports")

    def test_one_report_a_day_and_domain(self) -> None:
        """Of all processes' counts together, once the day is over, to the domain that asks for it; signed mail of the tenant that has the address."""
        self.count()
        self.turns()
        self.assertEqual(self.state(), [])
        self.at = (DAY + 1) * DAY_S + SETTLED_S
        self.turns()
        self.turns()
        ((payload,),) = self.mails()
        shared = json.loads(payload)
        self.assertEqual((shared["from"]["email"], shared["headers"]["TLS-Report-Domain"]), (f"tls@{DOMAIN}", "in.test"))
        ((name, encoded),) = self.objects.kept.items()
        self.assertEqual((shared["attachments"][0]["object"], shared["attachments"][0]["type"]), (name, MEDIA_TYPE))
        told = json.loads(gzip.decompress(b64decode(encoded)))
        self.assertEqual(
            [each["summary"] for each in told["policies"]],
            [{"total-successful-session-count": 0, "total-failure-session-count": 2}, {"total-successful-session-count": 6, "total-failure-session-count": 0}],
        )
        ((day, domain, due_at, attempts, answer),) = self.state()
        self.assertEqual((day, domain, due_at, attempts), (DAY, "in.test", None, 1))
        self.assertIn("mailed to reports@in.test as msg_", answer)

    def test_a_process_that_died_after_sending_makes_no_second_mail(self) -> None:
        """Its claim ends, the next one sends the same request, which is answered as the first was."""
        self.count()
        self.at = (DAY + 1) * DAY_S + SETTLED_S
        self.turns()
        self.database.now(lambda txn: txn.execute("UPDATE tls_reports SET due_at = 0, attempt_id = 'att_dead', answer = NULL"))
        self.turns()
        self.assertEqual(len(self.mails()), 1)
        self.assertIn("mailed", self.state()[0][4])

    def test_without_the_domain_it_is_tried_again(self) -> None:
        """Said in the row; given up after a while."""
        self.reports = [self.process("tls@unverified.test")]
        self.count()
        self.at = (DAY + 1) * DAY_S + SETTLED_S
        for attempt in range(MOST_ATTEMPTS):
            self.turns()
            (row,) = self.state()
            self.assertEqual((row[3], row[2] is None), (attempt + 1, attempt + 1 == MOST_ATTEMPTS))
            self.at += RETRY_S
        self.assertIn("TLS_REPORT_FROM", row[4])
        self.assertEqual(self.mails(), [])

    def test_who_asks_no_more_gets_none(self) -> None:
        """And what is old is forgotten."""
        self.count()
        self.dns.records = {}
        self.at = (DAY + 1) * DAY_S + SETTLED_S
        self.turns()
        self.assertEqual((self.mails(), self.state()[0][2:]), ([], (None, 1, "no report is asked for any more")))
        self.at += 20 * DAY_S
        self.turns()
        self.assertEqual((self.state(), self.database.rows("SELECT * FROM tls_results")), ([], []))

    def test_counts_wait_for_the_database(self) -> None:
        """What could not be written is written later; at the end too."""
        counts = self.counts[0]
        working = counts._database

        class Away:
            def run(self, *_: object) -> Any:
                raise Unavailable("database")

        counts._database = Away()  # type: ignore[assignment]
        counts.tell("in.test", GOOD)
        self.failureResultOf(ensureDeferred(counts.turn()), Unavailable)
        now(self, counts.stop(1.0))
        counts._database = working
        now(self, counts.stop(1.0))
        self.assertEqual(self.database.rows("SELECT day, domain, sessions FROM tls_results"), [(DAY, "in.test", 1)])


class PostedTests(ReactorTestCase):
    async def test_reports_are_posted(self) -> None:
        """To https, packed, with a certificate that is checked; what is refused is tried again."""
        authority = Authority()
        issued = authority.issue("reports.in.test")
        peer = WebPeer(
            reactor, Says(status=503), context=PrivateCertificate.loadPEM(issued.key_pem + issued.certificate.public_bytes(Encoding.PEM)).options()
        )
        self.addCleanup(peer.stop)
        dns = DnsTable({
            ("_smtp._tls.in.test", "TXT"): [f"v=TLSRPTv1; rua=https://reports.in.test:{peer.port}/v1/tls"], ("reports.in.test", "A"): ["127.0.0.1"],
        })
        outgoing = Outgoing(reactor=reactor, resolver=dns, allow_private=True, policy=https_policy(authority.ca_file(self)))
        self.addCleanup(outgoing.close)
        database, at = inline_database(), NOW
        counts = TlsCounts(database=database, resolver=dns, now_s=lambda: at)
        counts.tell("in.test", GOOD)
        await counts.turn()
        at = (DAY + 1) * DAY_S + SETTLED_S
        reports = TlsReports(
            database=database, resolver=dns, outgoing=outgoing, sending=None, submitter=Submitter("out.example.org", "tls@example.org"),  # type: ignore[arg-type]
            ids=id_maker(), now_s=lambda: at, random=lambda: 0.0,
        )
        await reports.turn()
        self.assertIn("answered 503", database.rows("SELECT answer FROM tls_reports")[0][0])
        peer.says = Says(status=201)
        at += RETRY_S
        await reports.turn()
        await reports.turn()
        self.assertEqual([(each.method, each.path, each.headers["content-type"]) for each in peer.asked], [("POST", "/v1/tls", MEDIA_TYPE)] * 2)
        self.assertEqual(json.loads(gzip.decompress(peer.asked[1].body))["report-id"].partition(".")[2], "in.test@out.example.org")

