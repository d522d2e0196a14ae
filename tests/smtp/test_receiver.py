"""The dialogue: commands, their replies and their order."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from scaisend.faults import Unavailable
from scaisend.smtp.limits import Limits
from scaisend.smtp.verdict import Verdict
from tests.base import PlainTestCase
from tests.world.smtp_session import Mailbox, Peer

NO_SUCH = Verdict(550, "5.1.1", "no such user")


class DialogueTests(PlainTestCase):
    def test_greeting_and_offers(self) -> None:
        """The greeting names the host; EHLO lists the extensions; STARTTLS is not offered without a certificate."""
        peer = Peer(greet=False)
        self.assertEqual(peer.said(), b"220 mx.example.test ESMTP\r\n")
        lines = peer.says(b"EHLO [192.0.2.1]\r\n").said().split(b"\r\n")
        self.assertEqual(lines[0], b"250-mx.example.test")
        offers = {line[4:] for line in lines[1:-1]}
        self.assertEqual(offers, {b"PIPELINING", b"SIZE 52428800", b"8BITMIME", b"SMTPUTF8", b"ENHANCEDSTATUSCODES", b"CHUNKING"})
        self.assertEqual(lines[-2][:4], b"250 ")
        self.assertEqual(peer.says(b"STARTTLS\r\n").codes(), [502])

    def test_one_mail(self) -> None:
        """A mail arrives with its envelope, unstuffed, octet for octet; the 250 comes with the verdict."""
        peer = Peer().opens_mail()
        peer.says(b"Subject: x\r\n\r\n..dot\r\n.\xc3\xa9\r\n\r\n.\r\n")
        self.assertEqual(peer.said(), b"250 2.0.0 kept\r\n")
        self.assertEqual(peer.mailbox.mails, [("a@a.test", ("b@b.test",), b"Subject: x\r\n\r\n.dot\r\n\xc3\xa9\r\n\r\n")])
        self.assertEqual(peer.mailbox.sessions[0].name, "peer.example.test")
        self.assertEqual(peer.mailbox.sessions[0].protocol, "ESMTP")

    def test_smallest_mails(self) -> None:
        """An empty mail and a mail of one empty line are told apart."""
        peer = Peer().opens_mail().says(b".\r\n")
        peer.opens_mail().says(b"\r\n.\r\n")
        self.assertEqual([content for _, _, content in peer.mailbox.mails], [b"", b"\r\n"])

    def test_order_of_replies_while_a_verdict_waits(self) -> None:
        """Commands pipelined behind a verdict that waits are answered after it, in order."""
        mailbox = Mailbox(waits={"a@a.test": Deferred(), "c@c.test": Deferred()}, refusals={"b@b.test": NO_SUCH})
        peer = Peer(mailbox=mailbox)
        peer.says(b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nRCPT TO:<c@c.test>\r\nRSET\r\nMAIL FROM:<d@d.test>\r\nNOOP\r\n")
        self.assertEqual(peer.said(), b"")
        mailbox.waits["a@a.test"].callback(None)
        self.assertEqual(peer.codes(), [250, 550])
        mailbox.waits["c@c.test"].callback(None)
        self.assertEqual(peer.codes(), [250, 250, 250, 250])

    def test_mails_back_to_back(self) -> None:
        """The next envelope may ride on the final dot (RFC 2920 3.1), and waits for the first mail's verdict."""
        mailbox = Mailbox(waits={"message": Deferred()})
        peer = Peer(mailbox=mailbox).opens_mail()
        peer.says(b"one\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n")
        self.assertEqual(peer.said(), b"")
        mailbox.waits["message"].callback(None)
        self.assertEqual(peer.codes(), [250, 250, 250, 354])
        peer.says(b"two\r\n.\r\n")
        self.assertEqual([(sender, content) for sender, _, content in mailbox.mails], [("a@a.test", b"one\r\n"), ("", b"two\r\n")])

    def test_out_of_order_commands(self) -> None:
        """Each command out of its place is refused and changes nothing."""
        peer = Peer(greet=False)
        peer.said()
        for line, code in [
            (b"MAIL FROM:<a@a.test>", 503), (b"RCPT TO:<b@b.test>", 503), (b"DATA", 503), (b"EHLO", 501), (b"HELO x", 250),
            (b"DATA", 503), (b"MAIL FROM:<a@a.test>", 250), (b"MAIL FROM:<a@a.test>", 503), (b"DATA", 554), (b"DATA now", 501),
            (b"RSET now", 501), (b"VRFY", 501), (b"VRFY b", 252), (b"EXPN b", 502), (b"HELP", 214), (b"noop x y", 250), (b"", 500), (b"XYZZY", 500),
            (b"\xff", 500), (b"NOOP \x00", 500),
        ]:
            self.assertEqual(peer.says(line + b"\r\n").codes(), [code], line)

    def test_refused_recipients_do_not_get_the_mail(self) -> None:
        """Only accepted recipients stand in the envelope; with none of them DATA is refused."""
        peer = Peer(mailbox=Mailbox(refusals={"b@b.test": NO_SUCH, "x@x.test": Verdict(550, "5.7.1", "sender refused")}))
        self.assertEqual(peer.says(b"MAIL FROM:<x@x.test>\r\nRCPT TO:<c@c.test>\r\n").codes(), [550, 503])
        self.assertEqual(peer.says(b"MAIL FROM:<>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n").codes(), [250, 550, 554])
        self.assertEqual(peer.says(b"RCPT TO:<c@c.test>\r\nDATA\r\n").codes(), [250, 354])
        peer.says(b".\r\n")
        self.assertEqual(peer.mailbox.mails, [("", ("c@c.test",), b"")])

    def test_trouble_asks_to_come_back(self) -> None:
        """A dependency that is away, or a fault of ours, is a 451, and the session goes on."""
        faults = {"b@b.test": Unavailable("database"), "message": ZeroDivisionError()}
        peer = Peer(mailbox=Mailbox(faults=faults))
        self.assertEqual(peer.says(b"MAIL FROM:<>\r\nRCPT TO:<b@b.test>\r\nRCPT TO:<c@c.test>\r\nDATA\r\n").codes(), [250, 451, 250, 354])
        self.assertEqual(peer.says(b".\r\n").said(), b"451 4.3.0 internal trouble, try again later\r\n")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(peer.says(b"NOOP\r\n").codes(), [250])

    def test_peer_that_leaves_while_a_verdict_waits(self) -> None:
        """A verdict that comes after the peer left harms nobody."""
        mailbox = Mailbox(waits={"message": Deferred()})
        peer = Peer(mailbox=mailbox).opens_mail().says(b"x\r\n.\r\n")
        peer.hangs_up()
        mailbox.waits["message"].callback(None)
        self.assertEqual(len(mailbox.mails), 1)
        self.assertEqual(len(peer.factory.sessions), 0)

    def test_quit(self) -> None:
        """QUIT is answered and ends the session; nothing behind it is read."""
        peer = Peer()
        self.assertEqual(peer.says(b"QUIT\r\nNOOP\r\n").codes(), [221])
        self.assertTrue(peer.is_over)


