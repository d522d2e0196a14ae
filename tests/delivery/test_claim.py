from scaisend.delivery.claim import Claim, claim
from scaisend.sending.store import store_rendered_across_tenants
from tests.suppressions.test_store import put_on_lists
from tests.world.road import WIDE, RoadTestCase


class ClaimTests(RoadTestCase):
    def ready(self, *to: str, **fields: object) -> list[str]:
        """The ids of recipients whose mail is rendered."""
        mail = self.send(*to, **fields)
        self.claim(mail)
        return self.database.now(store_rendered_across_tenants, [(mail, self.tenant.id, b"1x")], "att_1", self.now_s)

    def taken(self, *recipient_ids: str) -> Claim:
        return self.database.now(claim, recipient_ids, "att_2", self.now_s + 40, self.now_s, WIDE)

    def test_suppressed_since(self) -> None:
        """A retry to somebody who is on a list meanwhile is stopped; blocks, bypasses and other addresses are not."""
        ann, joe = self.ready("ann@x.test", "joe@x.test")
        (passing,) = self.ready("Joe@x.test", mail_settings={"bypass_spam_management": {"enable": True}})
        self.database.now(put_on_lists, [
            (self.tenant.id, "spam_reports", "joe@x.test"), (self.tenant.id, "blocks", "ann@x.test"), (self.other.id, "bounces", "ann@x.test"),
        ])
        self.clock.advance(60)
        found = self.taken(ann, joe, passing)
        self.assertEqual(sorted(each.id for each in found.to_send), sorted([ann, passing]))
        self.assertEqual([(each.id, name) for each, name in found.stopped], [(joe, "spam_reports")])

    def test_fresh_mail_is_not_asked_for(self) -> None:
        """What was accepted this moment was checked by that."""
        (ann,) = self.ready("ann@x.test")
        self.database.now(put_on_lists, [(self.tenant.id, "bounces", "ann@x.test")])
        self.assertEqual([each.id for each in self.taken(ann).to_send], [ann])

    def test_nothing_due(self) -> None:
        """What is not due is not claimed."""
        self.assertEqual(self.taken("msg_x.0"), Claim([], [], []))
