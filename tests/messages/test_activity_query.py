from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid
from scaisend.messages.activity_query import DEEPEST, Compare, Either, Every, Has, Not, read_query
from tests.base import PlainTestCase

WORDS = st.sampled_from([
    "AND", "OR", "NOT", "(", ")", "IN", "LIKE", "BETWEEN", "TIMESTAMP", "Contains", "=", "!=", "<", ">=", ",", "status", "msg_id", "to_email", "subject",
    "events", "categories", "last_event_time", "clicks", '"delivered"', "'x%'", '"2018-02-01T00:00:00.000Z"', "7", "bad_field", '"', "'", ";", "--", "\x00", "é",
])


class QueryTests(PlainTestCase):
    def test_rows(self) -> None:
        """Queries as SendGrid's documentation writes them."""
        for text, condition in (
            ('status="delivered"', Compare("status", "=", ("delivered",))),
            ("to_email = 'it''s@x.test'", Compare("to_email", "=", ("it's@x.test",))),
            ('subject LIKE "Hi ""you""%"', Compare("subject", "LIKE", ('Hi "you"%',))),
            ('status != "processed"', Not(Compare("status", "=", ("processed",)))),
            ('STATUS NOT IN ("processed", "delivered")', Not(Compare("status", "IN", ("processed", "delivered")))),
            (
                'last_event_time BETWEEN TIMESTAMP "2018-02-01T00:00:00.000Z" AND TIMESTAMP "2018-02-01T00:00:01Z"',
                Compare("last_event_time", "BETWEEN", (1517443200.0, 1517443201.0)),
            ),
            ('last_event_time>=TIMESTAMP "2018-02-01 00:00:00"', Compare("last_event_time", ">=", (1517443200.0,))),
            ('(Contains(events,"bounced"))', Has("events", ("bounce", "blocked"))),
            ('contains(categories, "a,b")', Has("categories", ("a,b",))),
            ("clicks > 3", Compare("clicks", ">", (3.0,))),
            (
                'clicks=1 OR clicks=2 AND NOT (clicks=3 OR clicks=4)',
                Either((
                    Compare("clicks", "=", (1.0,)),
                    Every((Compare("clicks", "=", (2.0,)), Not(Either((Compare("clicks", "=", (3.0,)), Compare("clicks", "=", (4.0,))))))),
                )),
            ),
        ):
            self.assertEqual(read_query(text), condition, text)

    def test_unknown_field(self) -> None:
        """An unknown field is refused in SendGrid's words."""
        for text in ('bad_field="x"', 'Contains(bad_field,"x")'):
            self.assertEqual(str(self.assertRaises(Invalid, read_query, text)), "query: invalid syntax: 'bad_field' is not a known field")

    def test_refused(self) -> None:
        """What the language does not have is refused, and so is what would be endless."""
        for text in (
            "", "status", "status=", 'status="bounced"', 'status LIKE "d%"', "clicks=1 clicks=2", "clicks=1 AND", "(clicks=1", "clicks=1)", 'clicks="1"', "subject=7",
            'last_event_time > "yesterday"', "clicks BETWEEN 1 OR 2", "clicks NOT = 1", 'to_email IN ()', 'Contains(events,"exploded")', "clicks=" + "9" * 30,
            "(" * (DEEPEST + 1) + "clicks=1" + ")" * (DEEPEST + 1), "NOT " * (DEEPEST + 1) + "clicks=1", " OR ".join(["clicks=1"] * 101), "x" * 5000,
            'subject="open', "clicks=1; DROP TABLE messages", "clicks=1 -- and so on", "subject <> ", "(", "NOT",
        ):
            error = self.assertRaises(Invalid, read_query, text)
            self.assertTrue(str(error).startswith("query: invalid syntax: "), text)

    @settings(deadline=None, max_examples=150)
    @given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=30).map(" ".join)))
    def test_hostile_text(self, text: str) -> None:
        """Any text is a condition or is refused as invalid, and nothing else."""
        try:
            read_query(text)
        except Invalid:
            pass
