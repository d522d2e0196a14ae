from tests.base import PlainTestCase
from tests.sending.bodies import body, fault, faults_of, read


class SettingsTests(PlainTestCase):
    def test_words(self) -> None:
        """Each field of each setting is told in its own words when its type is wrong."""
        for group, setting, field, value, message in (
            ("mail_settings", "sandbox_mode", "enable", "true", "The sandbox mode enable param should be a boolean value."),
            ("mail_settings", "bypass_list_management", "enable", 1, "The bypass list management enable param should be a boolean value."),
            ("mail_settings", "footer", "text", 1, "The text/plain version of your footer should be a string."),
            ("mail_settings", "footer", "html", None, "The text/html version of your footer should be a string."),
            ("mail_settings", "spam_check", "post_to_url", 1, "The spam check url must be a string."),
            ("tracking_settings", "click_tracking", "enable_text", "x", "The click tracking enable text must be a boolean value."),
            ("tracking_settings", "open_tracking", "substitution_tag", 1, "The open tracking substitution tag must be a string."),
            ("tracking_settings", "subscription_tracking", "substitution_tag", [], "The subscription tracking substitution tag must be a string value."),
            ("tracking_settings", "ganalytics", "utm_medium", 1, "The Google Analytics utm_medium must be a string value."),
        ):
            given = body(**{group: {setting: {field: value}}})
            self.assertEqual(faults_of(given), [fault(message, f"{group}.{setting}.{field}", f"message.{group}.{setting}.{field}")])

    def test_types(self) -> None:
        """A setting is an object, and so are the settings."""
        self.assertEqual([each.field for each in faults_of(body(mail_settings=[], tracking_settings={"click_tracking": True}))], ["tracking_settings.click_tracking", "mail_settings"])

    def test_bypass(self) -> None:
        """bypass_list_management excludes the three narrower ones, which go together."""
        on, off = {"enable": True}, {"enable": False}
        narrow = {"bypass_spam_management": on, "bypass_bounce_management": on, "bypass_unsubscribe_management": on}
        self.assertEqual(read(body(mail_settings=narrow)).bypass, {"spam", "bounce", "unsubscribe"})
        self.assertEqual(read(body(mail_settings={"bypass_list_management": on, "bypass_spam_management": off})).bypass, {"list"})
        self.assertEqual([each.field for each in faults_of(body(mail_settings={"bypass_list_management": on, **narrow}))], ["mail_settings.bypass_list_management"])

    def test_tolerated(self) -> None:
        """What SendGrid's libraries still send is read and left out."""
        request = read(body(
            mail_settings={"bcc": {"enable": True, "email": "a@example.com"}, "spam_check": {"enable": True, "threshold": 1, "post_to_url": "https://spam.example.com"}},
            tracking_settings={"ganalytics": {"enable": True, "utm_name": "n"}},
        ))
        self.assertNotIn("mail_settings", request.shared)
        self.assertEqual(request.shared["tracking_settings"], {"ganalytics": {"enable": True, "utm_name": "n"}})

    def test_image_embed_mode(self) -> None:
        """Ours beside SendGrid's: proxy or cid."""
        self.assertEqual(read(body(tracking_settings={"image_embed_mode": "cid"})).shared["tracking_settings"], {"image_embed_mode": "cid"})
        for wrong in ("inline", None, 1, {}):
            self.assertEqual([each.field for each in faults_of(body(tracking_settings={"image_embed_mode": wrong}))], ["tracking_settings.image_embed_mode"])
