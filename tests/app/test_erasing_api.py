from typing import Any

import orjson

from scaisend.app.erasing_api import ErasuresApi
from scaisend.caller import Caller
from scaisend.faults import Invalid, NotFound
from scaisend.http.reply import Reply
from scaisend.identity.audit_store import acts
from scaisend.messages import erase_store
from tests.app.test_erasing import JANE, ErasingTestCase
from tests.world.people import administrator
from tests.world.tenants import call_by, now


class ErasuresApiTests(ErasingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = ErasuresApi(house=self.house)
        self.admin = self.make_caller(self.tenant.id, ("admin.settings",))

    def ask(self, given: Any, caller: Caller | None = None, **query: str) -> Reply:
        body = given if isinstance(given, bytes) else orjson.dumps(given)
        call = call_by(caller or self.admin, body=body, query={name: [value] for name, value in query.items()}, now_s=self.now_s)
        return now(self, self.api.erase(call))

    def found(self, reply: Reply) -> dict[str, Any]:
        return orjson.loads(reply.body)["data"]  # type: ignore[no-any-return]

    def test_a_recipient_is_erased(self) -> None:
        """The mail to the address is erased, that of another tenant is not, and the log says who asked, from where, without the address."""
        mine, theirs = self.send("Jane@Example.com"), self.send(JANE, caller=self.stranger)
        self.delivered(mine)
        reply = self.ask({"email": JANE})
        self.assertEqual(reply.status, 200)
        self.assertEqual(self.found(reply), {
            "recipients": 1, "ended": 0, "suppressions": 0, "objects_deleted": 0, "objects_kept": 0, "left": 0, "complete": True,
        })
        self.assertEqual((self.recipients(mine, "email"), self.recipients(theirs, "email")), (["erased@erased.invalid"], [JANE]))
        (act,) = self.database.now(acts, self.tenant.id, before=None, most=10)
        self.assertEqual((act.action, act.actor, act.source, act.request_id), ("recipient.erase", self.admin.credential_id, "192.0.2.7", "req_1"))
        self.assertNotIn("jane", str(act))

    def test_what_is_left_is_told(self) -> None:
        """202 while a worker holds a mail: asking again goes on."""
        self.claim(self.send(JANE))
        reply = self.ask({"email": JANE})
        self.assertEqual((reply.status, self.found(reply)["left"], self.found(reply)["complete"]), (202, 1, False))

    def test_many_mails_take_several_calls(self) -> None:
        """A call begins no further page of mails once it took its time; the next one goes on."""
        self.patch(erase_store, "PAGE", 1)
        for _ in range(2):
            self.delivered(self.send(JANE))
        self.house.database.now(self.erasure.made)
        seconds = iter(range(0, 1000, 15))
        object.__setattr__(self.house, "now_s", lambda: float(next(seconds)))
        reply = self.ask({"email": JANE})
        self.assertEqual((reply.status, self.found(reply)["recipients"], self.found(reply)["complete"]), (202, 1, False))
        object.__setattr__(self.house, "now_s", lambda: self.now_s)
        reply = self.ask({"email": JANE})
        self.assertEqual((reply.status, self.found(reply)["recipients"]), (200, 1))

    def test_administrators_name_the_tenant(self) -> None:
        """Those above name a tenant of theirs; a tenant of another partner is unknown, and so is another tenant to a tenant's key."""
        mine = self.send(JANE)
        above = administrator(self.caller.partner_id, "partner_admin")
        self.assertEqual(self.found(self.ask({"email": JANE}, above, tenant_id=self.tenant.id))["recipients"], 1)
        self.assertEqual(self.recipients(mine, "email"), ["erased@erased.invalid"])
        with self.assertRaises(NotFound):
            self.ask({"email": JANE}, administrator("prt_another", "partner_admin"), tenant_id=self.tenant.id)
        with self.assertRaises(NotFound):
            self.ask({"email": JANE}, self.admin, tenant_id=self.other.id)
        with self.assertRaises(Invalid) as caught:
            self.ask({"email": JANE}, above)
        self.assertEqual(caught.exception.faults[0].field, "tenant_id")

    def test_wrong_requests(self) -> None:
        """Each says which field is wrong, and nothing is erased."""
        mine = self.send(JANE)
        for given, field in (({}, "email"), ({"email": 1}, "email"), ({"email": "jane"}, "email"), ({"email": JANE, "tenant": "x"}, "tenant"), ([], None)):
            with self.assertRaises(Invalid) as caught:
                self.ask(given)
            self.assertEqual([each.field for each in caught.exception.faults][:1], [field], given)
        self.assertEqual(self.recipients(mine, "email"), [JANE])
