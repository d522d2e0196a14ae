from scaisend.messages.moments import iso, iso_seconds, read_moment
from tests.base import PlainTestCase


class MomentTests(PlainTestCase):
    def test_shown(self) -> None:
        """Moments are ISO 8601 in UTC."""
        self.assertEqual((iso(1_800_000_000.1239), iso(None), iso_seconds(1_800_000_000.9)), ("2027-01-15T08:00:00.123Z", None, "2027-01-15T08:00:00Z"))

    def test_read(self) -> None:
        """Unix seconds and ISO 8601 in any zone are read; no zone is UTC."""
        for text in ("1800000000", "1800000000.0", "2027-01-15T08:00:00Z", "2027-01-15 08:00", "2027-01-15T09:00:00+01:00", "20270115T080000Z"):
            self.assertEqual(read_moment(text), 1_800_000_000.0, text)

    def test_refused(self) -> None:
        """What is no moment, or out of all bounds, is refused."""
        for text in ("", "soon", "-1", "1e9", "9" * 400, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2027-13-01", "１８", "nan", "."):
            self.assertRaises(ValueError, read_moment, text)
