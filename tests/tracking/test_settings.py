from scaisend.faults import Invalid
from scaisend.tracking.settings import (
    MAIL_SETTINGS,
    TRACKING_SETTINGS,
    Setting,
    read_named,
    read_setting,
    whole,
    with_defaults,
)
from tests.base import PlainTestCase


def setting(name: str) -> Setting:
    return next(each for each in (*MAIL_SETTINGS, *TRACKING_SETTINGS) if each.name == name)


class Reading(PlainTestCase):
    def test_what_was_never_set_has_defaults(self) -> None:
        """Opens and clicks are tracked, everything else is off."""
        on = {each.name for each in (*MAIL_SETTINGS, *TRACKING_SETTINGS) if whole(each, {})["enabled"]}
        self.assertEqual(on, {"click", "open"})
        self.assertEqual(whole(setting("bounce_purge"), {}), {"enabled": False, "soft_bounces": None, "hard_bounces": None})

    def test_only_what_is_given_is_read(self) -> None:
        """Other fields are passed over; a null takes a value away."""
        self.assertEqual(read_setting(setting("footer"), {"plain_content": "bye", "more": 1}), {"plain_content": "bye"})
        self.assertEqual(read_setting(setting("bounce_purge"), {"soft_bounces": None, "hard_bounces": 5}), {"soft_bounces": None, "hard_bounces": 5})
        self.assertEqual(read_setting(setting("forward_spam"), {"email": ""}), {"email": ""})

    def test_what_is_refused(self) -> None:
        """Types, bounds, addresses and URLs are told with their field."""
        for name, given, field in (
            ("footer", {"enabled": None}, "enabled"), ("footer", {"enabled": "yes"}, "enabled"), ("footer", {"html_content": "a\0"}, "html_content"),
            ("bounce_purge", {"soft_bounces": 0}, "soft_bounces"), ("bounce_purge", {"hard_bounces": 3651}, "hard_bounces"),
            ("forward_bounce", {"email": "nobody"}, "email"), ("spam_check", {"url": "ftp://x"}, "url"), ("spam_check", {"max_score": 11}, "max_score"),
            ("address_whitelist", {"list": ["a@b.example", "no one"]}, "list.1"), ("address_whitelist", {"list": "x"}, "list"),
        ):
            with self.assertRaises(Invalid) as caught:
                read_setting(setting(name), given)
            self.assertEqual([each.field for each in caught.exception.faults], [field], name)
        with self.assertRaises(Invalid):
            read_setting(setting("open"), [])
        self.assertEqual(read_setting(setting("address_whitelist"), {"list": ["a@b.example", "b.example"]}), {"list": ["a@b.example", "b.example"]})


class Defaults(PlainTestCase):
    FOOTER = {"mail_settings": {"footer": {"enabled": True, "plain_content": "bye", "html_content": ""}}}

    def test_the_tenants_settings_lie_under_the_requests(self) -> None:
        """Field by field: what a request says of a setting stands, what it leaves out is the tenant's."""
        self.assertEqual(with_defaults({"subject": "x"}, self.FOOTER), {"subject": "x", "mail_settings": {"footer": {"enable": True, "text": "bye"}}})
        given = {"mail_settings": {"footer": {"enable": False}, "sandbox_mode": {"enable": True}}}
        self.assertEqual(
            with_defaults(given, self.FOOTER)["mail_settings"], {"footer": {"enable": False, "text": "bye"}, "sandbox_mode": {"enable": True}}
        )

    def test_tracking_in_the_words_of_requests(self) -> None:
        """Each tracking setting has its name and its fields as requests have them."""
        sections = {"tracking_settings": {
            "click": {"enabled": False}, "open": {"enabled": True}, "google_analytics": {"enabled": True, "utm_source": "s", "utm_term": ""},
            "subscription": {"enabled": True, "html_content": "<p>", "replace": "[out]"},
        }}
        self.assertEqual(with_defaults({"tracking_settings": {"click_tracking": {"enable": True}}}, sections)["tracking_settings"], {
            "click_tracking": {"enable": True}, "open_tracking": {"enable": True}, "ganalytics": {"enable": True, "utm_source": "s"},
            "subscription_tracking": {"enable": True, "html": "<p>", "substitution_tag": "[out]"},
        })

    def test_image_embed_mode(self) -> None:
        """A tenant's way of showing images, and a request's before it."""
        sections = {"tracking_settings": {"image_embed_mode": {"mode": "cid"}}}
        self.assertEqual(with_defaults({}, sections), {"tracking_settings": {"image_embed_mode": "cid"}})
        self.assertEqual(read_named("tracking_settings", "image_embed_mode", {"mode": "cid"}, "x"), {"mode": "cid"})
        self.assertEqual(read_named("tracking_settings", "image_embed_mode", {"mode": None}, "x"), {"mode": "proxy"})
        with self.assertRaises(Invalid) as caught:
            read_named("tracking_settings", "image_embed_mode", {"mode": "inline"}, "x")
        self.assertEqual([(each.field, each.message) for each in caught.exception.faults], [("x.mode", "The mode must be proxy or cid.")])
        given = {"tracking_settings": {"image_embed_mode": "proxy"}}
        with self.assertRaises(Invalid) as caught:
            read_named("tracking_settings", "open", {"enabeld": False}, "open")
        self.assertEqual([each.field for each in caught.exception.faults], ["open.enabeld"])
        self.assertEqual(with_defaults(given, sections), given)

    def test_nothing_set_changes_nothing(self) -> None:
        """Without settings, or with ones that do not concern mails, the request is as it was."""
        given = {"subject": "x"}
        self.assertIs(with_defaults(given, {}), given)
        self.assertIs(with_defaults(given, {"mail_settings": {"bcc": {"enabled": True}}, "user": {"profile": {"city": "Ghent"}}}), given)
