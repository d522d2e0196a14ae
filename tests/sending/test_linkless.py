from scaisend.faults import Unavailable
from scaisend.identity.settings_store import change_setting
from scaisend.sending.accept import Accepted, Submission, accept
from scaisend.sending.linkless import accept_linkless, wished_link
from scaisend.storage.database import Txn
from tests.world.road import RoadTestCase, body
from tests.world.tenants import NOW

OPENS = {"tracking_settings": {"open_tracking": {"enable": True}}}


class LinklessTests(RoadTestCase):
    def answers(self, *submissions: Submission) -> list[object]:
        def accept_group(txn: Txn, group: list[Submission]) -> list[Accepted | Exception]:
            return accept(txn, self.ids, group)

        return [type(each) for each in self.database.now(accept_linkless, submissions, accept_group)]

    def test_who_asks_is_refused(self) -> None:
        """A request that asks for tracking is told to come later, and why; others of its group are accepted."""
        self.assertEqual(self.answers(self.submission(body("a@x.test")), self.submission(body(**OPENS)), self.submission(body("b@x.test"))), [Accepted, Unavailable, Accepted])
        (error,) = self.database.now(accept_linkless, [self.submission(body(**OPENS))], lambda txn, group: [])
        self.assertIn("TRACKING_BASE_URL", str(error))

    def test_what_a_tenant_has_set_counts(self) -> None:
        """A tenant that turned tracking on asks for it with each mail; a request that turns it off does not."""
        self.database.now(change_setting, self.tenant.id, "tracking_settings", "open", {"enabled": True}, now_s=NOW)
        off = {"tracking_settings": {"open_tracking": {"enable": False}}}
        self.assertEqual(self.answers(self.submission(body()), self.submission(body(**off)), self.submission(body(), self.stranger)), [Unavailable, Accepted, Accepted])

    def test_sandbox(self) -> None:
        """What is delivered to nobody needs no link."""
        self.assertEqual(self.answers(self.submission(body(**OPENS, mail_settings={"sandbox_mode": {"enable": True}}))), [Accepted])

    def test_wishes(self) -> None:
        """Each way of asking, and what asks for nothing."""
        def tracked(name: str, enable: object) -> dict[str, object]:
            return {"tracking_settings": {name: {"enable": enable}}}

        for shared, wanted in (
            ({"asm": {"group_id": 3}}, "asm.group_id"), (tracked("click_tracking", True), "tracking_settings.click_tracking"),
            (tracked("subscription_tracking", True), "tracking_settings.subscription_tracking"), (tracked("ganalytics", True), None),
            (tracked("click_tracking", False), None), ({}, None),
        ):
            self.assertEqual(wished_link(shared), wanted)
