"""Two tenants on one installation: the ids of one are nothing to the other."""

import json
import time

from tests.base import PlainTestCase
from tests.world.counting_sink import CountingSink
from tests.world.installation import SENDER_DOMAIN, Installation
from tests.world.load import call, make_requests, send


class IsolationTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sink = CountingSink()
        self.addCleanup(self.sink.close)
        self.house = Installation(self.sink.port)
        self.addCleanup(self.house.close)
        self.house.start("all")
        self.other_key = self._key_of_another_tenant()

    def _key_of_another_tenant(self) -> str:
        now = int(time.time() * 1_000_000)
        self.house.tell(
            "INSERT INTO tenants (id, partner_id, name, status, settings, created_at, updated_at) "
            f"SELECT 'tnt_other', partner_id, 'Other', 'active', settings, {now}, {now} FROM tenants LIMIT 1"
        )
        made = self.house.command_json("keys", "create", "other", "--tenant", "tnt_other")
        return str(made["api_key"])

    def call(self, method: str, path: str, key: str, body: object = None) -> int:
        return call(self.house.url("all"), method, path, key, body)[0]

    def test_another_tenants_ids_do_not_exist(self) -> None:
        """Whatever is asked of an id of another tenant, the answer is 404, as for an id that never was; its owner gets it."""
        url, key = self.house.url("all"), self.house.api_key
        send(url, key, make_requests("mine", 3, sender=self.house.sender))
        self.house.settled()
        (message_id,) = {row[0] for row in self.house.ask("SELECT message_id FROM recipients LIMIT 1")}
        (x_message_id,) = self.house.ask(f"SELECT request_id FROM messages WHERE id = '{message_id}'")[0]
        batch_id = json.loads(call(url, "POST", "/v3/mail/batch", key)[1])["batch_id"]
        made = json.loads(call(url, "POST", "/v3/api_keys", key, {"name": "mine", "scopes": ["mail.send"]})[1])
        domain = json.loads(call(url, "GET", "/api/admin/domains", key)[1])["data"][0]
        readable = [
            f"/v3/messages/{message_id}", f"/v3/messages/{message_id}/events", f"/v3/mail/batch/{batch_id}", f"/v3/api_keys/{made['api_key_id']}",
            f"/api/admin/domains/{domain['id']}",
        ]
        for path in readable:
            self.assertEqual((path, self.call("GET", path, key)), (path, 200))
            self.assertEqual((path, self.call("GET", path, self.other_key)), (path, 404))
        acts = [
            ("POST", f"/v3/messages/{message_id}/cancel"), ("POST", f"/v3/messages/{message_id}/retry"), ("POST", f"/v3/messages/{message_id}/fail"),
            ("GET", f"/v3/messages/{x_message_id}"), ("DELETE", f"/v3/api_keys/{made['api_key_id']}"), ("DELETE", f"/api/admin/domains/{domain['id']}"),
            ("POST", f"/api/admin/domains/{domain['id']}/verify"),
        ]
        for method, path in acts:
            self.assertEqual((path, self.call(method, path, self.other_key)), (path, 404))
        self.assertEqual(self.call("GET", f"/v3/api_keys/{made['api_key_id']}", key), 200)
        self.assertEqual(self.call("GET", f"/api/admin/domains/{domain['id']}", key), 200)

    def test_lists_show_a_tenants_own_and_senders_are_its_own(self) -> None:
        """Lists of the other tenant are empty, and it cannot send from a domain that only the first one verified, nor use its batch."""
        url, key = self.house.url("all"), self.house.api_key
        send(url, key, make_requests("mine", 3, sender=self.house.sender))
        self.house.settled()
        batch_id = json.loads(call(url, "POST", "/v3/mail/batch", key)[1])["batch_id"]
        listed = json.loads(call(url, "GET", "/v3/messages", self.other_key)[1])
        self.assertEqual(listed["messages"], [])
        self.assertEqual(json.loads(call(url, "GET", "/api/admin/domains", self.other_key)[1])["data"], [])
        request = make_requests("stolen", 1, sender=f"app@{SENDER_DOMAIN}")[0]
        self.assertEqual(self.call("POST", "/v3/mail/send", self.other_key, request.body), 403)
        self.assertEqual(self.call("POST", "/v3/mail/send", self.other_key, {**json.loads(request.body), "batch_id": batch_id}), 403)
        self.house.add_domain("other.test", "--tenant", "tnt_other")
        foreign = json.loads(make_requests("batch", 1, sender="app@other.test")[0].body)
        self.assertEqual(self.call("POST", "/v3/mail/send", self.other_key, {**foreign, "batch_id": batch_id}), 400)
        self.assertEqual(self.call("POST", "/v3/mail/send", self.other_key, foreign), 202)
