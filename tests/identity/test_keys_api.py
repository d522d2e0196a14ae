import json

from scaisend.caller import Caller
from scaisend.faults import Forbidden, Invalid, NotFound, Unauthenticated
from scaisend.http.reply import Reply
from scaisend.identity.audit_store import acts
from scaisend.identity.keys_api import KeysApi
from scaisend.identity.permissions import OURS
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, call_by, caller_with, id_maker, make_a_key, make_a_tenant, now


class KeysApiTestCase(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.ids = id_maker()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.admin = caller_with(self.database, make_a_key(self.database, self.ids, self.tenant.id, OURS))
        self.other = make_a_tenant(self.database, self.ids, "Other")
        self.stranger = caller_with(self.database, make_a_key(self.database, self.ids, self.other.id, OURS))
        secrets = iter(range(1, 1000))
        self.api = KeysApi(database=self.database, ids=self.ids, random_bytes=lambda size: next(secrets).to_bytes(size, "big"))

    def ask(self, what, caller: Caller, body: object = None, key_id: str = "", query: dict[str, list[str]] | None = None) -> Reply:  # type: ignore[no-untyped-def]
        raw = b"" if body is None else json.dumps(body).encode()
        return now(self, what(call_by(caller, body=raw, path={"key_id": key_id}, query=query)))

    def answer(self, *args, **more):  # type: ignore[no-untyped-def]
        return json.loads(self.ask(*args, **more).body)

    def make(self, body: object, caller: Caller | None = None) -> dict[str, object]:
        reply = self.ask(self.api.create, caller or self.admin, body)
        self.assertEqual(reply.status, 201)
        return json.loads(reply.body)

    def actions(self, tenant_id: str) -> list[str]:
        return [act.action for act in self.database.now(acts, tenant_id, before=None, most=100)]


class CreateTests(KeysApiTestCase):
    def test_created(self) -> None:
        """The answer has just SendGrid's four fields, the scopes as they were given, and the key works."""
        made = self.make({"name": "My key", "scopes": ["mail.send", "alerts.create"], "sample": "data"})
        self.assertEqual(set(made), {"api_key", "api_key_id", "name", "scopes"})
        self.assertEqual((made["name"], made["scopes"]), ("My key", ["mail.send", "alerts.create"]))
        caller = caller_with(self.database, made["api_key"])
        self.assertEqual((caller.tenant_id, caller.credential_id, caller.permissions), (self.tenant.id, made["api_key_id"], {"mail.send"}))

    def test_without_scopes_it_gets_all_of_the_callers(self) -> None:
        """A key made without scopes may do what its maker may, and no more."""
        self.assertEqual(self.make({"name": "whole"})["scopes"], list(OURS))
        maker = caller_with(self.database, make_a_key(self.database, self.ids, self.tenant.id, ["api_keys.create", "mail.send"]))
        self.assertEqual(self.make({"name": "part"}, maker)["scopes"], ["api_keys.create", "mail.send"])

    def test_no_key_grants_more_than_its_maker_has(self) -> None:
        """A key that may make keys cannot make one that sends if it cannot send; the scopes too many are named."""
        maker = caller_with(self.database, make_a_key(self.database, self.ids, self.tenant.id, ["api_keys.create", "api_keys.update", "stats.read"]))
        for scopes in (["mail.send"], ["stats.read", "templates.create"], ["admin.api_keys"], list(OURS)):
            error = self.assertRaises(Forbidden, self.ask, self.api.create, maker, {"name": "more", "scopes": scopes})
            self.assertEqual(error.faults[0].field, "scopes")
            self.assertIn(scopes[-1], error.faults[0].message)
            self.assertRaises(Forbidden, self.ask, self.api.replace, maker, {"name": "more", "scopes": scopes}, maker.credential_id)
        self.make({"name": "less", "scopes": ["stats.global.read"]}, maker)

    def test_a_test_key_makes_test_keys(self) -> None:
        """A test key cannot make a key that delivers."""
        tester = caller_with(self.database, make_a_key(self.database, self.ids, self.tenant.id, OURS, is_test=True))
        self.assertTrue(self.make({"name": "t"}, tester)["api_key"].startswith("sg_test_"))
        self.assertRaises(Forbidden, self.ask, self.api.create, tester, {"name": "t", "test": False})

    def test_test_and_expiry(self) -> None:
        """A test key and an expiry may be asked for, and are shown then; the key ends when it says."""
        made = self.make({"name": "brief", "test": True, "expires_at": NOW + 60})
        self.assertTrue(made["api_key"].startswith("sg_test_"))
        self.assertEqual((made["test"], made["expires_at"]), (True, NOW + 60))
        self.assertTrue(caller_with(self.database, made["api_key"], NOW + 59).is_test)
        self.assertRaises(Unauthenticated, caller_with, self.database, made["api_key"], NOW + 60)

    def test_faults(self) -> None:
        """Each wrong body is refused with its field, all faults at once, and makes nothing."""
        rows = [
            ({}, [("name", "missing required argument")]),
            ({"name": None}, [("name", "missing required argument")]),
            ({"name": ""}, [("name", "missing required argument")]),
            ([], [("name", "missing required argument")]),
            ("x", [("name", "missing required argument")]),
            ({"name": 1, "scopes": {}}, [("name", "Invalid type"), ("scopes", "Invalid type")]),
            ({"name": "a\r\nb"}, [("name", "printable")]),
            ({"name": "x" * 256}, [("name", "255")]),
            ({"name": "x", "scopes": [1, "mail.send", None]}, [("scopes.0", "Invalid type"), ("scopes.2", "Invalid type")]),
            ({"name": "x", "scopes": []}, [("scopes", "empty")]),
            ({"name": "x", "scopes": ["mail.send", "mail.sned", "no"]}, [("scopes", "mail.sned, no")]),
            ({"name": "x", "scopes": ["mail.send"] * 501}, [("scopes", "500")]),
            ({"name": "x", "test": "yes", "expires_at": "soon"}, [("test", "Invalid type"), ("expires_at", "Invalid type")]),
            ({"name": "x", "expires_at": NOW}, [("expires_at", "future")]),
            ({"name": "x", "expires_at": True}, [("expires_at", "Invalid type")]),
            ({"name": "x", "expires_at": 1e300}, [("expires_at", "future")]),
        ]
        for body, expected in rows:
            error = self.assertRaises(Invalid, self.ask, self.api.create, self.admin, body)
            self.assertEqual([fault.field for fault in error.faults], [field for field, _ in expected], body)
            for fault, (_, words) in zip(error.faults, expected, strict=True):
                self.assertIn(words, fault.message)
        self.assertEqual(len(self.answer(self.api.show_all, self.admin)["result"]), 1)

    def test_at_most_a_hundred(self) -> None:
        """The hundred and first key is refused in SendGrid's words, until one is revoked; other tenants have their own hundred."""
        made = [self.make({"name": f"key {number}"}) for number in range(99)]
        error = self.assertRaises(Forbidden, self.ask, self.api.create, self.admin, {"name": "one more"})
        self.assertEqual(str(error), "Cannot create more than 100 API Keys")
        self.make({"name": "theirs"}, self.stranger)
        self.ask(self.api.revoke, self.admin, key_id=made[0]["api_key_id"])
        self.make({"name": "one more"})


class ReadTests(KeysApiTestCase):
    def test_list(self) -> None:
        """The list has id and name of the tenant's keys, oldest first, as many as were asked for."""
        ids = [self.make({"name": name})["api_key_id"] for name in ("a", "b")]
        found = self.answer(self.api.show_all, self.admin)["result"]
        self.assertEqual(found[1:], [{"api_key_id": ids[0], "name": "a"}, {"api_key_id": ids[1], "name": "b"}])
        self.assertEqual(found[0]["api_key_id"], self.admin.credential_id)
        self.assertEqual(len(self.answer(self.api.show_all, self.admin, query={"limit": ["2"]})["result"]), 2)
        self.assertEqual(len(self.answer(self.api.show_all, self.admin, query={"limit": ["500"]})["result"]), 3)
        for limit in ("0", "-1", "test_string", "1.5", "٣"):
            self.assertRaises(Invalid, self.ask, self.api.show_all, self.admin, query={"limit": [limit]})

    def test_one(self) -> None:
        """One key is shown with its scopes, and never with the key itself."""
        made = self.make({"name": "a", "scopes": ["mail.send"]})
        self.assertEqual(self.answer(self.api.show, self.admin, key_id=made["api_key_id"]), {"api_key_id": made["api_key_id"], "name": "a", "scopes": ["mail.send"]})
        self.assertNotIn(made["api_key"], self.ask(self.api.show_details, self.admin).body.decode())

    def test_details(self) -> None:
        """Ours shows prefix, kind, expiry and last use."""
        made = self.make({"name": "a", "test": True})
        shown = self.answer(self.api.show_details, self.admin)["data"][-1]
        self.assertEqual((shown["id"], shown["prefix"], shown["test"], shown["created_by"]), (made["api_key_id"], made["api_key"][:12], True, self.admin.credential_id))
        self.assertEqual((shown["created_at"], shown["expires_at"], shown["last_used_at"]), (NOW, None, None))

    def test_scopes(self) -> None:
        """The calling key's scopes, as given; never an empty list, which programs take for a dead key."""
        sender = caller_with(self.database, make_a_key(self.database, self.ids, self.tenant.id, ["mail.send", "alerts.read"]))
        self.assertEqual(self.answer(self.api.scopes, sender), {"scopes": ["mail.send", "alerts.read"]})
        self.assertIn("templates.create", self.answer(self.api.scopes, self.admin)["scopes"])


class ChangeTests(KeysApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        made = self.make({"name": "a", "scopes": ["mail.send", "stats.read"]})
        self.key_id, self.secret = str(made["api_key_id"]), str(made["api_key"])

    def test_put(self) -> None:
        """PUT sets name and scopes, or the name alone, for the next request."""
        reply = self.answer(self.api.replace, self.admin, {"name": "b", "scopes": ["stats.read"]}, self.key_id)
        self.assertEqual(reply, {"api_key_id": self.key_id, "name": "b", "scopes": ["stats.read"]})
        self.assertEqual(caller_with(self.database, self.secret).permissions, {"stats.read"})
        self.assertEqual(self.answer(self.api.replace, self.admin, {"name": "c"}, self.key_id)["scopes"], ["stats.read"])

    def test_patch(self) -> None:
        """PATCH renames and leaves scopes alone, whatever else it is sent."""
        reply = self.answer(self.api.rename, self.admin, {"name": "b", "scopes": ["admin.users"]}, self.key_id)
        self.assertEqual(reply, {"api_key_id": self.key_id, "name": "b"})
        self.assertEqual(caller_with(self.database, self.secret).scopes, ("mail.send", "stats.read"))

    def test_bodies_without_a_name(self) -> None:
        """PUT and PATCH without a name are refused in SendGrid's words."""
        for what in (self.api.replace, self.api.rename):
            for body in ({}, [], {"scopes": ["mail.send"]}, {"name": ""}, "x"):
                error = self.assertRaises(Invalid, self.ask, what, self.admin, body, self.key_id)
                self.assertEqual(str(error), "name: expected JSON request body with 'name' property")
        error = self.assertRaises(Invalid, self.ask, self.api.replace, self.admin, {"name": "b", "scopes": ["nope"]}, self.key_id)
        self.assertIn("nope", str(error))

    def test_delete(self) -> None:
        """DELETE answers 204 and the key is refused from then on."""
        self.assertEqual(self.ask(self.api.revoke, self.admin, key_id=self.key_id), Reply(204))
        self.assertRaises(Unauthenticated, caller_with, self.database, self.secret)
        self.assertRaises(NotFound, self.ask, self.api.revoke, self.admin, key_id=self.key_id)

    def test_another_tenant_tries(self) -> None:
        """Another tenant's key answers just as one that never was, and nothing happens to it."""
        rows = [
            (self.api.show, None, "unable to find API Key"), (self.api.replace, {"name": "x"}, "unable to find API Key to update"),
            (self.api.rename, {"name": "x"}, "unable to find API Key to update"), (self.api.revoke, None, "unable to find API Key for deletion"),
        ]
        for what, body, words in rows:
            for key_id in (self.key_id, "key_never", "", "é\0'"):
                error = self.assertRaises(NotFound, self.ask, what, self.stranger, body, key_id)
                self.assertEqual(str(error), words)
        self.assertEqual(caller_with(self.database, self.secret).permissions, {"mail.send", "stats.read"})
        self.assertEqual(self.actions(self.other.id), [])

    def test_every_change_is_in_the_audit_log(self) -> None:
        """Making, renaming, changing scopes and revoking leave a row each, without the key; a change of nothing leaves none."""
        self.answer(self.api.rename, self.admin, {"name": "a"}, self.key_id)
        self.answer(self.api.rename, self.admin, {"name": "b"}, self.key_id)
        self.answer(self.api.replace, self.admin, {"name": "b", "scopes": ["stats.read"]}, self.key_id)
        self.ask(self.api.revoke, self.admin, key_id=self.key_id)
        self.assertEqual(self.actions(self.tenant.id), ["api_key.revoke", "api_key.change_scopes", "api_key.rename", "api_key.create"])
        newest, changed, *_ = self.database.now(acts, self.tenant.id, before=None, most=100)
        self.assertEqual((newest.actor, newest.resource, newest.source, newest.request_id), (self.admin.credential_id, self.key_id, "192.0.2.7", "req_1"))
        self.assertEqual(changed.change, {"before": {"name": "b", "scopes": ["mail.send", "stats.read"]}, "after": {"name": "b", "scopes": ["stats.read"]}})
        self.assertNotIn(self.secret[12:], str(self.database.rows("SELECT * FROM audit_log")))


class RoutesTests(KeysApiTestCase):
    def test_doors(self) -> None:
        """Each door asks for the permission of its verb, and making keys has the limit of writes."""
        doors = {(route.method, route.path): route for route in self.api.routes()}
        self.assertEqual(doors["POST", "/v3/api_keys"].limit, "writes")
        self.assertEqual(doors["DELETE", "/v3/api_keys/<key_id>"].permission, ("admin.api_keys", "api_keys.delete"))
        self.assertIsNone(doors["GET", "/v3/scopes"].permission)
        self.assertFalse(any(route.public for route in doors.values()))
