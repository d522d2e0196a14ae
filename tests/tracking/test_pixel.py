from scaisend.tracking.pixel import GIF, body_end, pixel_tag, with_pixel
from tests.base import PlainTestCase


class PixelTests(PlainTestCase):
    def test_bytes(self) -> None:
        """One transparent pixel, as small as a GIF can be."""
        self.assertEqual((len(GIF), GIF[:6], GIF[6:10], GIF[-1:]), (42, b"GIF89a", b"\x01\x00\x01\x00", b";"))

    def test_place(self) -> None:
        """Before the last end of the body, in any case; at the end of what has none; at each place that the sender marked."""
        for html, wanted in (
            ("<body>a</body></html>", "<body>a|</body></html>"),
            ("<BODY>a</BODY\n>", "<BODY>a|</BODY\n>"),
            ("a</b", "a</b|"),
            ("", "|"),
        ):
            self.assertEqual(with_pixel(html, "|"), wanted)
        self.assertEqual(with_pixel("<p>%open%</p>%open%</body>", "|", "%open%"), "<p>|</p>|</body>")
        self.assertEqual(with_pixel("<p></p></body>", "|", "%open%"), "<p></p>|</body>")

    def test_body_end(self) -> None:
        """The end of the body, or of the text."""
        self.assertEqual([body_end(each) for each in ("x</body>", "x</bOdY>y", "</b></body", "x", "x</")], [1, 1, 4, 1, 3])

    def test_tag(self) -> None:
        """An image that is not seen and has no words to be read aloud."""
        self.assertTrue(pixel_tag("https://t.test/x.gif").startswith('<img src="https://t.test/x.gif" alt="" width="1" height="1"'))
