"""TLS reports from end to end: sessions of a running installation, the report of their day by mail and by https, read by a reader that is not ours."""

import gzip
import http.server
import json
import os
import shutil
import ssl
import tempfile
import threading
import time
from base64 import b64decode
from datetime import UTC, datetime
from email import message_from_bytes, policy
from hashlib import sha256
from typing import Any
from unittest import SkipTest

import dkim
from parsedmarc import parse_report_email, parse_smtp_tls_report_json

from tests.base import PlainTestCase
from tests.world import postfix, unbound
from tests.world.authority import Authority
from tests.world.installation import SENDER_DOMAIN, Installation
from tests.world.load import call
from tests.world.program import wait_until

US = "mx.scaisend.test"
FROM = f"tls-reports@{SENDER_DOMAIN}"
DAYS_AGO = 2  # the sessions of the test are made older, so that their day is over


class TlsReportJourney(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        why = postfix.why_not() or unbound.why_not()
        if why:
            if os.environ.get("CI") == "true":
                raise AssertionError(why)
            raise SkipTest(f"NOT TESTED: {why}")
        authority = Authority()
        self.web = _ReportHost(authority)
        self.addCleanup(self.web.close)
        issued = authority.issue("mx.sec.example")
        self.mx = postfix.Postfix(tls="may", certificate=issued, settings="virtual_mailbox_domains = good.sec.example bad.sec.example plain.example\n")
        self.addCleanup(self.mx.stop)
        self.tlsa = sha256(issued.key_der).hexdigest()
        place = f"https://reports.sec.example:{self.web.port}/v1/tls"
        resolver = unbound.Unbound(
            secure="good IN MX 10 good.mx\nbad IN MX 10 bad.mx\ngood.mx IN A 127.0.0.1\nbad.mx IN A 127.0.0.1\nreports IN A 127.0.0.1\n"
            f"_{self.mx.port}._tcp.good.mx IN TLSA 3 1 1 {self.tlsa}\n_{self.mx.port}._tcp.bad.mx IN TLSA 3 1 1 {'ab' * 32}\n"
            f'_smtp._tls.good IN TXT "v=TLSRPTv1; rua=mailto:reports@good.sec.example"\n_smtp._tls.bad IN TXT "v=TLSRPTv1;" " rua={place}"\n',
            plain='@ IN MX 10 mx\nmx IN A 127.0.0.1\n_smtp._tls IN TXT "v=TLSRPTv1;rua=mailto:reports@good.sec.example"\n',
        )
        self.addCleanup(resolver.stop)
        self.house = Installation(
            0, SMTP_ROUTES="", SMTP_PORT=str(self.mx.port), DNS_RESOLVERS=f"127.0.0.1:{resolver.port}", TLS_REPORT_FROM=FROM,
            SMTP_TLS_CA_FILE=authority.ca_file(self), WEBHOOK_TARGETS="any", SMTP_SOURCE_IPS="127.0.0.1",
        )
        self.addCleanup(self.house.close)

    def test_a_day_is_reported(self) -> None:
        """Two reports by mail, signed and of their own type, and one by https, packed; each tells what its domain's sessions came to."""
        day = int(time.time() // 86_400) - DAYS_AGO
        self.sessions_happen()
        self.reports_are_sent()
        mails = {report["report_id"]: (mail, report) for mail in self.mx.mails(4, 30.0) if (report := self.read(mail)) is not None}
        self.assertEqual(len(mails), 2, self.house.ask("SELECT * FROM tls_reports"))
        for domain, kind, strings, where in (
            ("good.sec.example", "tlsa", [f"3 1 1 {self.tlsa}"], "good.mx.sec.example"), ("plain.example", "no-policy-found", None, "plain.example"),
        ):
            mail, report = mails[f"{_date(day)}.{domain}@{US}"]
            self.assertEqual(report, self.expected(day, domain, [self.policy(where, kind, strings, good=1)]))
            self.mail_is_of_its_kind(mail, domain, day)
        ((headers, body),) = self.web.posted
        self.assertEqual(
            (headers["content-type"], headers.get("content-encoding"), headers["content-length"]), ("application/tlsrpt+gzip", None, str(len(body)))
        )
        report = parse_smtp_tls_report_json(gzip.decompress(body))
        failed = report["policies"][0]["failed_session_count"]
        self.assertGreaterEqual(failed, 1)
        (failure,) = report["policies"][0]["failure_details"]
        self.assertIn("no TLSA record", failure.pop("failure_reason_code"))
        self.assertEqual(failure, {
            "result_type": "validation-failure", "failed_session_count": failed, "sending_mta_ip": "127.0.0.1", "receiving_ip": "127.0.0.1",
            "receiving_mx_hostname": "bad.mx.sec.example",
        })
        told = self.policy("bad.mx.sec.example", "tlsa", [f"3 1 1 {'ab' * 32}"], failed=failed) | {"failure_details": [failure]}
        report["policies"][0]["failure_details"] = [failure]
        self.assertEqual(report, self.expected(day, "bad.sec.example", [told]))
        self.assertEqual(self.house.alarms(), [])

    def sessions_happen(self) -> None:
        """One mail to each domain; what the sessions came to is written, as of two days ago."""
        self.house.start("all")
        for domain in ("good.sec.example", "bad.sec.example", "plain.example"):
            status, answer = call(self.house.url("all"), "POST", "/v3/mail/send", self.house.api_key, {
                "personalizations": [{"to": [{"email": f"u@{domain}"}]}], "from": {"email": self.house.sender}, "subject": domain,
                "content": [{"type": "text/plain", "value": "Hello\n"}],
            })
            self.assertEqual(status, 202, answer)
        wait_until(lambda: dict(self.house.states()) == {"delivered": 2, "deferred": 1}, 60.0, lambda: f"{self.house.states()} {self.house.logs()}", 0.1)
        self.house.stop()
        self.house.tell(f"UPDATE tls_results SET day = day - {DAYS_AGO}")
        self.house.tell("UPDATE recipients SET status = 'cancelled', waiting = NULL, due_at = NULL WHERE status = 'deferred'")

    def reports_are_sent(self) -> None:
        """The daily job runs at a start; its reports are due within the hour, and are made due at once."""
        self.house.start("all")
        wait_until(lambda: len(self.house.ask("SELECT domain FROM tls_reports")) == 3, 30.0, self.house.logs)
        self.house.stop()
        self.house.tell("UPDATE tls_reports SET due_at = 0 WHERE due_at IS NOT NULL")
        self.house.start("all")
        wait_until(lambda: self.house.ask("SELECT domain FROM tls_reports WHERE due_at IS NOT NULL") == [], 60.0, self.house.logs)
        self.house.settled()

    def read(self, mail: bytes) -> dict[str, Any] | None:
        """The report in the mail, as parsedmarc reads it; None for the mails that made the sessions."""
        if b"TLS-Report-Domain" not in mail:
            return None
        found = parse_report_email(mail, offline=True)
        self.assertEqual(found["report_type"], "smtp_tls")
        return dict(found["report"])

    def expected(self, day: int, domain: str, policies: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "organization_name": US, "begin_date": f"{_date(day)}T00:00:00Z", "end_date": f"{_date(day)}T23:59:59Z", "contact_info": FROM,
            "report_id": f"{_date(day)}.{domain}@{US}", "policies": policies,
        }

    def policy(self, domain: str, kind: str, strings: list[str] | None, *, good: int = 0, failed: int = 0) -> dict[str, Any]:
        shape = {"policy_domain": domain, "policy_type": kind, "successful_session_count": good, "failed_session_count": failed}
        return shape | ({"policy_strings": strings} if strings else {})

    def mail_is_of_its_kind(self, mail: bytes, domain: str, day: int) -> None:
        """Headers and type of RFC 8460 5.3, a name as in 5.1, and signatures of the sender's domain that dkimpy finds good."""
        parsed = message_from_bytes(mail, policy=policy.default)
        report_id = f"{_date(day)}.{domain}@{US}"
        self.assertEqual(
            (parsed["TLS-Report-Domain"], parsed["TLS-Report-Submitter"], parsed["TLS-Required"], parsed["From"].addresses[0].addr_spec),
            (domain, US, "No", FROM),
        )
        self.assertEqual(parsed["Subject"], f"Report Domain: {domain} Submitter: {US} Report-ID: <{report_id}>")
        self.assertEqual((parsed.get_content_type(), parsed.get_param("report-type")), ("multipart/report", "tlsrpt"))
        (attached,) = [part for part in parsed.walk() if part.get_content_type() == "application/tlsrpt+gzip"]
        self.assertEqual(attached.get_filename(), f"{US}!{domain}!{day * 86_400}!{(day + 1) * 86_400 - 1}!1.json.gz")
        self.assertEqual(json.loads(gzip.decompress(b64decode(attached.get_payload())))["report-id"], report_id)
        records = {f"{each['name']}.".encode(): each["value"].encode() for each in self.house.command_json("domains", "list")[0]["dns_records"]}
        sent = mail[mail.index(b"DKIM-Signature:"):].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        signatures = [value for name, value in parsed.items() if name == "DKIM-Signature"]
        self.assertEqual(len(signatures), 2)
        for number, signature in enumerate(signatures):
            self.assertIn(f"d={SENDER_DOMAIN};", signature)
            self.assertNotIn(" l=", signature)
            self.assertTrue(dkim.DKIM(sent).verify(number, dnsfunc=lambda name, **_: records.get(name)))


class _ReportHost:
    """Takes reports by https on a loopback port, with a certificate for reports.sec.example."""

    def __init__(self, authority: Authority) -> None:
        self.posted: list[tuple[dict[str, str], bytes]] = []
        posted = self.posted

        class Door(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted.append(({name.lower(): value for name, value in self.headers.items()}, self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(201)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

        folder = tempfile.mkdtemp()
        authority.issue("reports.sec.example").write(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
        shutil.rmtree(folder)
        self._server = http.server.HTTPServer(("127.0.0.1", 0), Door)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _date(day: int) -> str:
    return f"{datetime.fromtimestamp(day * 86_400, UTC):%Y-%m-%d}"
