from scaisend.messages import waiting
from tests.base import PlainTestCase


class WaitingTests(PlainTestCase):
    def test_every_reason_has_a_sentence(self) -> None:
        """The constants and the table name the same reasons, each fits its column and is explained."""
        names = {value for name, value in vars(waiting).items() if name.isupper() and isinstance(value, str)}
        self.assertEqual(names, set(waiting.REASONS))
        for name, sentence in waiting.REASONS.items():
            self.assertTrue(len(name) <= 32 and sentence, name)