class ChunkTests(PlainTestCase):
    def test_chunks(self) -> None:
        """BDAT chunks make one mail whose dots are left alone and whose last line may be open (RFC 3030)."""
        peer = Peer().says(b"MAIL FROM:<>\r\nRCPT TO:<b@b.test>\r\nBDAT 4\r\n.\r\n\rBDAT 4\r\n\n.\r\nBDAT 1 LAST\r\nx")
        self.assertEqual(peer.codes(), [250] * 5)
        self.assertEqual([content for _, _, content in peer.mailbox.mails], [b".\r\n\r\n.\r\nx"])

    def test_empty_last_chunk(self) -> None:
        """BDAT 0 LAST ends the mail; a CR left over by the chunk before it is a bare one."""
        envelope = b"MAIL FROM:<>\r\nRCPT TO:<b@b.test>\r\n"
        peer = Peer().says(envelope + b"BDAT 3\r\nabcBDAT 0 LAST\r\n" + envelope + b"BDAT 2\r\na\rBDAT 0 LAST\r\n")
        self.assertEqual(peer.codes(), [250, 250, 250, 250, 250, 250, 250, 554])
        self.assertEqual([content for _, _, content in peer.mailbox.mails], [b"abc"])

    def test_refused_chunks_are_still_taken_from_the_stream(self) -> None:
        """The octets of a chunk without a transaction, or over the limit, never become commands."""
        peer = Peer(limits=Limits(size_bytes=10))
        self.assertEqual(peer.says(b"BDAT 6\r\nNOOP\r\nNOOP\r\n").codes(), [503, 250])
        peer.says(b"MAIL FROM:<>\r\nRCPT TO:<b@b.test>\r\nBDAT 12\r\nRSET\r\nNOOP\r\nBDAT 6 LAST\r\nNOOP\r\n")
        self.assertEqual(peer.codes(), [250, 250, 552, 503])
        self.assertEqual(peer.mailbox.mails, [])

    def test_unreadable_chunk_size_ends_the_session(self) -> None:
        """When it cannot be known how many octets follow, nothing more is read."""
        for line in (b"BDAT x", b"BDAT -1", b"BDAT", b"BDAT 1 FIRST", b"BDAT 999999999999999"):
            peer = Peer().says(line + b"\r\nNOOP\r\n")
            self.assertIn(peer.codes(), ([501], [552]))
            self.assertTrue(peer.is_over)

    def test_chunks_and_data_do_not_mix(self) -> None:
        """DATA and RCPT inside a mail of chunks are refused; RSET leaves it."""
        peer = Peer().says(b"MAIL FROM:<>\r\nRCPT TO:<b@b.test>\r\nBDAT 1\r\nxRCPT TO:<c@c.test>\r\nDATA\r\n")
        self.assertEqual(peer.codes(), [250, 250, 250, 503, 503])
        self.assertEqual(peer.says(b"RSET\r\nDATA\r\n").codes(), [250, 503])


