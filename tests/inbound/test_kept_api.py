import json
from dataclasses import replace
from pathlib import Path

from twisted.internet import reactor

from scaisend.caller import Caller
from scaisend.faults import Invalid, NotFound
from scaisend.identity.permissions import OURS
from scaisend.identity.reach import ABOVE
from scaisend.inbound.kept_api import KeptMailsApi
from scaisend.inbound.store import KeptMail, keep_across_tenants
from scaisend.storage.disk_objects import DiskObjects
from tests.base import ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW, call_by, caller_with, id_maker, make_a_key, make_a_tenant


class KeptMailsApiTests(ReactorTestCase):
    def setUp(self) -> None:
        self.database, self.ids = inline_database(), id_maker()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.objects = DiskObjects(directory=Path(self.mktemp()), reactor=reactor)
        self.addCleanup(self.objects.close)
        self.api = KeptMailsApi(database=self.database, objects=self.objects)
        made = self.database.now(insert_message, self.ids, self.tenant.id, [To()])
        self.database.now(keep_across_tenants, [
            KeptMail("inb_1", "other", "a@a.test", "postmaster@b.test", "peer", 5, NOW, content=b"hello"),
            KeptMail("inb_2", "other", "", "bounces+x@b.test", "peer", 5, NOW + 1, recipient_id=made.recipients[0], content=b"mine!"),
            KeptMail("inb_3", "bounce", "", "postmaster@b.test", "peer", 5, NOW + 2, content=b"whose"),
            KeptMail("inb_4", "unparsed", "", "postmaster@b.test", "peer", 5, NOW + 3, content=b"later"),
        ])

    def caller(self, tenant_id: str) -> Caller:
        return caller_with(self.database, make_a_key(self.database, self.ids, tenant_id, OURS))

    async def listed(self, tenant_id: str, **query: str) -> list[str]:
        reply = await self.api.show_all(call_by(self.caller(tenant_id), query={name: [value] for name, value in query.items()}))
        return [each["id"] for each in json.loads(reply.body)["data"]]

    async def test_lists(self) -> None:
        """Unread mails newest first, by kind and page; those that still wait to be read are not among them."""
        self.assertEqual(await self.listed(self.tenant.id), ["inb_2", "inb_1"])
        self.assertEqual(await self.listed(self.tenant.id, before="inb_2"), ["inb_1"])
        self.assertEqual(await self.listed(self.tenant.id, kind="all"), ["inb_3", "inb_2", "inb_1"])
        self.assertEqual(await self.listed(self.tenant.id, kind="bounce", limit="1"), ["inb_3"])
        for wrong in ({"kind": "bounces"}, {"kinds": "all"}):
            with self.assertRaises(Invalid):
                await self.listed(self.tenant.id, **wrong)

    async def test_one_mail(self) -> None:
        """As it arrived, from the row or the object store; as a download, for it may be hostile; gone when it is removed."""
        await self.objects.put("inbound/x", b"large")
        self.database.now(keep_across_tenants, [KeptMail("inb_5", "other", "", "x@b.test", "peer", 5, NOW, object_key="inbound/x")])
        caller = self.caller(self.tenant.id)
        for mail_id, content in (("inb_1", b"hello"), ("inb_5", b"large")):
            reply = await self.api.show(call_by(caller, path={"mail_id": mail_id}))
            self.assertEqual((reply.body, reply.content_type, dict(reply.headers)["Content-Disposition"]), (content, "message/rfc822", "attachment"))
        self.assertEqual((await self.api.remove(call_by(caller, path={"mail_id": "inb_1"}))).status, 204)
        for mail_id in ("inb_1", "inb_4", "inb_9"):
            with self.assertRaises(NotFound):
                await self.api.show(call_by(caller, path={"mail_id": mail_id}))

    async def test_the_operator_sees_all(self) -> None:
        """A super admin, until it acts for a tenant: then it sees that one's."""
        other = make_a_tenant(self.database, self.ids, "Other")
        operator = Caller(tenant_id="", partner_id="", credential_id="op", permissions=frozenset(OURS) | {ABOVE}, role="super_admin")
        for caller, seen in ((operator, 3), (replace(operator, tenant_id=self.tenant.id, permissions=frozenset(OURS)), 1), (replace(operator, tenant_id=other.id, permissions=frozenset(OURS)), 0)):
            reply = await self.api.show_all(call_by(caller, query={"kind": ["all"]}))
            self.assertEqual(len(json.loads(reply.body)["data"]), seen)

    async def test_tenants_see_their_own(self) -> None:
        """With several tenants each sees what came to its own return paths; what is nobody's is for the operator."""
        other = make_a_tenant(self.database, self.ids, "Other")
        self.assertEqual(await self.listed(self.tenant.id, kind="all"), ["inb_2"])
        self.assertEqual(await self.listed(other.id, kind="all"), [])
        with self.assertRaises(NotFound):
            await self.api.remove(call_by(self.caller(other.id), path={"mail_id": "inb_2"}))
