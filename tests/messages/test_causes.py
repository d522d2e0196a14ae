from scaisend.delivery.reply import rules
from scaisend.messages import waiting
from scaisend.messages.causes import OF_GATES, OF_RULES, OF_STATES, likely
from scaisend.messages.status import ENDED, SENDING
from tests.base import PlainTestCase


class CausesTests(PlainTestCase):
    def test_the_table_is_whole(self) -> None:
        """Every rule that a reply can match, every reason to wait and every end has a cause and a cure."""
        self.assertEqual({row.rule for row in rules()} - set(OF_RULES), set())
        self.assertEqual(set(waiting.REASONS) - set(OF_GATES), set())
        self.assertEqual((ENDED | {SENDING}) - set(OF_STATES), set())
        for each in (*OF_RULES.values(), *OF_GATES.values(), *OF_STATES.values()):
            self.assertTrue(each.cause and each.cure)

    def test_the_last_reply_says_more_than_the_gate(self) -> None:
        """Who waits for a retry is told why the host put it off; a paused destination is what it is, whatever was said before."""
        self.assertEqual(likely("deferred", waiting.RETRY, "mailbox-full", is_overdue=False), OF_RULES["mailbox-full"])
        self.assertEqual(likely("deferred", waiting.RETRY, None, is_overdue=False), OF_RULES["put-off"])
        self.assertEqual(likely("deferred", waiting.DESTINATION_PAUSED, "mailbox-full", is_overdue=False), OF_GATES[waiting.DESTINATION_PAUSED])
        self.assertEqual(likely("bounced", None, "spam", is_overdue=False), OF_RULES["spam"])
        self.assertEqual(likely("bounced", None, "a rule of before", is_overdue=False), OF_STATES["bounced"])
        self.assertEqual(likely("delivered", None, "accepted", is_overdue=False), OF_STATES["delivered"])

    def test_overdue(self) -> None:
        """What nobody takes up points to the process that is missing."""
        self.assertIn("scaisend smtp", likely("queued", waiting.DELIVERY, None, is_overdue=True).cure)
        self.assertIn("scaisend worker", likely("queued", waiting.RENDERING, None, is_overdue=True).cure)
