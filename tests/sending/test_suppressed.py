import json

from scaisend.sending.outbound import Lease
from scaisend.sending.render_worker import RenderWorker
from scaisend.sending.store import ToRender, store_rendered_across_tenants
from scaisend.sending.suppressed import addresses_of, stop_of
from scaisend.suppressions.groups_store import leave
from scaisend.suppressions.store import Standing
from tests.base import PlainTestCase
from tests.suppressions.test_store import put_on_lists
from tests.world.road import Counts, RoadTestCase
from tests.world.tenants import NOW


def payload(group_id: int | None = None, *bypass: str) -> str:
    shared: dict[str, object] = {"asm": {"group_id": group_id}} if group_id else {}
    return json.dumps({**shared, "mail_settings": {f"bypass_{each}_management": {"enable": True} for each in bypass}})


class StopTests(PlainTestCase):
    def test_addresses(self) -> None:
        """Only mails accepted more than a second ago are asked for, each address once and folded."""
        mails = [("tnt_a", "Ann@X.test", NOW - 60), ("tnt_a", "ann@x.test", NOW - 2), ("tnt_b", "new@x.test", NOW - 0.5)]
        self.assertEqual(addresses_of(mails, NOW), {("tnt_a", "ann@x.test")})

    def test_lists_and_groups(self) -> None:
        """A list stops every mail, a group the mails of that group; each bypass overrides what it does at acceptance."""
        bounced, left = Standing(frozenset({"bounces", "blocks"}), frozenset()), Standing(frozenset(), frozenset({7}))
        out = Standing(frozenset({"unsubscribes"}), frozenset({7}))
        for standing, given, wanted in (
            (bounced, payload(), "bounces"), (bounced, "{}", "bounces"), (bounced, payload(None, "bounce"), None), (bounced, payload(None, "spam"), "bounces"),
            (Standing(frozenset({"blocks"}), frozenset()), "{}", None), (left, payload(7), "group"), (left, payload(8), None), (left, "{}", None),
            (left, payload(7, "list"), None), (left, payload(7, "unsubscribe"), "group"), (out, payload(7, "unsubscribe"), "group"),
            (out, payload(8, "unsubscribe"), None), (out, payload(8), "unsubscribes"), (out, payload(7, "list"), None),
        ):
            self.assertEqual(stop_of(standing, given), wanted, (standing, given))


class RenderClaimTests(RoadTestCase):
    def claimed(self, *message_ids: str) -> list[ToRender]:
        worker = RenderWorker(
            database=self.database, pulling=None, pushing=None, deliveries=None, delivery=None, ids=self.ids, lease_s=40.0,  # type: ignore[arg-type]
            reactor=self.clock, now_s=self.clock.seconds, monotonic_s=self.clock.seconds, metrics=Counts(), reached=lambda _: None, ways=None, tracking=None, objects=None,  # type: ignore[arg-type]
        )
        return self.database.now(worker._claim, message_ids, Lease("att_1", NOW + 99)).claimed

    def test_suppressed_since_acceptance(self) -> None:
        """Who bounced while a scheduled mail waited is dropped with the reason; the others are mailed, of this tenant and the next."""
        later = int(NOW) + 3_600
        mail = self.send("ann@x.test", "Joe@X.test", send_at=later)
        all_gone, theirs = self.send("joe@x.test", send_at=later), self.send("joe@x.test", caller=self.stranger, send_at=later)
        self.database.now(put_on_lists, [(self.tenant.id, "bounces", "joe@x.test")])
        self.clock.advance(3_601)
        found = {each.id: [to.email for to in each.recipients if to.is_claimed] for each in self.claimed(mail, all_gone, theirs)}
        self.assertEqual(found, {mail: ["ann@x.test"], theirs: ["joe@x.test"]})
        self.assertEqual(self.recipients(mail, "status, reason"), [("queued", None), ("dropped", "Bounced Address")])
        self.assertEqual(self.timeline(mail), ["processed", "processed", "dropped"])
        self.assertEqual((self.message(all_gone), self.recipients(all_gone)), (("dropped",), ["dropped"]))
        detail = self.database.rows("SELECT detail FROM events WHERE message_id = ? AND type = 'dropped'", all_gone)[0][0]
        self.assertEqual(json.loads(detail), {"reason": "Bounced Address", "list": "bounces"})

    def test_group_and_bypass(self) -> None:
        """Who left the mail's group meanwhile is dropped; a request that bypasses all lists is sent."""
        self.database.now(lambda txn: txn.insert(
            "asm_groups", ("id", "tenant_id", "name", "created_at", "updated_at"), [(7, self.tenant.id, "News", 0, 0)]))
        later = int(NOW) + 3_600
        settings = {"bypass_list_management": {"enable": True}}
        grouped = self.send("ann@x.test", asm={"group_id": 7}, send_at=later)
        passing = self.send("ann@x.test", asm={"group_id": 7}, send_at=later, mail_settings=settings)
        other = self.send("ann@x.test", send_at=later)
        self.database.now(leave, self.tenant.id, 7, ["ann@x.test"], NOW)
        self.clock.advance(3_601)
        self.assertEqual({each.id for each in self.claimed(grouped, passing, other)}, {passing, other})
        self.assertEqual(self.recipients(grouped, "reason"), ["Unsubscribed From Group"])

    def test_rendered_mails_keep_their_recipients(self) -> None:
        """A dropped recipient is not delivered to later."""
        mail = self.send("ann@x.test", "joe@x.test")
        self.database.now(put_on_lists, [(self.tenant.id, "spam_reports", "joe@x.test")])
        self.clock.advance(2)
        self.claimed(mail)
        self.assertEqual(self.database.now(store_rendered_across_tenants, [(mail, self.tenant.id, b"1x")], "att_1", self.now_s), [f"{mail}.0"])
