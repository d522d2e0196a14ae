from scaisend.tracking.optout import unsubscribe_by_mail
from scaisend.tracking.personal import ALL_MAIL, GROUP, PREFERENCES, token
from tests.tracking.test_api import KEY, UnsubscribeTestCase
from tests.world.messages import To, insert_message


class OptOutByMailTests(UnsubscribeTestCase):
    def mailed(self, text: str) -> bool:
        return self.database.now(unsubscribe_by_mail, self.ids, KEY, text, self.at)

    def test_by_mail(self) -> None:
        """A mail to the address opts out, whatever the case its token came in; a second one changes nothing."""
        text = token(KEY, GROUP, self.made.id, 0)
        self.assertTrue(self.mailed(text.upper()))
        self.assertTrue(self.mailed(text))
        self.assertEqual((self.left(), self.events()), ({self.news}, [("group_unsubscribe", {"asm_group_id": self.news, "how": "mail"})]))
        self.assertFalse(self.mailed("x" * 50))

    def test_while_the_mail_is_on_its_way(self) -> None:
        """Opting out of a mail that waits for a retry leaves its claim and state alone."""
        made = self.database.now(insert_message, self.ids, self.tenant.id, [To("bob@x.test", status="sending", attempt_id="att_1", due_at=self.at + 40)])
        self.assertTrue(self.mailed(token(KEY, ALL_MAIL, made.id, 0)))
        self.assertEqual(self.database.rows("SELECT status, attempt_id FROM recipients WHERE id = ?", made.recipients[0]), [("sending", "att_1")])

    def test_the_choices_token_opts_nobody_out(self) -> None:
        """What may choose groups leaves none by itself."""
        self.mailed(token(KEY, PREFERENCES, self.made.id, 0))
        self.assertEqual((self.left(), self.lists(), self.events()), (set(), set(), []))
