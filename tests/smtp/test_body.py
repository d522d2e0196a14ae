"""Where a mail is kept while it comes."""

from scaisend.smtp.body import Spool
from scaisend.smtp.limits import Limits
from scaisend.smtp.verdict import NO_ROOM
from tests.base import PlainTestCase


class SpoolTests(PlainTestCase):
    def test_a_large_mail_goes_to_a_file(self) -> None:
        """Over `memory_bytes` the mail leaves memory, and comes back whole."""
        spool = Spool(Limits(memory_bytes=1000))
        for _ in range(500):
            spool.write(b"12345678\r\n")
        self.assertIsNotNone(spool._file)
        self.assertEqual(spool.content(), b"12345678\r\n" * 500)
        self.assertIsNone(spool._file)

    def test_no_room_on_the_disk(self) -> None:
        """A disk that takes nothing refuses the mail for now, and the rest is counted and dropped."""
        spool = Spool(Limits(memory_bytes=0))
        spool._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115  # the spool closes it
        spool.write(b"x\r\n")
        spool.write(b"y\r\n")
        self.assertEqual((spool.refusal, spool.size_bytes), (NO_ROOM, 6))
