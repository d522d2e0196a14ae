import json

from tests.app.commands.test_audit import CommandTestCase


class LimitsTests(CommandTestCase):
    def test_set_and_taken_away(self) -> None:
        """What is named changes and stays; wrong limits are refused with their names; the audit log knows."""
        self.assertEqual(self.scaisend("init")[0], 0)
        code, out = self.scaisend("limits", "mail_send=50/s", "mails_per_day=1000", "--json")
        self.assertEqual(code, 0, out)
        code, out = self.scaisend("limits", "mail_send=", "--json")
        found = json.loads(out)
        self.assertEqual((found["rates"]["mail_send"]["own"], found["quotas"]["mails_per_day"]["limit"]), (False, 1000))
        self.assertIn("mails_per_day", self.scaisend("limits")[1])
        for wrong in ("mail_send=fast", "mails_per_day=x", "speed=1/s", "mail_send"):
            self.assertEqual(self.scaisend("limits", wrong)[0], 1, wrong)
        self.assertEqual(json.loads(self.scaisend("audit-log", "verify", "--json")[1])["finding_count"], 0)
