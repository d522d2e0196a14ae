import json

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid
from scaisend.messages.activity_query import read_query
from scaisend.messages.activity_store import matching
from tests.messages.test_activity_query import WORDS
from tests.messages.test_api import MessagesApiTestCase
from tests.world.messages import To
from tests.world.tenants import NOW


class ActivityTests(MessagesApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.first = self.make(
            To("ann@example.net", "delivered", None), To("bob_b@example.net", "bounced", None, "550 no"), status="bounced", subject="Your Receipt 100%",
            categories=["news", "a\"b"], template_id="d-1", accepted_at=NOW - 3600,
        )
        self.second = self.make(To("cy@example.net"), from_email="desk@acme.test", subject=None)
        rows = [(f"evt_{n}", self.tenant.id, self.first.id, self.first.recipients[0], 10 + n, kind, int(NOW * 1e6)) for n, kind in enumerate(["open", "open", "click"])]
        self.database.now(lambda txn: txn.insert("events", ("id", "tenant_id", "message_id", "recipient_id", "seq", "type", "happened_at"), rows))

    def emails(self, query: str) -> list[str]:
        return [each["to_email"].split("@")[0] for each in self.answer(self.api.find, query=query)["messages"]]

    def test_shape(self) -> None:
        """One row a recipient, with SendGrid's fields and statuses."""
        rows = self.answer(self.api.find, query='msg_id LIKE "%"')["messages"]
        self.assertEqual([(each["to_email"], each["status"]) for each in rows], [
            ("cy@example.net", "processed"), ("ann@example.net", "delivered"), ("bob_b@example.net", "not_delivered"),
        ])
        self.assertEqual(rows[1], {
            "from_email": "shop@acme.test", "msg_id": self.first.msg_id(0), "subject": "Your Receipt 100%", "to_email": "ann@example.net", "status": "delivered",
            "opens_count": 2, "clicks_count": 1, "last_event_time": "2027-01-15T07:00:00Z",
        })

    def test_each_field(self) -> None:
        """Each field and operator finds its rows."""
        for query, found in (
            ('status="delivered"', ["ann"]), ('status!="delivered"', ["cy", "bob_b"]), ('status IN ("processed","not_delivered")', ["cy", "bob_b"]),
            ('to_email="ANN@example.net"', ["ann"]), ('to_email LIKE "bob_b%"', ["bob_b"]), ('to_email LIKE "bobxb%"', []), ('to_email LIKE "%_%"', ["bob_b"]),
            ('subject LIKE "your receipt%"', ["ann", "bob_b"]), ('subject="Your Receipt 100%"', ["ann", "bob_b"]), ('subject LIKE "%!%"', []),
            ('subject != "Your Receipt 100%"', ["cy"]), ('from_email NOT LIKE "shop%"', ["cy"]), ('template_id="d-1"', ["ann", "bob_b"]),
            ('template_id != "d-1"', ["cy"]), ('template_id="ü"', []), ('api_key_id="key_maker"', ["cy", "ann", "bob_b"]),
            (f'msg_id="{self.first.msg_id(1)}"', ["bob_b"]), (f'msg_id LIKE "{self.first.request_id}%"', ["ann", "bob_b"]),
            (f'msg_id LIKE "{self.first.request_id[:21]}%"', ["ann", "bob_b"]), (f'msg_id="{self.first.request_id}"', []), ('msg_id="ü"', []),
            (f'msg_id IN ("{self.first.msg_id(0)}","{self.second.msg_id(0)}", "x")', ["cy", "ann"]), ('msg_id LIKE "é%"', []),
            ('Contains(events,"opened")', ["ann"]), ('NOT Contains(events,"processed")', []), ('(Contains(events,"bounced"))', ["bob_b"]),
            ('Contains(categories,"news")', ["ann", "bob_b"]), ("Contains(categories,'a\"b')", ["ann", "bob_b"]), ('Contains(categories,"b")', []),
            ('NOT Contains(categories,"news")', ["cy"]), ("clicks>0", ["ann"]), ("clicks = 0", ["cy", "bob_b"]), ("clicks BETWEEN 1 AND 2", ["ann"]),
            ("clicks IN (1, 5)", ["ann"]), ('last_event_time < TIMESTAMP "2027-01-15T07:30:00Z"', ["ann", "bob_b"]),
            ('last_event_time BETWEEN TIMESTAMP "2027-01-15T07:30:00Z" AND TIMESTAMP "2027-01-15T08:30:00Z"', ["cy"]),
            ('last_event_time NOT BETWEEN TIMESTAMP "2027-01-15T07:30:00Z" AND TIMESTAMP "2027-01-15T08:30:00Z"', ["ann", "bob_b"]),
            ('status="delivered" OR (subject LIKE "your%" AND NOT clicks=0) OR from_email="desk@acme.test"', ["cy", "ann"]),
        ):
            self.assertEqual(self.emails(query), found, query)

    def test_limit(self) -> None:
        """Ten rows unless `limit` says otherwise; a fault is told in SendGrid's words."""
        self.make(*[To(f"{n}@example.net") for n in range(20)])
        self.assertEqual(len(self.emails("clicks=0")), 10)
        self.assertEqual(len(self.answer(self.api.find, query="clicks=0", limit="15")["messages"]), 15)
        for query, limit in (("clicks=0", "1001"), ("", "1"), (" ", "1"), ("x=1", "1")):
            self.assertRaises(Invalid, self.ask, self.api.find, query=query, limit=limit)

    def test_the_detail_knows_what_was_sent_with_it(self) -> None:
        """unique_args are the custom arguments of the request and the message; the group is the request's."""
        payload = json.dumps({"custom_args": {"a": "1", "b": "2"}, "asm": {"group_id": 7}})
        self.database.connection.execute("UPDATE mail_requests SET payload = ? WHERE id = ?", (payload, self.first.request_id))
        self.database.connection.execute("UPDATE messages SET personalization = ? WHERE id = ?", ('{"custom_args": {"b": "3"}}', self.first.id))
        detail = self.answer(self.api.show, self.first.msg_id(0))
        self.assertEqual((detail["unique_args"], detail["asm_group_id"], detail["api_key_id"]), ({"a": "1", "b": "3"}, 7, "key_maker"))

    def test_hostile_queries(self) -> None:
        """Whatever is asked, the database understands what is made of it, and no other tenant's rows come back."""

        @settings(deadline=None, max_examples=80, database=None)
        @given(st.lists(WORDS, max_size=12).map(" ".join))
        def attack(text: str) -> None:
            try:
                condition = read_query(text)
            except Invalid:
                return
            self.assertEqual(self.database.now(matching, self.other.id, condition, 5), [])

        attack()
