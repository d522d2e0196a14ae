"""Reports as they are written (RFC 8460)."""

import gzip
import json

from scaisend.delivery.tls_report import Submitter, mail, mail_address, places, report
from scaisend.delivery.tls_result import TlsResult
from tests.base import PlainTestCase

US = Submitter("out.example.com", "tls-reports@example.com")
STS = ("version: STSv1", "mode: testing", "mx: *.in.test", "max_age: 86400")


class PlacesTests(PlainTestCase):
    def test_where_reports_go(self) -> None:
        """Mail and https, as the one record says; nothing else, and nothing that could reach another header."""
        for records, expected in (
            (["v=TLSRPTv1; rua=mailto:a@in.test"], ("mailto:a@in.test",)), (["v=TLSRPTv1;rua=mailto:a@in.test,https://in.test/r;"], ("mailto:a@in.test", "https://in.test/r")),
            (["v=spf1 -all", "v=TLSRPTv1; rua=https://in.test/r"], ("https://in.test/r",)), (["v=TLSRPTv1; rua=http://in.test/r,ftp://x,mailto:nobody"], ()),
            (["v=TLSRPTv1; rua=mailto:a@in.test%0aBcc:x@y"], ()), (["v=TLSRPTv1; rua=mailto:a@in.test"] * 2, ()), (["v=TLSRPTv2; rua=mailto:a@in.test"], ()), ([], ()),
        ):
            self.assertEqual(places(records), expected, records)
        self.assertEqual([mail_address(each) for each in ("mailto:a%2Bb@in.test?subject=x", "https://in.test")], ["a+b@in.test", None])


class ReportTests(PlainTestCase):
    results = [
        (TlsResult("sts", "mx1.in.test", policy=STS), 40), (TlsResult("sts", "mx2.in.test", "certificate-expired", "it is over", "192.0.2.2", "192.0.2.9", STS), 2),
        (TlsResult("tlsa", "mx3.in.test", policy=("3 1 1 ab",)), 7), (TlsResult("sts", "mta-sts.in.test", "sts-policy-fetch-error", "404"), 1),
    ]

    def test_the_document(self) -> None:
        """Each policy with its sums, each failure with its place."""
        told = report(US, "in.test", 20_000, self.results)
        shown = json.loads(gzip.decompress(told.content))
        self.assertEqual(told.filename, "out.example.com!in.test!1728000000!1728086399!1.json.gz")
        self.assertEqual(shown["date-range"], {"start-datetime": "2024-10-04T00:00:00Z", "end-datetime": "2024-10-04T23:59:59Z"})
        self.assertEqual((shown["organization-name"], shown["contact-info"], shown["report-id"]), (US.host, US.address, "2024-10-04.in.test@out.example.com"))
        unfetched, sts, tlsa = shown["policies"]
        self.assertEqual(sts["policy"], {"policy-type": "sts", "policy-domain": "in.test", "policy-string": list(STS), "mx-host": ["*.in.test"]})
        self.assertEqual(sts["summary"], {"total-successful-session-count": 40, "total-failure-session-count": 2})
        self.assertEqual(sts["failure-details"], [{
            "result-type": "certificate-expired", "sending-mta-ip": "192.0.2.9", "receiving-mx-hostname": "mx2.in.test", "receiving-ip": "192.0.2.2",
            "failed-session-count": 2, "failure-reason-code": "it is over",
        }])
        self.assertEqual(tlsa["policy"], {"policy-type": "tlsa", "policy-domain": "mx3.in.test", "policy-string": ["3 1 1 ab"]})
        self.assertEqual((unfetched["failure-details"][0]["result-type"], unfetched["summary"]["total-failure-session-count"]), ("sts-policy-fetch-error", 1))

    def test_the_same_results_make_the_same_bytes(self) -> None:
        """In whatever order the database gives them: what is sent twice is the same request."""
        self.assertEqual(report(US, "in.test", 20_000, self.results), report(US, "in.test", 20_000, self.results[::-1]))

    def test_the_mail(self) -> None:
        """With the fields that receivers sort by, and none of our tracking."""
        told = report(US, "in.test", 20_000, self.results)
        body = json.loads(mail(US, told, "a@in.test", "QUJD"))
        self.assertEqual(body["subject"], "Report Domain: in.test Submitter: out.example.com Report-ID: <2024-10-04.in.test@out.example.com>")
        self.assertEqual(body["headers"], {"TLS-Report-Domain": "in.test", "TLS-Report-Submitter": "out.example.com", "TLS-Required": "No"})
        self.assertEqual(body["attachments"], [{"content": "QUJD", "type": "application/tlsrpt+gzip", "filename": told.filename}])
