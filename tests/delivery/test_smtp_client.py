from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from scaisend.delivery.job import DELIVERED, TROUBLE, UNKNOWN
from scaisend.delivery.opening import Opening
from scaisend.delivery.smtp_client import QUIT_S, Periods, SessionTrouble, SmtpClient
from scaisend.delivery.sources import Source
from scaisend.delivery.tls_client import TlsContexts
from scaisend.delivery.tls_policy import NONE, Rung
from tests.base import PlainTestCase
from tests.delivery.jobs import BODY, a_job

OPENING = b"250-mx.test\r\n250 PIPELINING\r\n"
OK3 = b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n"


class Wire(StringTransport):
    """A transport that counts writes and tells its protocol of an abort."""

    nodelay = aborted = False

    def __init__(self, protocol):
        super().__init__()
        self.protocol, self.writes = protocol, []

    def write(self, data):
        self.writes.append(data)
        super().write(data)

    def setTcpNoDelay(self, enabled):
        self.nodelay = enabled

    def abortConnection(self):
        self.aborted = True
        self.protocol.connectionLost(Failure(ConnectionLost()))

    def loseConnection(self):
        super().loseConnection()
        self.protocol.connectionLost(Failure(ConnectionDone()))


class Destination:
    """What a session needs of its owner, as lists."""

    def __init__(self, *jobs):
        self.jobs, self.outcomes, self.returned, self.idle, self.gone, self.flushed = list(jobs), [], [], 0, 0, 0

    def take(self, session):
        return self.jobs.pop(0) if self.jobs else None

    def settle(self, session, job, outcome):
        self.outcomes.append(outcome)

    def give_back(self, job):
        self.returned.append(job)

    def went_idle(self, session):
        self.idle += 1

    def closed(self, session):
        self.gone += 1

    def flush(self):
        self.flushed += 1


class SessionTests(PlainTestCase):
    def session(self, *jobs, opened=True):
        self.clock, self.owner = Clock(), Destination(*jobs)
        session = SmtpClient(
            reactor=self.clock, opening=Opening(helo="out.test", wants_tls=False, needs_tls=False), tls=TlsContexts().for_host("mx.test", Rung(NONE, "", uses_tls=False)),
            rung=Rung(NONE, "", uses_tls=False), host="mx.test",
            address="192.0.2.1", source=Source("192.0.2.9", "out.test"), periods=Periods(30.0, 60.0, 600.0, 10.0), owner=self.owner,
        )
        self.wire = Wire(session)
        session.makeConnection(self.wire)
        if opened:
            session.dataReceived(b"220 hi\r\n")
            session.dataReceived(OPENING)
            self.wire.writes.clear()
        return session

    def test_no_small_write_waits(self):
        """TCP_NODELAY, and one write a mail: with Nagle each would wait 40 ms."""
        session = self.session(a_job("a"), a_job("b"))
        self.assertTrue(self.wire.nodelay)
        self.assertIs(self.successResultOf(session.ready), session)
        session.begin()
        session.dataReceived(OK3)
        session.dataReceived(b"250 Ok\r\n" + OK3)
        session.dataReceived(b"250 Ok\r\n")
        self.assertEqual(len(self.wire.writes), 3)
        self.assertEqual(self.wire.writes[2], BODY + b".\r\n")
        self.assertEqual([outcome.kind for outcome in self.owner.outcomes], [DELIVERED, DELIVERED])
        self.assertEqual((self.owner.idle, session.begun), (1, 2))

    def test_the_dot_is_waited_for_ten_minutes(self):
        """Every other command only as long as configured."""
        session = self.session(a_job())
        session.begin()
        self.assertEqual(session.deadline, 60.0)
        session.dataReceived(OK3)
        self.assertEqual(session.deadline, 600.0)
        session.sweep(599.0)
        self.assertFalse(self.wire.aborted)
        session.sweep(600.0)
        self.assertTrue(self.wire.aborted)
        self.assertEqual((self.owner.outcomes[0].kind, self.owner.gone), (UNKNOWN, 1))
        self.assertIn("timed out", self.owner.outcomes[0].text)

    def test_an_idle_session_says_goodbye(self):
        """After its idle time; one that does not answer QUIT is cut."""
        session = self.session()
        session.sweep(10.0)
        self.assertEqual(self.wire.writes, [b"QUIT\r\n"])
        self.assertFalse(session.begin())
        session.sweep(QUIT_S + 10.0)
        self.assertTrue(self.wire.aborted)
        session = self.session()
        session.quit()
        session.dataReceived(b"221 bye\r\n")
        self.assertTrue(self.wire.disconnecting)
        self.assertEqual(self.owner.gone, 1)

    def test_an_idle_session_that_is_told_421_is_gone(self):
        """Nothing is lost by it."""
        self.session().dataReceived(b"421 4.4.2 idle\r\n")
        self.assertTrue(self.wire.aborted)
        self.assertEqual((self.owner.outcomes, self.owner.gone), ([], 1))

    def test_an_opening_that_fails_is_told_once(self):
        """With the host's words and what was said."""
        session = self.session(opened=False)
        session.dataReceived(b"554 5.7.1 go away\r\n")
        trouble = self.failureResultOf(session.ready, SessionTrouble).value
        self.assertEqual((trouble.stage, trouble.reply.code, trouble.dialogue.splitlines()[0]), ("greeting", 554, "< 554 5.7.1 go away"))
        session = self.session(opened=False)
        session.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.failureResultOf(session.ready, SessionTrouble).value.reply, None)

    def test_a_silent_host_does_not_hold_a_session_open(self):
        """From the connection on there is a deadline."""
        session = self.session(opened=False)
        session.sweep(60.0)
        self.assertIn("GREETING", self.failureResultOf(session.ready, SessionTrouble).value.text)

    def test_owners_are_told_after_the_turn(self):
        """flush comes last, so what it starts finds the session at rest."""
        session = self.session(a_job())
        session.begin()
        before = self.owner.flushed
        session.dataReceived(b"421 bye\r\n")
        self.assertGreater(self.owner.flushed, before)
        self.assertEqual((self.owner.outcomes[0].kind, self.owner.outcomes[0].source), (TROUBLE, "192.0.2.9"))

    def test_a_large_body_stops_with_its_connection(self):
        """The producer of a session that is gone asks for nothing more."""
        session = self.session(a_job(body=b"x" * 70 + b"\r\n" + b"y" * 400_000 + b"\r\n"))
        session.begin()
        session.dataReceived(OK3)
        self.assertIsNotNone(self.wire.producer)
        producer = self.wire.producer
        producer.resumeProducing()
        session.dataReceived(b"552 5.3.4 enough\r\n")
        self.assertTrue(self.wire.aborted)
        written = len(self.wire.writes)
        producer.resumeProducing()
        self.assertEqual(len(self.wire.writes), written)
        self.assertEqual(self.owner.outcomes[0].code, 552)
