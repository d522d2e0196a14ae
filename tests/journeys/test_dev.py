"""`scaisend dev` as a developer meets it: the sendgrid package unchanged but for the host, an inbox, and data that outlive a kill."""

import json
from email import message_from_bytes
from email.policy import default

from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail

from tests.base import PlainTestCase
from tests.world.installation import DevInstallation
from tests.world.load import Promises, call, make_requests, send
from tests.world.opendkim import verdicts
from tests.world.reckoning import reckon


class DevTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.house = DevInstallation()
        self.addCleanup(self.house.close)

    def test_first_mail_with_the_sendgrid_package(self) -> None:
        """The package gets its 202; the mail is in the inbox, its timeline in the API; OpenDKIM finds each signature good."""
        self.house.start()
        client = SendGridAPIClient(self.house.api_key, host=self.house.api_url)
        mail = Mail(self.house.sender, "first@recipients.test", "Grüße", "plain text", "<p>rich text</p>")
        response = client.send(mail)
        self.assertEqual(response.status_code, 202)
        self.house.settled()
        (listed,) = self.house.inbox()
        self.assertEqual((listed["to"], listed["subject"]), ("first@recipients.test", "Grüße"))
        raw = self.house.raw(listed["id"])
        self.assertEqual(message_from_bytes(raw, policy=default)["From"], self.house.sender)
        status, body = call(self.house.api_url, "GET", f"/v3/messages/{json.loads(response.body)['message_id']}", self.house.api_key)
        self.assertEqual((status, json.loads(body)["status"]), (200, "delivered"))
        self.assertEqual([row[0] for row in self.house.ask("SELECT type FROM events ORDER BY seq")], ["processed", "delivered"])
        self.assertEqual(set(verdicts(raw, self._records()).values()), {"pass"})

    def test_refusals_are_sendgrids(self) -> None:
        """A sender that is not verified is refused with 403 on `from`; faults of a request come together with their field paths."""
        self.house.start()
        send_path = "/v3/mail/send"
        stranger = make_requests("x", 1, sender="app@not-ours.test")[0]
        status, body = call(self.house.api_url, "POST", send_path, self.house.api_key, stranger.body)
        self.assertEqual((status, json.loads(body)["errors"][0]["field"]), (403, "from"))
        status, body = call(self.house.api_url, "POST", send_path, self.house.api_key, {"personalizations": [{"to": [{"email": "nobody"}]}]})
        self.assertEqual(status, 400)
        fields = {each["field"] for each in json.loads(body)["errors"]}
        self.assertLessEqual({"personalizations.0.to.0.email", "from"}, {(each or "").removesuffix(".email") if each == "from.email" else each for each in fields})

    def test_killed_again_and_again_it_keeps_its_inbox(self) -> None:
        """Killed in the middle of its work, with the inbox in the same process: the same key works, and each mail arrives."""
        promises = Promises()
        for number, fault in enumerate(("accept.after_commit:9", "delivery.before_record:9", "db.before_commit:12", "")):
            self.house.start(fault, waits=False)
            if self.house.wait_ready():
                promises.add(send(self.house.api_url, self.house.api_key, make_requests(f"dev{number}", 20, sender=self.house.sender)))
            if fault:
                assert self.house.program is not None
                self.assertTrue(self.house.program.wait_dead(30), fault)
        self.house.settled()
        found = reckon(promises, self.house.recipients(), self.house.copies)
        self.assertEqual(list(found.wrong[:10]), [], self.house.logs())
        self.house.audit()
        self.assertGreater(found.accepted, 20)

    def test_stops_in_good_order(self) -> None:
        """SIGTERM in the middle of a load: it ends within its 25 seconds, nothing is in doubt, and the next start delivers the rest once."""
        self.house.start()
        promises = send(self.house.api_url, self.house.api_key, make_requests("stop", 150, sender=self.house.sender))
        self.assertLess(self.house.stop(), 25)
        assert self.house.program is not None
        self.assertEqual(self.house.program.exit_code, 0)
        self.assertFalse({"sending", "in_doubt"} & set(self.house.states()))
        self.house.start()
        self.house.settled()
        found = reckon(promises, self.house.recipients(), self.house.copies)
        self.assertEqual((list(found.wrong[:10]), found.copies), ([], 0))
        self.house.audit()

    def _records(self) -> dict[str, str]:
        status, body = call(self.house.api_url, "GET", "/api/admin/domains", self.house.api_key)
        self.assertEqual(status, 200)
        records = [each for domain in json.loads(body)["data"] for each in domain["dns_records"]]
        return {each["name"]: each["value"] for each in records if "_domainkey" in each["name"]}
