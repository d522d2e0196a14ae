"""X-SMTPAPI: every key of it, and what is wrong with one."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid
from scaisend.submission.smtpapi import SmtpApi, read_smtpapi
from tests.base import PlainTestCase

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=10,
)


def read(**given: Any) -> SmtpApi:
    return read_smtpapi(json.dumps(given))


class SmtpApiTests(PlainTestCase):
    def test_none(self) -> None:
        """No header, an empty one and an empty object ask for nothing."""
        for value in (None, "", "  ", "{}"):
            self.assertEqual(read_smtpapi(value), SmtpApi())

    def test_recipients(self) -> None:
        """`to` holds addresses with or without names."""
        self.assertEqual(read(to=["a@b.test", "Jané <c@b.test>"]).to, [{"email": "a@b.test"}, {"email": "c@b.test", "name": "Jané"}])

    def test_fields(self) -> None:
        """What a send request has too goes there under its name; empty lists of groups are none."""
        asked = read(
            category="one", section={":s": "text"}, asm_group_id=7, asm_groups_to_display=[], send_at=5, batch_id="b", ip_pool="main",
            unique_args={"n": 1, "t": "x"}, sub={"-n-": ["a", 2]},
        )
        self.assertEqual(asked.fields, {
            "categories": ["one"], "sections": {":s": "text"}, "asm": {"group_id": 7}, "send_at": 5, "batch_id": "b", "ip_pool_name": "main",
        })
        self.assertEqual((asked.unique_args, asked.substitutions), ({"n": "1", "t": "x"}, {"-n-": ["a", "2"]}))
        self.assertEqual(read(category=["a", "b"], unique_args=[]).fields, {"categories": ["a", "b"]})
        self.assertEqual(read(send_each_at=[1, 2]).send_each_at, [1, 2])

    def test_filters(self) -> None:
        """Each filter becomes its setting; flags are 0 and 1, in any spelling; those that are unknown or retired are passed over."""
        filters = {
            "clicktrack": {"settings": {"enable": 1, "enable_text": "0"}}, "opentrack": {"settings": {"enable": "1", "replace": "%o%"}},
            "subscriptiontrack": {"settings": {"enable": 1, "text/html": "<a>", "text/plain": "t", "replace": "-u-"}},
            "footer": {"settings": {"enable": True, "text/html": "<f>", "text/plain": "f"}}, "bypass_list_management": {"settings": {"enable": 0}},
            "ganalytics": {"settings": {"enable": 1, "utm_source": "s"}}, "dkim": {"settings": {"domain": "x.test"}}, "bcc": {"settings": {"email": "x@y.test"}},
            "templates": {"settings": {"enable": 1, "template_id": "d-1"}}, "gravatar": {},
        }
        self.assertEqual(read(filters=filters).fields, {
            "tracking_settings": {
                "click_tracking": {"enable": True, "enable_text": False}, "open_tracking": {"enable": True, "substitution_tag": "%o%"},
                "subscription_tracking": {"enable": True, "html": "<a>", "text": "t", "substitution_tag": "-u-"}, "ganalytics": {"enable": True, "utm_source": "s"},
            },
            "mail_settings": {"footer": {"enable": True, "html": "<f>", "text": "f"}, "bypass_list_management": {"enable": False}},
            "template_id": "d-1",
        })
        self.assertEqual(read(filters={"templates": {"settings": {"enable": 0, "template_id": "d-1"}}}).fields, {})
        self.assertEqual(read(filters={"template": {"settings": {"text/html": "<b><% body %></b>"}}}).wrapper, "<b><% body %></b>")

    def test_faults(self) -> None:
        """What is malformed is told, all of it at once."""
        for value in ("{", "[]", "1", '"x"', '{"a": NaN}', "=?utf-8?q?{?="):
            self.assertRaises(Invalid, read_smtpapi, value)
        try:
            read(to=[1], sub={"-n-": "x"}, unique_args={"a": []}, send_at=1, send_each_at=[1], section=3, filters={"footer": {"settings": 5}})
        except Invalid as error:
            fields = {each.field for each in error.faults}
            self.assertEqual(fields, {f"x-smtpapi.{each}" for each in ("to", "sub.-n-", "unique_args.a", "send_each_at", "section", "settings")})
            self.assertTrue(all(each.message.startswith("Invalid SMTPAPI header: ") for each in error.faults))
        else:
            self.fail("it has faults")

    def test_encoded(self) -> None:
        """A library that took the header for text may have encoded it."""
        self.assertEqual(read_smtpapi("=?utf-8?q?=7B=22category=22=3A?= =?utf-8?q?_=22=C3=BC=22=7D?=").fields, {"categories": ["ü"]})

    @settings(deadline=None, max_examples=200)
    @given(st.dictionaries(st.sampled_from(("to", "sub", "section", "category", "unique_args", "filters", "send_each_at", "asm_group_id", "send_at")), JSON))
    def test_nothing_breaks_it(self, given_: dict[str, Any]) -> None:
        """Any JSON is understood, or a fault."""
        try:
            read(**given_)
        except Invalid:
            pass