class RoundTripTests(PlainTestCase):
    @settings(deadline=None, max_examples=250)
    @given(st.lists(st.sampled_from([b".", b"..", b"\r\n", b"x", b"\xff\x00", b".\r\n", b"QUIT\r\n", b"y" * 300]), max_size=40), st.data())
    def test_bodies_in_random_segments(self, parts: list[bytes], data: st.DataObject) -> None:
        """Any body of whole lines, however the network cuts it, arrives as it was, and as exactly one mail."""
        body = b"".join(parts)
        if body and not body.endswith(b"\r\n"):
            body += b"\r\n"
        stuffed = (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
        cuts = data.draw(st.lists(st.integers(0, len(stuffed)), max_size=12))
        peer = Peer(limits=Limits(memory_bytes=200)).opens_mail().says(stuffed, tuple(cuts))
        self.assertEqual(peer.codes(), [250])
        self.assertEqual([content for _, _, content in peer.mailbox.mails], [body])
        self.assertEqual(peer.says(b"NOOP\r\n").codes(), [250])
        peer.hangs_up()

    @settings(deadline=None, max_examples=100)
    @given(st.lists(st.sampled_from([b".", b"\r\n", b"x\r\n", b"NOOP\r\n", b"z" * 300]), max_size=20), st.data())
    def test_chunks_in_random_segments(self, parts: list[bytes], data: st.DataObject) -> None:
        """The same holds for a mail cut into chunks of any size."""
        body = b"".join(parts)
        marks = [0, *sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5))), len(body)]
        stream = b"MAIL FROM:<>\r\nRCPT TO:<b@b.test>\r\n"
        for start, stop in zip(marks, marks[1:], strict=False):
            stream += b"BDAT %d\r\n%s" % (stop - start, body[start:stop])
        stream += b"BDAT 0 LAST\r\n"
        peer = Peer().says(stream, tuple(data.draw(st.lists(st.integers(0, len(stream)), max_size=12))))
        self.assertEqual(set(peer.codes()), {250})
        self.assertEqual([content for _, _, content in peer.mailbox.mails], [body])
        peer.hangs_up()

    @settings(deadline=None, max_examples=250)
    @given(st.lists(st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"EHLO x\r\n", b"MAIL FROM:<a@b.test>", b"RCPT TO:<c@d.test>\r\n", b"DATA\r\n", b"\r\n.\r\n", b"BDAT 3\r\n",
                         b"BDAT 2 LAST\r\n", b"\r\n", b"\n", b"\r", b"RSET\r\n", b"STARTTLS\r\n", b" SIZE=1\r\n", b"\x00", b"\xc3"]),
    ), max_size=30))
    def test_noise(self, segments: list[bytes]) -> None:
        """Whatever arrives, each answer is a well-formed reply and nothing is logged as a fault of ours."""
        peer = Peer(greet=False, limits=Limits(size_bytes=60, line_bytes=64, errors=6))
        for segment in segments:
            peer.says(segment)
        for line in peer.said().split(b"\r\n")[:-1]:
            self.assertRegex(line, rb"\A[2-5][0-5][0-9][ -][ -~]+\Z")
        peer.hangs_up()
