from collections import deque

from scaisend.delivery.conversation import LARGE_BYTES, PIECE_BYTES, Conversation
from scaisend.delivery.job import DATA, DEFERRED, DELIVERED, DOT, FENCED, MAIL, RCPT, REFUSED, TROUBLE, UNKNOWN
from scaisend.delivery.transaction import Extensions, Peer
from tests.base import PlainTestCase
from tests.delivery.jobs import BODY, a_job

OK3 = b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n"
OK = b"250 2.0.0 Ok: queued as 1\r\n"


def envelope(name, rset=b""):
    return rset + b"MAIL FROM:<b+1@out.test>\r\nRCPT TO:<%b@in.test>\r\nDATA\r\n" % name


class Case(PlainTestCase):
    def start(self, *names, extensions=("PIPELINING",), **more):
        """A conversation with these jobs in its queue."""
        self.jobs = deque(a_job(name, to=f"{name}@in.test", **more) for name in names)
        self.outcomes, self.returned = {}, []
        self.conversation = Conversation(
            extensions=Extensions(dict.fromkeys(extensions, "")), peer=Peer("mx.in.test", "192.0.2.1", "192.0.2.9", "TLSv1.3 X", ("< 220 hi",)),
            take=lambda: self.jobs.popleft() if self.jobs else None, settle=lambda job, outcome: self.outcomes.update({job.recipient_id: outcome}),
            give_back=lambda job: self.returned.append(job.recipient_id),
        )
        return self.conversation.begin()

    def kinds(self):
        return {name: (outcome.kind, outcome.stage, outcome.code) for name, outcome in self.outcomes.items()}


