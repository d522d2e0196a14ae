from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.messages.portion import SUSPECT_AFTER, Portion, Weight
from tests.base import PlainTestCase

ROWS = st.lists(st.builds(Weight, st.integers(0, 40_000_000), st.integers(0, 9), st.integers(1, 1000)), max_size=12)


class PortionTests(PlainTestCase):
    portion = Portion(most_bytes=100, most_recipients=10)

    def test_bounds(self) -> None:
        """Rows are taken until the next one is too many bytes or recipients."""
        self.assertEqual(self.portion.of([]), 0)
        self.assertEqual(self.portion.of([Weight(40, 0), Weight(40, 0), Weight(40, 0)]), 2)
        self.assertEqual(self.portion.of([Weight(1, 0, 4), Weight(1, 0, 6), Weight(1, 0, 1)]), 2)

    def test_a_giant_is_taken_alone(self) -> None:
        """What is over the bounds by itself is taken, and nothing with it."""
        self.assertEqual(self.portion.of([Weight(10_000, 0, 1000), Weight(1, 0)]), 1)
        self.assertEqual(self.portion.of([Weight(1, 0), Weight(10_000, 0)]), 1)

    def test_a_suspect_is_taken_alone(self) -> None:
        """A row that came to nothing again and again is never taken with others, wherever it stands."""
        suspect, good = Weight(1, SUSPECT_AFTER), Weight(1, 0)
        self.assertEqual(self.portion.of([suspect, good]), 1)
        self.assertEqual(self.portion.of([good, good, suspect, good]), 2)

    @settings(deadline=None, max_examples=200)
    @given(ROWS)
    def test_laws(self, rows: list[Weight]) -> None:
        """Something is always taken; more than one row only within the bounds and without a suspect."""
        portion = Portion(most_bytes=32_000_000, most_recipients=1000)
        count = portion.of(rows)
        self.assertEqual(count > 0, bool(rows))
        if count > 1:
            taken = rows[:count]
            self.assertTrue(sum(row.size_bytes for row in taken) <= portion.most_bytes)
            self.assertTrue(sum(row.recipients for row in taken) <= portion.most_recipients)
            self.assertTrue(all(row.tries < SUSPECT_AFTER for row in taken))
