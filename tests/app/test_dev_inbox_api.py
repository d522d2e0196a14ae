"""The dev inbox over HTTP."""

from pathlib import Path

import orjson
from twisted.internet import reactor

from scaisend.app.dev_inbox import DevInbox
from scaisend.app.dev_inbox_api import DevInboxApi
from scaisend.faults import Invalid, NotFound
from scaisend.http.call import Call
from scaisend.smtp.session import Envelope, Session
from tests.base import ReactorTestCase
from tests.world.tenants import NOW, id_maker

EVIL = "<script>alert(1)</script>\"'"


class ApiTests(ReactorTestCase):
    def setUp(self) -> None:
        self.inbox = DevInbox(directory=Path(self.mktemp()), ids=id_maker(), now_s=lambda: NOW, reactor=reactor)
        self.addCleanup(self.inbox.close)
        self.api = DevInboxApi(inbox=self.inbox, public_record=self.no_record)

    async def no_record(self, selector: str, domain: str) -> str | None:
        return None

    async def take(self, to: tuple[str, ...], content: bytes) -> str:
        await self.inbox.message(Session("p"), Envelope("b@b.test", recipients=list(to)), content)
        return next(iter(self.inbox.newest_first())).id

    async def listed(self, **query: str) -> list[dict[str, object]]:
        reply = await self.api.messages(Call(query={name: [value] for name, value in query.items()}))
        self.assertEqual(dict(reply.headers)["X-Total-Count"], str(len(self.inbox)))
        found: list[dict[str, object]] = orjson.loads(reply.body)
        return found

    async def test_list(self) -> None:
        """The list holds every mail, newest first, with what scripts rely on; it can be narrowed and cut."""
        one = await self.take(("r@r.test",), b"From: A <a@a.test>\r\nSubject: one\r\n\r\n")
        await self.take(("R@r.test", "s@s.test"), b"Subject: two\r\n\r\n")
        await self.take(("s@s.test",), b"Subject: three\r\n\r\n")
        mails = await self.listed()
        self.assertEqual([mail["subject"] for mail in mails], ["three", "two", "one"])
        self.assertEqual(mails[2], {
            "id": one, "from": "a@a.test", "to": "r@r.test", "subject": "one", "received_at": "2027-01-15T08:00:00.000Z", "size": 36,
            "mail_from": "b@b.test", "rcpt_to": ["r@r.test"],
        })
        self.assertEqual([mail["subject"] for mail in await self.listed(to="r@R.test")], ["two", "one"])
        self.assertEqual([mail["subject"] for mail in await self.listed(to="s@s.test", limit="1")], ["three"])
        self.assertEqual(await self.listed(limit="0"), [])
        for limit in ("-1", "x", "100001", "²", "9" * 30):
            with self.assertRaises(Invalid):
                await self.listed(limit=limit)

    async def test_raw_and_delete(self) -> None:
        """The raw mail comes octet for octet; a deleted one and an unknown one are not found."""
        mail_id = await self.take(("r@r.test",), b"X: \xff\x00\r\n\r\n.\r\n")
        reply = await self.api.raw(Call(path={"mail_id": mail_id}))
        self.assertEqual((reply.body, reply.content_type), (b"X: \xff\x00\r\n\r\n.\r\n", "message/rfc822"))
        self.assertEqual((await self.api.delete(Call(path={"mail_id": mail_id}))).status, 204)
        for unknown in (mail_id, "../../etc/passwd"):
            with self.assertRaises(NotFound):
                await self.api.raw(Call(path={"mail_id": unknown}))
        await self.take(("r@r.test",), b"x")
        self.assertEqual((await self.api.clear(Call())).status, 204)
        self.assertEqual(await self.listed(), [])

    async def test_pages_do_not_run_what_mails_say(self) -> None:
        """Whatever stands in a mail is text on our pages; its HTML lives in a frame without scripts under a policy."""
        content = f"From: {EVIL} <a@a.test>\r\nSubject: {EVIL}\r\nX-{EVIL.encode().hex()}: {EVIL}\r\nContent-Type: text/html\r\n\r\n{EVIL}"
        mail_id = await self.take((f'"{EVIL}"@r.test',), content.encode())
        page, view = await self.api.page(Call()), await self.api.view(Call(path={"mail_id": mail_id}))
        for reply in (page, view):
            self.assertNotIn(b"<script", reply.body)
            self.assertIn("default-src 'none'", dict(reply.headers)["Content-Security-Policy"])
        self.assertIn(b'<iframe sandbox="allow-popups allow-popups-to-escape-sandbox"', view.body)
        self.assertIn(b'srcdoc="&lt;script&gt;', view.body)
        self.assertIn(mail_id.encode(), page.body)

    async def test_empty_page(self) -> None:
        """An empty inbox says what will arrive; a search without a hit says so."""
        self.assertIn(b"No mail yet", (await self.api.page(Call())).body)
        self.assertIn(b"No mail for x@x.test", (await self.api.page(Call(query={"to": ["x@x.test"]}))).body)

    def test_routes(self) -> None:
        """All doors are open without a credential and are not counted."""
        self.assertEqual({(route.method, route.path) for route in self.api.routes()}, {
            ("GET", "/dev/inbox"), ("GET", "/dev/inbox/view/<mail_id>"), ("GET", "/dev/inbox/messages"), ("DELETE", "/dev/inbox/messages"),
            ("GET", "/dev/inbox/messages/<mail_id>"), ("DELETE", "/dev/inbox/messages/<mail_id>"),
        })
        self.assertTrue(all(route.public and route.limit is None for route in self.api.routes()))
