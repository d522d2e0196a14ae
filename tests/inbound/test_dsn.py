from scaisend.inbound.dsn import address_in, read_dsn, read_groups
from scaisend.inbound.mime import read_mail
from tests.base import PlainTestCase
from tests.inbound.reports import dsn


class GroupsTests(PlainTestCase):
    def test_several_recipients(self):
        """Each group is a recipient with its action and status; what failed has a bounce type, the others none."""
        found = read_groups(
            "Reporting-MTA: dns; mx.test\n\nFinal-Recipient: rfc822; a@x.test\nAction: failed\nStatus: 5.1.1 (unknown)\nDiagnostic-Code: smtp; 550 5.1.1\n  User unknown\n\n"
            "Final-Recipient: rfc822;b@x.test\nAction: delayed\nStatus: 4.4.1\n\nFinal-Recipient: rfc822;c@x.test\nAction: relayed (to gateway)\nStatus: 2.0.0\n"
        )
        self.assertEqual([(each.recipient, each.action, each.status, each.bounce_type) for each in found], [
            ("a@x.test", "failed", "5.1.1", "hard"), ("b@x.test", "delayed", "4.4.1", None), ("c@x.test", "relayed", "2.0.0", None),
        ])
        self.assertEqual(found[0].diagnostic, "smtp; 550 5.1.1 User unknown")

    def test_malformed_groups(self):
        """One block for report and recipient, no Action, a spelled out Action, no Status but a diagnostic, an address without type."""
        rows = {
            "Reporting-MTA: dns; mx\nFinal-Recipient: <a@x.test>\nAction: failure\nStatus: 553 too large": ("a@x.test", "failed", None),
            "Final-Recipient: rfc822; a@x.test\nStatus: 4.2.2": ("a@x.test", "delayed", "4.2.2"),
            "Final-Recipient: RFC822; a@x.test\nAction: FAILED\nDiagnostic-Code: smtp; 550 5.2.1 disabled": ("a@x.test", "failed", "5.2.1"),
            "Original-Recipient: rfc822;a@x.test\nAction: failed\nStatus: 5.0.0": ("a@x.test", "failed", "5.0.0"),
            "Final-Recipient: rfc822; a@localhost\nOriginal-Recipient: rfc822;a@x.test\nAction: expired\nStatus:": ("a@x.test", "failed", None),
        }
        self.assertEqual({text: [(e.recipient, e.action, e.status) for e in read_groups(text)] for text in rows}, {text: [row] for text, row in rows.items()})

    def test_what_is_no_group(self):
        """A group without an address, or without action and status, says nothing."""
        for text in ("Action: failed\nStatus: 5.0.0", "Final-Recipient: rfc822; |/bin/cat\nAction: failed", "Final-Recipient: rfc822; a@x.test", ""):
            self.assertEqual(read_groups(text), [], text)

    def test_addresses(self):
        """Types, brackets and comments are left out; xtext and unitext are undone; plus signs stay."""
        rows = {
            "rfc822; <a@x.test>": "a@x.test", "rfc822;a+tag@x.test": "a+tag@x.test", "rfc822;a+2Btag@x.test": "a+tag@x.test",
            "rfc822;user+40sub@x.test": "user@sub@x.test", "utf-8; \\x{FC}ser@x.test": "üser@x.test", "a@x.test (Ann)": "a@x.test",
            "x400; /S=a/": None, "": None, 'rfc822;"a b"@x.test': '"a b"@x.test',
        }
        self.assertEqual({value: address_in(value) for value in rows}, rows)


class PartTests(PlainTestCase):
    def test_the_part_is_found_anywhere(self):
        """In a multipart/report or a multipart/mixed, encoded or not; an attached mail that has one is not looked into."""
        self.assertEqual([each.recipient for each in read_dsn(read_mail(dsn("a@x.test")))], ["a@x.test"])
        encoded = dsn("a@x.test").replace(b"message/delivery-status\r\n", b"message/delivery-status\r\nContent-Transfer-Encoding: quoted-printable\r\n")
        self.assertEqual(len(read_dsn(read_mail(encoded.replace(b"multipart/report", b"multipart/mixed")))), 1)
        inside = b'Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n' + dsn("a@x.test") + b"\r\n--o--\r\n"
        self.assertEqual(read_dsn(read_mail(inside)), ())

    def test_internationalised_reports(self):
        """message/global-delivery-status with a UTF-8 address (RFC 6533)."""
        report = dsn("üser@x.test").replace(b"message/delivery-status", b"message/global-delivery-status").replace(b"rfc822;", b"utf-8;")
        self.assertEqual(read_dsn(read_mail(report))[0].recipient, "üser@x.test")