class PipeliningTests(Case):
    def test_the_next_envelope_rides_on_the_dot(self):
        """One write a mail, one round trip a mail."""
        self.assertEqual(self.start("a", "b"), envelope(b"a"))
        self.assertEqual(self.conversation.receive(OK3), BODY + b".\r\n" + envelope(b"b"))
        self.assertEqual(self.conversation.receive(OK + OK3), BODY + b".\r\n")
        self.assertEqual(self.conversation.receive(OK), b"")
        self.assertTrue(self.conversation.idle)
        self.assertEqual(self.kinds(), {"a": (DELIVERED, DOT, 250), "b": (DELIVERED, DOT, 250)})
        outcome = self.outcomes["a"]
        self.assertEqual((outcome.enhanced, outcome.text, outcome.host, outcome.tls), ("2.0.0", "Ok: queued as 1", "mx.in.test", "TLSv1.3 X"))
        self.assertTrue(outcome.reached_dot)
        self.assertIsNone(outcome.dialogue)

    def test_replies_may_come_byte_by_byte(self):
        """Nothing is written before the last reply of the group."""
        self.start("a")
        written = [self.conversation.receive(bytes([each])) for each in OK3 + OK]
        self.assertEqual([each for each in written if each], [BODY + b".\r\n"])
        self.assertEqual(self.kinds(), {"a": (DELIVERED, DOT, 250)})

    def test_a_refused_recipient_ends_only_its_mail(self):
        """The next transaction starts with RSET, and the host's words are kept with the dialogue but never the body."""
        self.start("a", "b")
        written = self.conversation.receive(b"250 Ok\r\n550 5.1.1 No such user\r\n554 5.5.1 no valid recipients\r\n")
        self.assertEqual(written, envelope(b"b", b"RSET\r\n"))
        self.assertEqual(self.kinds(), {"a": (REFUSED, RCPT, 550)})
        outcome = self.outcomes["a"]
        self.assertEqual((outcome.enhanced, outcome.text, outcome.reached_dot), ("5.1.1", "No such user", False))
        self.assertIn("> RCPT TO:<a@in.test>\n< 550 5.1.1 No such user", outcome.dialogue)
        self.assertNotIn("hello", outcome.dialogue)
        self.assertEqual(self.conversation.receive(b"250 reset\r\n" + OK3), BODY + b".\r\n")

    def test_data_accepted_without_a_recipient_gets_a_lone_dot(self):
        """354 after a refused RCPT: the body is not sent, a dot ends it, its reply is nobody's (RFC 2920 3.1)."""
        self.start("a", "b")
        self.assertEqual(self.conversation.receive(b"250 Ok\r\n450 4.2.0 later\r\n354 go\r\n"), b".\r\n")
        self.assertEqual(self.kinds(), {"a": (DEFERRED, RCPT, 450)})
        self.assertEqual(self.conversation.receive(b"554 no recipients\r\n"), envelope(b"b", b"RSET\r\n"))

    def test_each_stage_can_refuse(self):
        """MAIL, DATA and the dot: the first refusal is the cause, whatever follows it."""
        rows = [
            (b"451 4.3.0 no\r\n503 a\r\n503 b\r\n", (DEFERRED, MAIL, 451)), (b"550 no\r\n503 a\r\n503 b\r\n", (REFUSED, MAIL, 550)),
            (b"250 a\r\n250 b\r\n452 full\r\n", (DEFERRED, DATA, 452)), (OK3 + b"554 5.7.1 spam\r\n", (REFUSED, DOT, 554)),
            (OK3 + b"451 4.7.1 grey\r\n", (DEFERRED, DOT, 451)),
        ]
        for said, expected in rows:
            self.start("a")
            self.conversation.receive(said)
            self.assertEqual(self.kinds(), {"a": expected})
            self.assertFalse(self.conversation.closing)

    def test_a_refused_dot_does_not_harm_its_rider(self):
        """The rider's envelope stands when the host accepted it."""
        self.start("a", "b")
        self.conversation.receive(OK3)
        self.assertEqual(self.conversation.receive(b"554 5.7.1 spam\r\n" + OK3), BODY + b".\r\n")
        self.conversation.receive(OK)
        self.assertEqual(self.kinds(), {"a": (REFUSED, DOT, 554), "b": (DELIVERED, DOT, 250)})

    def test_a_rider_refused_with_its_dot_is_asked_again_alone(self):
        """After a refused dot a refusal of the next envelope may mean the first mail: only the second answer counts."""
        self.start("a", "b")
        self.conversation.receive(OK3)
        written = self.conversation.receive(b"451 4.3.0 oops\r\n503 5.5.1 nested\r\n503 no\r\n503 no\r\n")
        self.assertEqual(written, envelope(b"b", b"RSET\r\n"))
        self.assertEqual(self.kinds(), {"a": (DEFERRED, DOT, 451)})
        self.conversation.receive(b"250 reset\r\n250 a\r\n550 5.1.1 no\r\n503 c\r\n")
        self.assertEqual(self.kinds()["b"], (REFUSED, RCPT, 550))

    def test_a_rider_in_data_after_a_refused_dot_gets_its_lone_dot(self):
        """Refused recipient, yet 354: the dot first, then once more."""
        self.start("a", "b")
        self.conversation.receive(OK3)
        self.assertEqual(self.conversation.receive(b"451 oops\r\n250 a\r\n503 b\r\n354 go\r\n"), b".\r\n")
        self.assertEqual(self.conversation.receive(b"554 none\r\n"), envelope(b"b", b"RSET\r\n"))


