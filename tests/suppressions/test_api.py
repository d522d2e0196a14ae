from scaisend.faults import Invalid, NotFound, UnsupportedType
from scaisend.http.route import Route
from scaisend.identity.audit_store import acts
from scaisend.messages.moments import read_moment
from scaisend.suppressions.api import SuppressionsApi
from scaisend.suppressions.store import Entry, list_across_tenants
from tests.suppressions.routing import RoutedTestCase
from tests.world.inline_database import InlineDatabase
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW

BOUNCES = "/v3/suppression/bounces"


class ListsApiTests(RoutedTestCase):
    def routes(self, database: InlineDatabase) -> list[Route]:
        return SuppressionsApi(database=database, parse_moment=read_moment).routes()

    def put(self, *emails: str, name: str = "bounces", rule: str | None = "r1", event_id: str | None = None, tenant: str = "") -> None:
        self.database.now(list_across_tenants, [
            Entry(tenant or self.tenant.id, name, email, f"550 5.1.1 {email}", "5.1.1", "192.0.2.9", event_id, rule, NOW + place)
            for place, email in enumerate(emails)
        ])

    def test_shapes(self) -> None:
        """Each list shows the fields that SendGrid shows, newest first, an array even of one."""
        for name, fields in (
            ("bounces", ["created", "email", "reason", "status"]), ("blocks", ["created", "email", "reason", "status"]),
            ("invalid_emails", ["created", "email", "reason"]), ("spam_reports", ["created", "email", "ip"]), ("unsubscribes", ["created", "email"]),
        ):
            self.put("old@x.test", "new@x.test", name=name)
            status, found = self.ask("GET", f"/v3/suppression/{name}")
            self.assertEqual((status, [each["email"] for each in found], sorted(found[0])), (200, ["new@x.test", "old@x.test"], fields))
            self.assertEqual(found[0]["created"], int(NOW) + 1)
            if name != "unsubscribes":
                self.assertEqual(self.ask("GET", f"/v3/suppression/{name}/new@x.test"), (200, found[:1]))
                self.assertEqual(self.ask("GET", f"/v3/suppression/{name}/nobody@x.test"), (200, []))
        self.assertEqual(self.ask("GET", "/v3/suppression/unsubscribes/new@x.test")[0], 404)

    def test_the_audit_log_tells_of_changes(self) -> None:
        """Additions and removals with their number and no addresses; nothing where nothing changed."""
        self.ask("POST", BOUNCES, {"emails": ["a@x.test", "b@x.test"]})
        self.ask("DELETE", f"{BOUNCES}/a@x.test")
        self.assertRaises(NotFound, self.ask, "DELETE", f"{BOUNCES}/a@x.test")
        self.ask("DELETE", BOUNCES, {"emails": ["b@x.test", "c@x.test"]})
        done = self.database.now(acts, self.tenant.id, before=None, most=20)[::-1]
        self.assertEqual([(each.action, each.resource, each.change) for each in done], [
            ("suppressions.add", "bounces", {"added": 2}), ("suppressions.remove", "bounces", {"removed": 1}), ("suppressions.remove", "bounces", {"removed": 1}),
        ])
        self.assertEqual(self.database.now(acts, self.other.id, before=None, most=20), [])

    def test_pages(self) -> None:
        """Times are inclusive; limit and offset walk the list; email is a prefix in which % stands for anything, and _ for itself."""
        self.put("ann@x.test", "anna@x.test", "a_n@x.test", "bob@y.test")
        start, end = int(NOW) + 1, int(NOW) + 2

        def emails(query: str) -> list[str]:
            return [each["email"] for each in self.ask("GET", f"{BOUNCES}?{query}")[1]]

        self.assertEqual(emails(f"start_time={start}&end_time={end}"), ["a_n@x.test", "anna@x.test"])
        self.assertEqual(emails("limit=2&offset=1"), ["a_n@x.test", "anna@x.test"])
        self.assertEqual(emails("email=ANN"), ["anna@x.test", "ann@x.test"])
        self.assertEqual(emails("email=a_n"), ["a_n@x.test"])
        self.assertEqual(emails("email=%25y.test"), ["bob@y.test"])
        for query in ("limit=0", "limit=501", "limit=x", "start_time=x", "email=%25a%25b%25c%25d", "offset=-1"):
            with self.assertRaises(Invalid):
                emails(query)

    def test_spellings(self) -> None:
        """Case, percent signs and plus signs in a path find the entry; a raw @ does too."""
        self.put("ann+news@x.test")
        for spelling in ("ann+news@x.test", "ann%2Bnews%40x.test", "ANN+NEWS@X.TEST"):
            self.assertEqual(len(self.ask("GET", f"{BOUNCES}/{spelling}")[1]), 1, spelling)
        self.assertEqual(self.ask("DELETE", f"{BOUNCES}/Ann%2bnews@x.test"), (204, None))

    def test_delete(self) -> None:
        """One: 204, and 404 when it is not there. Several or all: 204; neither, or both, is refused."""
        self.put("a@x.test", "b@x.test", "c@x.test")
        self.assertEqual(self.ask("DELETE", f"{BOUNCES}/a@x.test")[0], 204)
        for name in ("bounces", "blocks", "invalid_emails", "spam_reports"):
            with self.assertRaises(NotFound):
                self.ask("DELETE", f"/v3/suppression/{name}/a@x.test")
        self.assertEqual(self.ask("DELETE", BOUNCES, {"emails": ["B@x.test", "unknown@x.test"]})[0], 204)
        for body in ({}, {"delete_all": False}, {"emails": []}, {"delete_all": True, "emails": ["a@x.test"]}, [], {"emails": "a@x.test"}):
            with self.assertRaises(Invalid):
                self.ask("DELETE", BOUNCES, body)
        self.assertEqual([each["email"] for each in self.ask("GET", BOUNCES)[1]], ["c@x.test"])
        self.assertEqual(self.ask("DELETE", BOUNCES, {"delete_all": True})[0], 204)
        self.assertEqual(self.ask("GET", BOUNCES), (200, []))

    def test_clearing_a_long_list(self) -> None:
        """A list of any length is emptied, that list alone."""
        self.put(*(f"{n}@x.test" for n in range(2_500)))
        self.put("kept@x.test", name="blocks")
        self.ask("DELETE", BOUNCES, {"delete_all": True})
        self.assertEqual(self.database.rows("SELECT email FROM suppressions"), [("kept@x.test",)])

    def test_add(self) -> None:
        """Addresses are added once, folded; what is no address is refused with its place."""
        status, answer = self.ask("POST", BOUNCES, {"emails": ["Ann@X.test", "ann@x.test", "bob@x.test"], "reason": "left"})
        self.assertEqual((status, answer["added"]), (201, 2))
        self.assertEqual(self.ask("POST", BOUNCES, [{"email": "bob@x.test", "reason": "other"}, {"email": "joe@x.test", "status": "5.1.1"}])[1]["added"], 1)
        self.assertEqual(self.ask("GET", f"{BOUNCES}/bob@x.test")[1][0]["reason"], "left")
        for body, field in (
            ({"emails": ["a@x.test", "no\r\nRCPT TO"]}, "emails.1"), ([{"email": "x"}], "0.email"), ({"email": "x y@z"}, "email"), ({}, "email"),
            ({"emails": []}, "emails"), ([], "emails"), ({"email": "a@x.test", "reason": "x" * 513}, "reason"),
        ):
            with self.assertRaises(Invalid) as caught:
                self.ask("POST", BOUNCES, body)
            self.assertEqual(caught.exception.faults[0].field, field)

    def test_csv(self) -> None:
        """What was exported as CSV can be imported as it is; the report tells imported, skipped and errors by row."""
        self.put("a@x.test", "b@x.test")
        self.at += 10
        reply = self.reply("GET", BOUNCES, accept="text/csv")
        self.assertTrue(reply.content_type.startswith("text/csv"))
        status, report = self.ask("POST", f"{BOUNCES}/import", reply.body + b"nonsense,,,,\r\n", tenant=self.other.id, content_type="text/csv")
        self.assertEqual((status, report), (200, {
            "imported": 2, "skipped": 0, "error_count": 1, "errors": [{"row": 4, "message": "Does not contain a valid address."}]}))
        self.assertEqual(self.ask("POST", f"{BOUNCES}/import", reply.body)[1]["skipped"], 2)
        self.assertEqual(self.ask("GET", BOUNCES, tenant=self.other.id)[1], self.ask("GET", BOUNCES)[1])
        with self.assertRaises(UnsupportedType):
            self.ask("POST", f"{BOUNCES}/import", b"{}", content_type="application/json")
        self.assertEqual(self.ask("POST", "/v3/suppression/unsubscribes/import", b"c@x.test\n")[1]["imported"], 1)

    def test_import_is_not_an_address(self) -> None:
        """`import` in the path is the import only for POST."""
        self.assertEqual(self.ask("GET", f"{BOUNCES}/import"), (200, []))

    def test_another_tenant(self) -> None:
        """Another tenant sees, changes and removes nothing."""
        self.put("a@x.test")
        self.assertEqual(self.ask("GET", BOUNCES, tenant=self.other.id), (200, []))
        self.assertEqual(self.ask("GET", f"{BOUNCES}/a@x.test", tenant=self.other.id), (200, []))
        with self.assertRaises(NotFound):
            self.ask("DELETE", f"{BOUNCES}/a@x.test", tenant=self.other.id)
        self.ask("DELETE", BOUNCES, {"emails": ["a@x.test"]}, tenant=self.other.id)
        self.ask("DELETE", BOUNCES, {"delete_all": True}, tenant=self.other.id)
        undone = self.ask("POST", "/api/admin/suppressions/undo", {"rule": "r1", "since": 0}, tenant=self.other.id)
        self.assertEqual(undone, (200, {"data": {"removed": 0}}))
        self.assertEqual(self.ask("GET", "/api/admin/suppressions?email=a@x.test", tenant=self.other.id), (200, {"data": []}))
        self.assertEqual(len(self.ask("GET", BOUNCES)[1]), 1)

    def test_evidence(self) -> None:
        """An entry names its rule and the event behind it; another tenant's event is not shown."""
        made = self.database.now(insert_message, self.ids, self.tenant.id, [To(status="bounced", reason="550 no")])
        event_id = self.database.rows("SELECT id FROM events WHERE type = 'bounce'")[0][0]
        self.put("a@x.test", event_id=event_id)
        (shown,) = self.ask("GET", "/api/admin/suppressions?email=A@x.test")[1]["data"]
        self.assertEqual((shown["list"], shown["rule"], shown["message_id"], shown["evidence"]), ("bounces", "r1", made.id, {"reason": "550 no"}))
        self.put("a@x.test", event_id=event_id, tenant=self.other.id)
        (theirs,) = self.ask("GET", "/api/admin/suppressions?email=a@x.test", tenant=self.other.id)[1]["data"]
        self.assertEqual((theirs["message_id"], theirs["evidence"]), (None, None))

    def test_undo(self) -> None:
        """All that one rule listed since a moment is taken off, on every list; the act is in the log."""
        self.put(*(f"{n}@x.test" for n in range(1_500)), rule="r1")
        self.put("other@x.test", rule="r2")
        self.put("9@x.test", name="blocks", rule="r1")
        body = {"rule": "r1", "since": "2027-01-15T08:00:10Z"}
        self.assertEqual(read_moment(body["since"]), NOW + 10)
        self.assertEqual(self.ask("POST", "/api/admin/suppressions/undo", body), (200, {"data": {"removed": 1_490}}))
        self.assertEqual(len(self.database.rows("SELECT 1 FROM suppressions")), 12)
        self.assertEqual(self.database.now(acts, self.tenant.id, before=None, most=1)[0].action, "suppressions.undo")
        for wrong in ({}, {"rule": "r1"}, {"rule": "r1", "since": "soon"}, {"rule": "", "since": 0}, {"rule": "r1", "since": 0, "until": 1}):
            with self.assertRaises(Invalid):
                self.ask("POST", "/api/admin/suppressions/undo", wrong)

    def test_permissions(self) -> None:
        """Reading and changing ask for their permissions."""
        for route in self.routes(self.database):
            self.assertEqual(route.permission, "suppressions.read" if route.method == "GET" else "suppressions.write", route.path)
