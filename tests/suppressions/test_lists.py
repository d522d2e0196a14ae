from scaisend.suppressions.lists import STOPPING, allowed_by, listed_by, stopped_by
from tests.base import PlainTestCase

NOTHING: frozenset[str] = frozenset()


class ListsTests(PlainTestCase):
    def test_what_stops(self) -> None:
        """Bounces, invalid addresses, complaints and unsubscribes stop mail; blocks never do."""
        for name in ("bounces", "invalid_emails", "spam_reports", "unsubscribes"):
            self.assertEqual(stopped_by({name}, NOTHING), name)
        self.assertIsNone(stopped_by({"blocks"}, NOTHING))
        self.assertIsNone(stopped_by((), NOTHING))

    def test_bypass(self) -> None:
        """Each bypass lets its own lists pass and no other; bypass_list_management lets all pass."""
        for name, (_, bypass) in STOPPING.items():
            self.assertIsNone(stopped_by({name}, frozenset({bypass})))
            self.assertIsNone(stopped_by({name}, frozenset({"list"})))
            for other in {"bounce", "spam", "unsubscribe"} - {bypass}:
                self.assertEqual(stopped_by({name}, frozenset({other})), name)

    def test_the_list_that_is_not_bypassed_stops(self) -> None:
        """An address on two lists is stopped by the one that is not bypassed."""
        self.assertEqual(stopped_by({"bounces", "spam_reports"}, frozenset({"bounce"})), "spam_reports")

    def test_which_events_list_their_recipient(self) -> None:
        """Hard bounces, blocks and complaints do; soft bounces, what a Message-ID claims, and addresses behind a list do not."""
        rows = [
            ("bounce", {"bounce_type": "hard"}, "bounces"), ("bounce", {"bounce_type": "soft"}, None), ("bounce", {}, None), ("blocked", {}, "blocks"),
            ("spam_report", {"proof": "token"}, "spam_reports"), ("bounce", {"bounce_type": "hard", "proof": "message_id"}, None),
            ("spam_report", {"proof": "message_id"}, None), ("bounce", {"bounce_type": "hard", "forwarded": True}, None), ("delivered", {}, None),
        ]
        self.assertEqual([(kind, detail, listed_by(kind, detail)) for kind, detail, _ in rows], rows)

    def test_whom_a_tenant_always_mails(self) -> None:
        """Addresses in any case and domains in any spelling, not what only ends like them; nobody while the setting is off or empty."""
        allowed = allowed_by({"enabled": True, "list": ["Jane@Example.com", "Bücher.example", 1]})
        assert allowed is not None
        for email, is_allowed in (
            ("jane@example.com", True), ("joe@example.com", False), ("joe@xn--bcher-kva.example", True), ("joe@sub.xn--bcher-kva.example", False), ("", False),
        ):
            self.assertEqual(email in allowed, is_allowed, email)
        for setting in ({}, {"enabled": False, "list": ["a.example"]}, {"enabled": True, "list": []}, {"enabled": True}):
            self.assertIsNone(allowed_by(setting))