class OtherDialectsTests(Case):
    def test_step_by_step_without_pipelining(self):
        """Each command waits for its reply, RSET too."""
        self.assertEqual(self.start("a", "b", extensions=()), b"MAIL FROM:<b+1@out.test>\r\n")
        receive = self.conversation.receive
        self.assertEqual(receive(b"250 ok\r\n"), b"RCPT TO:<a@in.test>\r\n")
        self.assertEqual(receive(b"550 no\r\n"), b"RSET\r\n")
        self.assertEqual(receive(b"250 ok\r\n"), b"MAIL FROM:<b+1@out.test>\r\n")
        self.assertEqual(receive(b"250 ok\r\n"), b"RCPT TO:<b@in.test>\r\n")
        self.assertEqual(receive(b"250 ok\r\n"), b"DATA\r\n")
        self.assertEqual(receive(b"354 ok\r\n"), BODY + b".\r\n")
        self.assertEqual(receive(b"250 ok\r\n"), b"")
        self.assertEqual(self.kinds(), {"a": (REFUSED, RCPT, 550), "b": (DELIVERED, DOT, 250)})

    def test_chunks_are_not_stuffed(self):
        """BDAT follows the accepted envelope, so that nothing reached the dot when a recipient is refused; the next envelope rides on it."""
        body = b"Subject: x\r\n\r\n.\r\n"
        written = self.start("a", "b", extensions=("PIPELINING", "CHUNKING"), body=body)
        self.assertEqual(written, b"MAIL FROM:<b+1@out.test>\r\nRCPT TO:<a@in.test>\r\n")
        written = self.conversation.receive(b"250 a\r\n250 b\r\n")
        self.assertEqual(written, b"BDAT 17 LAST\r\n" + body + b"MAIL FROM:<b+1@out.test>\r\nRCPT TO:<b@in.test>\r\n")
        self.conversation.receive(OK + b"250 a\r\n550 5.1.1 b\r\n")
        self.assertEqual(self.kinds(), {"a": (DELIVERED, DOT, 250), "b": (REFUSED, RCPT, 550)})

    def test_large_bodies_go_in_pieces(self):
        """The pieces are the body and the dot; nothing rides on them."""
        body = b"x" * 70 + b"\r\n"
        body *= 3 * LARGE_BYTES // len(body)
        self.start("a", "b", body=body)
        self.assertEqual(self.conversation.receive(OK3), b"")
        pieces = []
        while self.conversation.has_pieces:
            pieces.append(self.conversation.next_piece())
        self.assertEqual(b"".join(pieces), body + b".\r\n")
        self.assertLessEqual(max(map(len, pieces)), PIECE_BYTES)
        self.assertEqual(self.conversation.receive(OK), envelope(b"b"))

    def test_an_early_refusal_of_a_large_body_counts(self):
        """The host need not hear all of it; an early acceptance is none."""
        body = b"x\r\n" * LARGE_BYTES
        for said, expected in ((b"552 5.3.4 too large\r\n", (REFUSED, DOT, 552)), (b"250 wonderful\r\n", (TROUBLE, DOT, 250))):
            self.start("a", body=body)
            self.conversation.receive(OK3)
            self.conversation.next_piece()
            self.conversation.receive(said)
            self.assertEqual(self.kinds(), {"a": expected})
            self.assertFalse(self.outcomes["a"].reached_dot)
            self.assertTrue(self.conversation.closing)


