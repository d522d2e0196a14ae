from scaisend.suppressions.lists import STOPPING, stopped_by
from tests.base import PlainTestCase

NOTHING: frozenset[str] = frozenset()


class ListsTests(PlainTestCase):
    def test_what_stops(self) -> None:
        """Bounces, invalid addresses, complaints and unsubscribes stop mail; blocks never do."""
        for name in ("bounces", "invalid_emails", "spam_reports", "unsubscribes"):
            self.assertEqual(stopped_by({name}, NOTHING), name)
        self.assertIsNone(stopped_by({"blocks"}, NOTHING))
        self.assertIsNone(stopped_by((), NOTHING))

    def test_bypass(self) -> None:
        """Each bypass lets its own lists pass and no other; bypass_list_management lets all pass."""
        for name, (_, bypass) in STOPPING.items():
            self.assertIsNone(stopped_by({name}, frozenset({bypass})))
            self.assertIsNone(stopped_by({name}, frozenset({"list"})))
            for other in {"bounce", "spam", "unsubscribe"} - {bypass}:
                self.assertEqual(stopped_by({name}, frozenset({other})), name)

    def test_the_list_that_is_not_bypassed_stops(self) -> None:
        """An address on two lists is stopped by the one that is not bypassed."""
        self.assertEqual(stopped_by({"bounces", "spam_reports"}, frozenset({"bounce"})), "spam_reports")
