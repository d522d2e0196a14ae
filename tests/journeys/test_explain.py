"""Why a mail has not arrived, asked of a running installation."""

import json

from tests.base import PlainTestCase
from tests.world.counting_sink import CountingSink
from tests.world.installation import Installation
from tests.world.load import call


class Explaining(PlainTestCase):
    def test_attempts_and_their_dialogues(self) -> None:
        """A mail that was put off and then taken shows both attempts, the first with what was said; a refused one names its cause."""
        sink = CountingSink()
        self.addCleanup(sink.close)
        house = Installation(sink.port)
        self.addCleanup(house.close)
        house.start("all")
        for recipient in ("refuse@r.test", "later@r.test"):
            status, answer = call(house.url("all"), "POST", "/v3/mail/send", house.api_key, {
                "personalizations": [{"to": [{"email": recipient}]}], "from": {"email": house.sender}, "subject": "Your order",
                "content": [{"type": "text/plain", "value": "hello"}],
            })
            self.assertEqual(status, 202, answer)
        house.settled()
        ((message_id,),) = house.ask("SELECT message_id FROM recipients WHERE email = 'later@r.test'")
        status, answer = call(house.url("all"), "GET", f"/v3/messages/{message_id}/explain", house.api_key)
        explained = json.loads(answer)
        put_off, taken = explained["recipients"][0]["attempts"]
        self.assertEqual((status, put_off["outcome"], put_off["host"], taken["outcome"]), (200, "deferred", "127.0.0.1", "delivered"))
        self.assertIn("> RCPT TO:<later@r.test>\n< 450 4.2.0 not now", put_off["dialogue"])
        self.assertEqual((len(explained["signature"]["selectors"]), explained["recipients"][0]["other_dialogues"]), (2, []))
        said = house.command("explain", "refuse@r.test")
        self.assertIn("likely: there is no such mailbox\n", said)
        self.assertIn("      < 550 5.1.1 no such user\n", said)
