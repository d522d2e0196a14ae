from scaisend.content.handlebars.dates import format_date
from tests.base import PlainTestCase


class Dates(PlainTestCase):
    def test_tokens(self) -> None:
        """Every documented token; other characters are copied."""
        form = "YYYY YY MMMM MMM MM M DD D dddd ddd hh h HH H mm m ss s A ZZ Z [x]"
        self.assertEqual(
            format_date("2020-01-01T23:05:09Z", form, "-0800"), "2020 20 January Jan 01 1 01 1 Wednesday Wed 03 3 15 15 05 5 09 9 PM -0800 -08:00 [x]"
        )
        self.assertEqual(format_date("2020-01-01T00:00:00Z", "h A Z"), "12 AM +00:00")

    def test_moments(self) -> None:
        """Seconds, milliseconds, their text, and ISO 8601 with or without time and zone."""
        for moment in (1577919600, 1577919600.0, 1577919600000, "1577919600", "1577919600000", "2020-01-01T23:00:00.000Z", "2020-01-01T23:00:00", "2020-01-02T00:00+01:00", "2020-01-01 23:00"):
            self.assertEqual(format_date(moment, "YYYY-MM-DD HH:mm"), "2020-01-01 23:00")
        self.assertEqual(format_date("20200304", "D"), "4")
        self.assertEqual(format_date(-1, "YYYY"), "1969")

    def test_offsets(self) -> None:
        """An offset is text or a number, with or without a colon, Z, or nothing."""
        for offset, hour in (("+0530", "05:30"), ("+05:30", "05:30"), (530, "05:30"), (-800, "16:00"), ("-08", "16:00"), ("", "00:00"), (None, "00:00"), ("Z", "00:00")):
            self.assertEqual(format_date("2020-01-01", "HH:mm", offset), hour)

    def test_refused(self) -> None:
        """What is no date, or no offset, is refused."""
        for moment, offset in (("soon", None), ({}, None), (True, None), (1e300, None), (-1e14, None), ("9" * 100, None), (0, "abc"), (0, "+9900"), (0, []), ("0001-01-01", "-0800"), (float("nan"), None)):
            self.assertRaises(ValueError, format_date, moment, "YYYY", offset)
        self.assertRaises(ValueError, format_date, 0, "Y" * 1000)
