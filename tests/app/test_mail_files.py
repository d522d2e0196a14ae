"""Mails in files that only grow."""

from pathlib import Path
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.app import mail_files
from scaisend.app.mail_files import Arrival, MailFiles, content_of
from tests.base import PlainTestCase


def arrival(number: int, content: bytes = b"Subject: x\r\n\r\nbody\r\n") -> Arrival:
    return Arrival(f"inb_{number:04}", "b@b.test", ("r@r.test",), 10.5, content)


class FileTests(PlainTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())

    def test_restart(self) -> None:
        """Another process finds all mails in order, octet for octet, and goes on in a file of its own."""
        contents = [b"", b"\n", b'{"id": "x", "size": 0}\n', b"\xff\x00" * 5000]
        first = MailFiles(self.folder)
        stored = first.append([arrival(number, content) for number, content in enumerate(contents)])
        second = MailFiles(self.folder)
        self.assertEqual(second.load(), stored)
        self.assertEqual([content_of(entry) for entry in second.load()], contents)
        second.append([arrival(9)])
        self.assertEqual([entry.id for entry in MailFiles(self.folder).load()], ["inb_0000", "inb_0001", "inb_0002", "inb_0003", "inb_0009"])

    def test_torn_record(self) -> None:
        """A record that a crash cut short, wherever, is not read; the mails before it are."""
        files = MailFiles(self.folder)
        files.append([arrival(1)])
        [path] = self.folder.iterdir()
        whole = len(path.read_bytes())
        files.append([arrival(2)])
        octets = path.read_bytes()
        for size in range(whole, len(octets)):
            path.write_bytes(octets[:size])
            self.assertEqual([entry.id for entry in MailFiles(self.folder).load()], ["inb_0001"], size)

    def test_deleted_and_cleared(self) -> None:
        """A deleted mail stays deleted after a restart, in whatever file it stood; a cleared directory is empty."""
        MailFiles(self.folder).append([arrival(1), arrival(2)])
        files = MailFiles(self.folder)
        files.forget(["inb_0001"], "inb_0003")
        self.assertEqual([entry.id for entry in MailFiles(self.folder).load()], ["inb_0002"])
        files.clear()
        self.assertEqual(MailFiles(self.folder).load(), [])
        files.append([arrival(4)])
        self.assertEqual([entry.id for entry in MailFiles(self.folder).load()], ["inb_0004"])

    def test_full_disk(self) -> None:
        """A write that failed half way leaves nothing that is read again, and later mails are stored."""
        files = MailFiles(self.folder)
        files.append([arrival(1)])
        with mock.patch.object(mail_files.os, "fdatasync", side_effect=OSError(28, "No space left on device")):
            self.assertRaises(OSError, files.append, [arrival(2)])
        files.append([arrival(3)])
        self.assertEqual([entry.id for entry in MailFiles(self.folder).load()], ["inb_0001", "inb_0003"])


class HeaderTests(PlainTestCase):
    def found(self, header: bytes) -> tuple[str, str]:
        [entry] = MailFiles(Path(self.mktemp())).append([arrival(1, header)])
        return entry.from_address, entry.subject

    def test_from_and_subject(self) -> None:
        """The From address and the decoded, unfolded subject are known without the mail."""
        rows = {
            b"From: A <a@a.test>\r\nSubject: hi\r\n\r\nSubject: body": ("a@a.test", "hi"),
            b"subject:\r\n =?utf-8?q?gr=C3=BC?=\r\n =?utf-8?q?n?=\r\nfrom: a@a.test (A)\r\n\r\n": ("a@a.test", "grün"),
            b"FROM: =?utf-8?q?=3Cx=40x=2Etest=3E?= <a@a.test>\r\n\r\n": ("a@a.test", ""),
            "Subject: grün\r\n\r\n".encode(): ("", "grün"),
            b"Subject: =?nonsense?q?x?=\r\n\r\n": ("", "=?nonsense?q?x?="),
            b"X: y\r\n\r\nFrom: a@a.test\r\nSubject: not a header": ("", ""),
            b"Subject: " + b"x" * 5000: ("", "x" * 998),
            b"": ("", ""),
        }
        for header, expected in rows.items():
            self.assertEqual(self.found(header), expected, header)

    @settings(deadline=None, max_examples=100)
    @given(st.lists(st.sampled_from([b"From:", b"Subject: ", b"\r\n", b" ", b"=?utf-8?b?", b"?=", b"<", b">", b"\xff", b"a@b", b"\n", b"\t"]), max_size=15))
    def test_any_header(self, parts: list[bytes]) -> None:
        """No header stops a mail from being stored."""
        self.found(b"".join(parts))
