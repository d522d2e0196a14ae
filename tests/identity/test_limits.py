from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from scaisend.faults import Fault
from scaisend.identity.limits import (
    MAILS_PER_DAY,
    MAILS_PER_MONTH,
    Quota,
    TenantLimits,
    period_of,
    quotas_of,
    read_limits,
)
from scaisend.storage.limiter import Limit
from tests.base import PlainTestCase

NOON = datetime(2026, 12, 31, 12, tzinfo=UTC).timestamp()


class LimitsTests(PlainTestCase):
    def test_periods(self) -> None:
        """A day and a month end with the year."""
        midnight = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
        self.assertEqual(period_of(MAILS_PER_DAY, NOON), ("2026-12-31", midnight))
        self.assertEqual(period_of(MAILS_PER_MONTH, NOON), ("2026-12", midnight))

    @given(st.floats(0, 4_000_000_000))
    def test_a_period_ends_after_now(self, now: float) -> None:
        """And at its end the next one has begun."""
        for name in (MAILS_PER_DAY, MAILS_PER_MONTH):
            period, end = period_of(name, now)
            self.assertGreater(end, now)
            self.assertNotEqual(period_of(name, end)[0], period)
            self.assertEqual(period_of(name, end - 1)[0], period)

    def test_quotas(self) -> None:
        """What is over a quota that was lowered leaves nothing, and no less."""
        (day, month) = quotas_of({MAILS_PER_MONTH: 100, MAILS_PER_DAY: 10, "writes": "off"}, {"2026-12-31": 12, "2026-12": 40}, NOON)
        self.assertEqual((day.remaining, month.remaining, day.used), (0, 60, 12))
        self.assertIsInstance(day, Quota)

    def test_a_tenants_own(self) -> None:
        """Its own rate counts where it has one, also `off`; the others stay."""
        limits, usual = TenantLimits(), Limit(10, 1.0)
        limits.know({"tnt_1": {"mail_send": "600/min", "writes": "off", MAILS_PER_DAY: 5}})
        self.assertEqual(limits.of("tnt_1", "mail_send", usual), Limit(600, 60.0))
        self.assertIsNone(limits.of("tnt_1", "writes", usual))
        self.assertEqual(limits.of("tnt_1", "default", usual), usual)
        self.assertEqual(limits.of("tnt_2", "mail_send", usual), usual)
        limits.know({})
        self.assertEqual(limits.of("tnt_1", "mail_send", usual), usual)

    def test_what_is_wrong_is_told_at_once(self) -> None:
        """Each name with its fault; nothing that is good is lost."""
        faults: list[Fault] = []
        found = read_limits({"mail_send": "50/s", "writes": "5/h", "default": 7, MAILS_PER_DAY: "9", MAILS_PER_MONTH: True, "x": 1, "messages": None}, faults)
        self.assertEqual(found, {"mail_send": "50/s", "messages": None})
        self.assertEqual([fault.field for fault in faults], ["writes", "default", MAILS_PER_DAY, MAILS_PER_MONTH, "x"])
