from typing import Any

from scaisend.delivery import job as jobs
from scaisend.delivery.job import Outcome
from scaisend.delivery.settle import TROUBLE_DELAY_S, Flight, Patience, settle
from scaisend.delivery.store import Release
from scaisend.messages.event import KINDS
from scaisend.messages.record import Change
from scaisend.messages.status import ENDED
from scaisend.messages.waiting import REASONS
from tests.base import PlainTestCase
from tests.world.tenants import NOW

PATIENCE = Patience(max_retries=5, base_delay_s=60.0, lifetime_s=259_200.0, in_doubt_wait_s=900.0)


def flight(*, tries: int = 0, attempts: int = 0, age_s: float = 10.0, body: bytes | None = b"mail") -> Flight:
    return Flight("m.0", "m", "tnt_a", "att_1", tries, attempts, NOW - age_s, body)


def change(outcome: Outcome, **more: Any) -> Change:
    decided = settle(flight(**more), outcome, PATIENCE, NOW, 0.5)
    assert isinstance(decided, Change), decided
    return decided


class SettleTests(PlainTestCase):
    def test_delivered(self) -> None:
        """A 250 is delivered: fenced by its attempt, with the host's words, and nothing to come."""
        done = change(Outcome(jobs.DELIVERED, jobs.DOT, 250, "2.0.0", "ok", host="mx.test", address="192.0.2.1", tls="TLSv1.3"))
        self.assertEqual((done.event.type, done.attempt_id, done.due_at, done.body, done.attempted, done.reason), ("delivered", "att_1", None, None, True, None))
        self.assertEqual(done.event.detail, {
            "attempt": 1, "response": "250 2.0.0 ok", "status": "2.0.0", "code": 250, "stage": "dot", "host": "mx.test", "address": "192.0.2.1", "tls": "TLSv1.3"})

    def test_refused(self) -> None:
        """A 5xx is a hard bounce, a soft one, or a block, by what the host meant."""
        for outcome, kind, bounce in (
            (Outcome(jobs.REFUSED, jobs.RCPT, 550, "5.1.1", "no such user"), "bounce", "hard"),
            (Outcome(jobs.REFUSED, jobs.RCPT, 552, "5.2.2", "mailbox full"), "bounce", "soft"),
            (Outcome(jobs.REFUSED, jobs.DOT, 554, "5.7.1", "policy"), "blocked", "block"),
            (Outcome(jobs.REFUSED, jobs.MAIL, 550, "5.1.8", "bad sender"), "blocked", "block"),
        ):
            done = change(outcome)
            self.assertEqual((done.event.type, done.event.detail["bounce_type"], done.due_at), (kind, bounce, None), outcome)

    def test_deferred(self) -> None:
        """A 4xx uses up a retry and doubles the delay; the body is kept for the next attempt."""
        outcome = Outcome(jobs.DEFERRED, jobs.RCPT, 452, "4.2.2", "busy")
        for tries, delay_s in ((0, 90.0), (1, 180.0), (4, 1440.0)):
            done = change(outcome, tries=tries)
            self.assertEqual((done.event.type, done.refused_for_now, done.waiting, done.body), ("deferred", True, "retry", b"mail"))
            self.assertEqual(done.due_at, NOW + delay_s)

    def test_greylisting(self) -> None:
        """A host that says how long is given that time, and the recipient is said to be greylisted."""
        done = change(Outcome(jobs.DEFERRED, jobs.RCPT, 451, "4.7.1", "Greylisted, try again in 10 minutes"))
        self.assertEqual((done.waiting, done.due_at), ("greylisted", NOW + 600))

    def test_retries_used_up(self) -> None:
        """After the last retry, or the lifetime, a 4xx is a soft bounce that names the last reply."""
        outcome = Outcome(jobs.DEFERRED, jobs.RCPT, 451, None, "later")
        for more, words in (({"tries": 5}, "retries are used up"), ({"age_s": 259_200.0}, "lifetime is over")):
            done = change(outcome, **more)
            self.assertEqual((done.event.type, done.event.detail["bounce_type"], done.due_at), ("bounce", "soft", None))
            self.assertIn(words, str(done.reason))
            self.assertIn("451 later", str(done.reason))

    def test_trouble_costs_no_retry(self) -> None:
        """What says nothing of the recipient is tried again after longer and longer waits, until its lifetime is over."""
        outcome = Outcome(jobs.TROUBLE, jobs.CONNECT, text="connection refused")
        for attempts in (0, 3, 500):
            done = change(outcome, attempts=attempts, tries=5)
            self.assertEqual((done.event.type, done.refused_for_now, done.waiting), ("deferred", False, "no_connection"))
            self.assertEqual(done.due_at, NOW + TROUBLE_DELAY_S[min(attempts, len(TROUBLE_DELAY_S) - 1)] * 1.25)
        self.assertEqual(change(outcome, age_s=300_000.0).event.detail["bounce_type"], "soft")

    def test_not_tried(self) -> None:
        """What was not even tried goes back without an event, at the destination's moment and with its reason."""
        done = settle(flight(), Outcome(jobs.BACKOFF, jobs.WAIT, text="left alone", retry_at=NOW + 77, waiting="destination_backoff"), PATIENCE, NOW, 0.5)
        self.assertEqual(done, Release("m.0", "m", "tnt_a", "att_1", NOW + 77, "destination_backoff", "left alone", b"mail"))

    def test_fenced(self) -> None:
        """A fenced attempt is released for a quick next one, even past its lifetime: it says nothing of anything."""
        done = settle(flight(age_s=300_000.0), Outcome(jobs.FENCED, jobs.LOCAL, text="its lease has ended"), PATIENCE, NOW, 0.5)
        assert isinstance(done, Release)
        self.assertEqual((done.due_at, done.waiting, done.attempt_id), (NOW + 5, "delivery", "att_1"))

    def test_unknown(self) -> None:
        """A final dot without an answer is in doubt, whatever its age, until the wait is over."""
        done = change(Outcome(jobs.UNKNOWN, jobs.DOT, text="connection lost", reached_dot=True), age_s=300_000.0)
        self.assertEqual((done.event.type, done.due_at, done.waiting, done.body), ("in_doubt", NOW + 900, "in_doubt", b"mail"))

    def test_no_mx(self) -> None:
        """A null MX is a hard bounce at once; a name that does not exist is asked for once more."""
        null = Outcome(jobs.NOMX, jobs.DNS, 556, "5.1.10", "null MX: the domain takes no mail")
        self.assertEqual(change(null).event.detail["bounce_type"], "hard")
        unknown = Outcome(jobs.NOMX, jobs.DNS, 550, "5.1.2", "NXDOMAIN: the domain does not exist")
        first = change(unknown)
        self.assertEqual((first.event.type, first.due_at, first.waiting, first.refused_for_now), ("deferred", NOW + 60, "dns_trouble", False))
        self.assertEqual(change(unknown, attempts=1).event.type, "bounce")

    def test_every_outcome_has_a_future(self) -> None:
        """Each kind of outcome ends the recipient, or says when and why it is looked at again."""
        for kind in jobs.KINDS:
            decided = settle(flight(), Outcome(kind, jobs.WAIT, text="x"), PATIENCE, NOW, 0.0)
            if isinstance(decided, Change) and KINDS[decided.event.type].state in ENDED:
                self.assertIsNone(decided.due_at)
            else:
                self.assertTrue(decided.due_at is not None and decided.due_at > NOW and decided.waiting in REASONS, kind)
