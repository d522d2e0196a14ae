from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.delivery.reply_reader import MAX_LINE_BYTES, MAX_LINES, MAX_TEXT, BadReply, Reply, ReplyReader
from tests.base import PlainTestCase


class ReadingTests(PlainTestCase):
    def test_lines_make_replies(self):
        """One line is a reply; several with hyphens are one, and it ends with the line that has none."""
        replies = ReplyReader().feed(b"250 Ok\r\n250-mx\r\n250-SIZE\r\n250 8BITMIME\r\n354\r\n")
        self.assertEqual(replies, [Reply(250, b"Ok"), Reply(250, b"mx\nSIZE\n8BITMIME"), Reply(354, b"")])

    @settings(deadline=None)
    @given(st.lists(st.integers(0, 60), max_size=6))
    def test_any_split_is_read_alike(self, cuts):
        """However the bytes are cut, the same replies come out."""
        whole = b"250-mx\r\n250 SIZE\r\n421 4.3.2 bye\r\n550-5.1.1 no\r\n550 5.1.1 such\r\n"
        reader, found, last = ReplyReader(), [], 0
        for cut in [*sorted(cuts), len(whole)]:
            found += reader.feed(whole[last:cut])
            last = max(last, cut)
        self.assertEqual(found, ReplyReader().feed(whole))
        self.assertTrue(reader.empty)

    def test_no_reply_is_refused(self):
        """Codes that int() would take, codes out of range, other codes on a later line and strange marks end the session."""
        for line in (b" 25 x", b"+25 x", b"2_5 x", b"25 ok", b"199 x", b"600 x", b"250?x", b"250-a\r\n251 b", b"", b"\xff\xff\xff x"):
            with self.subTest(line=line):
                self.assertRaises(BadReply, ReplyReader().feed, line + b"\r\n")

    def test_replies_are_bounded(self):
        """Neither an endless line nor an endless reply is kept."""
        self.assertRaises(BadReply, ReplyReader().feed, b"250 " + b"x" * (MAX_LINE_BYTES + 1))
        self.assertRaises(BadReply, ReplyReader().feed, b"250-x\r\n" * (MAX_LINES + 1))

    def test_a_seen_line_does_not_end_another_reply(self):
        """A line that was a whole reply before is only a part inside a longer one."""
        reader = ReplyReader()
        reader.feed(b"250 Ok\r\n")
        self.assertEqual(reader.feed(b"250-a\r\n250 Ok\r\n"), [Reply(250, b"a\nOk")])
        self.assertRaises(BadReply, reader.feed, b"550-a\r\n250 Ok\r\n")


class SpokenTests(PlainTestCase):
    def test_the_enhanced_code_is_split_off(self):
        """It counts when it opens the text and agrees with the code; it is left out of every line."""
        rows = [
            (Reply(550, b"5.1.1 No such\n5.1.1 user"), ("5.1.1", "No such user")),
            (Reply(250, b"2.0.0 Ok"), ("2.0.0", "Ok")),
            (Reply(450, b"5.1.1 odd"), (None, "5.1.1 odd")),
            (Reply(550, b"10.5.1.1 is listed"), (None, "10.5.1.1 is listed")),
            (Reply(550, b"5.1.1.1 is an address"), (None, "5.1.1.1 is an address")),
            (Reply(550, b"5.7.509"), ("5.7.509", "")),
        ]
        for reply, expected in rows:
            self.assertEqual(reply.spoken(), expected)

    def test_the_text_is_printable_and_short(self):
        """Control characters, bad UTF-8 and endless text do not reach logs and columns."""
        text = Reply(550, b"a\x00\x1b[31m\rb\xff" + b"x" * 5000).text
        self.assertTrue(text.isprintable())
        self.assertLessEqual(len(text), MAX_TEXT)