class LostTests(Case):
    def test_after_the_dot_the_outcome_is_unknown(self):
        """And the rider, of which nothing was said, goes elsewhere."""
        self.start("a", "b")
        self.conversation.receive(OK3)
        self.conversation.lost("gone")
        self.assertEqual(self.kinds(), {"a": (UNKNOWN, DOT, None)})
        self.assertTrue(self.outcomes["a"].reached_dot)
        self.assertEqual(self.returned, ["b"])

    def test_before_any_reply_on_a_used_connection_it_goes_elsewhere(self):
        """A reused connection may have been dead all the time; a fresh one was not."""
        self.start("a")
        self.conversation.lost("gone")
        self.assertEqual(self.kinds(), {"a": (TROUBLE, MAIL, None)})
        self.start("a")
        self.conversation.receive(OK3 + OK)
        self.jobs.append(a_job("b"))
        self.conversation.begin()
        self.conversation.lost("gone")
        self.assertEqual(self.returned, ["b"])

    def test_replies_that_did_arrive_are_the_cause(self):
        """A refusal or a 421 is not hidden behind the lost connection."""
        self.start("a")
        self.conversation.receive(b"250 ok\r\n550 5.1.1 no\r\n")
        self.conversation.lost("gone")
        self.assertEqual(self.kinds(), {"a": (REFUSED, RCPT, 550)})

    def test_a_large_body_that_was_not_finished_is_known(self):
        """Without its last piece the mail was not accepted."""
        self.start("a", body=b"x\r\n" * LARGE_BYTES)
        self.conversation.receive(OK3)
        self.conversation.next_piece()
        self.conversation.lost("gone")
        self.assertEqual(self.kinds(), {"a": (TROUBLE, DOT, None)})

    def test_421_is_no_verdict(self):
        """It is trouble of the destination, at whatever stage; what rode on it goes elsewhere."""
        for said in (b"421 4.3.2 bye\r\n", b"250 a\r\n421 bye\r\n", b"250 a\r\n250 b\r\n421 bye\r\n", OK3 + b"421 bye\r\n"):
            self.start("a", "b")
            self.conversation.receive(said)
            self.conversation.lost("closed")
            self.assertEqual((self.outcomes["a"].kind, self.outcomes["a"].code), (TROUBLE, 421))
            self.assertEqual(self.returned, ["b"] if said.startswith(OK3) else [])
            self.assertEqual(self.conversation.shut.code, 421)

    def test_421_for_a_used_session_is_not_held_against_the_mail(self):
        """A host that limits mails per session closes so; the mail goes to another session."""
        self.start("a", "b")
        self.conversation.receive(OK3)
        self.conversation.receive(OK + b"421 enough\r\n")
        self.assertEqual(self.returned, ["b"])
        self.assertEqual(self.kinds(), {"a": (DELIVERED, DOT, 250)})

    def test_a_breach_of_the_protocol_is_no_acceptance(self):
        """Garbage, an unexpected 354, or a reply nobody asked for end the session."""
        for said, expected in ((b"hello\r\n", TROUBLE), (b"354 go\r\n", TROUBLE), (b"250 a\r\n250 b\r\n250 c\r\n", TROUBLE), (OK3 + b"354 more\r\n", UNKNOWN)):
            self.start("a")
            self.conversation.receive(said)
            self.assertEqual(self.outcomes["a"].kind, expected)
            self.assertTrue(self.conversation.closing)


class FenceTests(Case):
    def test_no_dot_after_the_lease(self):
        """Asked right before the dot: nothing of the body is written, the connection is cut."""
        holds = [True]
        self.start("a", may_finish=lambda: holds[0])
        holds[0] = False
        self.assertEqual(self.conversation.receive(OK3), b"")
        self.assertEqual(self.outcomes["a"].kind, FENCED)
        self.assertFalse(self.outcomes["a"].reached_dot)
        self.assertTrue(self.conversation.closing)

    def test_a_lapsed_mail_is_not_begun(self):
        """Then the connection stays, and the next mail goes."""
        self.jobs = deque()
        self.start("a", may_finish=lambda: False)
        self.assertEqual(self.outcomes["a"].kind, FENCED)
        self.assertFalse(self.conversation.closing)

    def test_a_large_body_is_asked_again_before_its_last_piece(self):
        """The lease may end while it is being written."""
        holds = [True]
        self.start("a", may_finish=lambda: holds[0], body=b"x\r\n" * LARGE_BYTES)
        self.conversation.receive(OK3)
        self.conversation.next_piece()
        holds[0] = False
        while self.conversation.has_pieces:
            last = self.conversation.next_piece()
        self.assertEqual(last, b"")
        self.assertEqual(self.outcomes["a"].kind, FENCED)
        self.assertTrue(self.conversation.closing)

    def test_what_this_host_cannot_take_is_refused_without_it(self):
        """And the next job is taken at once."""
        written = self.start("a", "b", body="ü\r\n".encode())
        self.assertEqual(written, b"")
        self.assertEqual({name: outcome.enhanced for name, outcome in self.outcomes.items()}, {"a": "5.6.3", "b": "5.6.3"})
