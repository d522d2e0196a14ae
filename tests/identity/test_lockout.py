from scaisend.faults import TooManyRequests
from scaisend.identity.lockout import FAILURES, MOST_SOURCES, Lockout, source_of
from scaisend.storage.memory_limiter import MemoryLimiter
from tests.base import PlainTestCase
from tests.world.tenants import NOW, now

HERE = "192.0.2.1"


class LockoutTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.at = NOW
        limiter = MemoryLimiter(clock=lambda: self.at)  # what two processes share by Redis
        self.here, self.there = Lockout(limiter.take), Lockout(limiter.take)

    def wrong(self, times: int, remote: str = HERE, lockout: Lockout | None = None) -> None:
        for _ in range(times):
            now(self, (lockout or self.here).note(remote, self.at))

    def test_ever_longer(self) -> None:
        """Who fails 50 times waits for the next minute, who goes on for the next quarter of an hour, and then for hours."""
        waits = []
        for _ in range(12):
            self.wrong(FAILURES[0].count - 1)
            self.here.refuse(HERE, self.at)
            self.wrong(1)
            error = self.assertRaises(TooManyRequests, self.here.refuse, HERE, self.at)
            waits.append(error.retry_after_s)
            self.at += error.retry_after_s
            if waits[-1] > 3600:
                break
            self.here.refuse(HERE, self.at)
        self.assertEqual([wait // 60 for wait in waits[:3]], [1, 1, 13])
        self.assertGreater(waits[-1], 3600)

    def test_shared(self) -> None:
        """Failures at one process count at the other, which hears of the address at most once more."""
        self.wrong(FAILURES[0].count)
        self.there.refuse(HERE, self.at)
        self.wrong(1, lockout=self.there)
        self.assertRaises(TooManyRequests, self.there.refuse, HERE, self.at)

    def test_others_are_heard(self) -> None:
        """Other addresses are not held responsible, but those of one IPv6 network are, and mapped ones are what they map."""
        self.wrong(FAILURES[0].count)
        self.here.refuse("192.0.2.2", self.at)
        self.assertRaises(TooManyRequests, self.here.refuse, "::ffff:192.0.2.1", self.at)
        for number in range(FAILURES[0].count):
            self.wrong(1, f"2001:db8::{number:x}")
        self.assertRaises(TooManyRequests, self.here.refuse, "2001:db8::ffff:1", self.at)
        self.here.refuse("2001:db8:0:1::1", self.at)

    def test_any_text_is_an_address(self) -> None:
        """A unix socket has none, and a proxy may tell nonsense."""
        self.assertEqual([source_of(each) for each in ("", "unknown", "fe80::1%eth0")], ["", "unknown", "fe80::/64"])

    def test_bounded(self) -> None:
        """However many addresses are locked out, the memory of them does not grow without end."""
        for number in range(MOST_SOURCES * 2):
            self.here._lock(str(number), self.at + 60, self.at)
        self.assertLessEqual(len(self.here._until), MOST_SOURCES)
