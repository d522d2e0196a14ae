import argparse
import time
from dataclasses import replace
from pathlib import Path

import orjson
from twisted.internet import reactor

from scaisend.app.adapters import open_adapters
from scaisend.app.commands.send import request_of, submit
from scaisend.app.config import load
from scaisend.app.installation import prepare_embedded
from scaisend.faults import Forbidden, Invalid
from scaisend.identity.people_store import make_partner, make_tenant
from scaisend.messages.read_store import request_of as sent_with
from scaisend.messages.read_store import seen
from scaisend.sending.request import read_send_request
from tests.base import PlainTestCase, ReactorTestCase


def options(**more: object) -> argparse.Namespace:
    usual = {"sender": "a@acme.test", "to": ["b@example.net"], "cc": [], "subject": "Hi", "text": "Hello", "html": None, "attach": []}
    return argparse.Namespace(**{**usual, **more})


class RequestTests(PlainTestCase):
    def test_request(self) -> None:
        """What the options say is a request that the API would take."""
        path = Path(self.mktemp())
        path.write_bytes(b"\x00\x01")
        given = request_of(options(to=["b@example.net", "c@example.net"], cc=["d@example.net"], html="<p>Hello</p>", attach=[str(path)]))
        request = read_send_request(orjson.dumps(given), now_s=time.time())
        self.assertEqual([(each.kind, each.email) for each in request.messages[0].recipients], [
            ("to", "b@example.net"), ("to", "c@example.net"), ("cc", "d@example.net"),
        ])
        self.assertEqual([each["type"] for each in request.shared["content"]], ["text/plain", "text/html"])
        self.assertEqual((request.attachments[0].content, request.attachments[0].filename), (b"\x00\x01", path.name))

    def test_refused(self) -> None:
        """A mail without text, or with a file that is not there, is refused."""
        self.assertRaises(Invalid, request_of, options(text=None))
        self.assertRaises(Invalid, request_of, options(attach=["/nonexistent/file"]))


class SubmitTests(ReactorTestCase):
    async def test_submit(self) -> None:
        """The mail is accepted for the tenant when its domain is verified, and is in the database then."""
        config = load({"DATA_DIR": self.mktemp()}, None)
        prepare_embedded(config)
        adapters = open_adapters(config, reactor)
        self.addCleanup(adapters.close)
        database, ids = adapters.database, adapters.ids
        partner = await database.run(make_partner, ids, name="p", now_s=1.0)
        tenant = await database.run(make_tenant, ids, name="t", partner_id=partner.id, now_s=1.0)
        body = orjson.dumps(request_of(options()))
        with self.assertRaises(Forbidden):
            await submit(adapters, tenant, body)
        columns = ("id", "tenant_id", "domain", "verified", "created_at", "updated_at")
        await database.run(lambda txn: txn.insert("domains", columns, [("dom_1", tenant.id, "acme.test", 1, 1, 1)]))
        message_id = await submit(adapters, tenant, body)
        found = await database.run(seen, tenant.id, message_id)
        self.assertEqual((found.message.status, found.recipients[0].email), ("queued", "b@example.net"))
        self.assertEqual((await database.run(sent_with, tenant.id, message_id)).credential_id, "cli")
        with self.assertRaises(Invalid):
            await submit(adapters, replace(tenant, status="suspended"), body)
