import json
import re
from urllib.parse import urlencode

from scaisend.faults import NotFound
from scaisend.http.reply import Reply
from scaisend.http.route import Route
from scaisend.suppressions import groups_store
from scaisend.suppressions.store import listed_across_tenants
from scaisend.tracking.api import UnsubscribeApi
from scaisend.tracking.personal import ALL_MAIL, GROUP, PREFERENCES, token
from tests.suppressions.routing import RoutedTestCase
from tests.world.inline_database import InlineDatabase
from tests.world.messages import Made, To, insert_message
from tests.world.tenants import NOW

KEY = b"k" * 32
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"


class UnsubscribeTestCase(RoutedTestCase):
    """A delivered mail of a group, and its recipient's links."""

    def setUp(self) -> None:
        super().setUp()
        self.news, self.deals = (
            self.database.now(groups_store.add_group, self.tenant.id, name=name, description=f"all {name}", is_default=False, now=NOW).id
            for name in ("News & more", "<b>Deals</b>")
        )
        self.made = self.mail(group_id=self.news)

    def routes(self, database: InlineDatabase) -> list[Route]:
        return UnsubscribeApi(database=database, ids=self.ids, key=KEY, now_s=lambda: self.at).routes()

    def mail(self, tenant: str = "", **asm: object) -> Made:
        made = self.database.now(insert_message, self.ids, tenant or self.tenant.id, [To("Ann@X.test", status="delivered", waiting=None)], status="delivered")
        self.database.connection.execute("UPDATE mail_requests SET payload = ? WHERE id = ?", (json.dumps({"asm": asm} if asm else {}), made.request_id))
        return made

    def link(self, purpose: str, made: Made | None = None) -> str:
        return f"/t/u/{token(KEY, purpose, (made or self.made).id, 0)}"

    def post(self, path: str, body: bytes | dict[str, object], content_type: str = FORM) -> Reply:
        return self.reply("POST", path, body if isinstance(body, bytes) else urlencode(body, doseq=True).encode(), content_type=content_type)

    def events(self) -> list[tuple[str, dict[str, object]]]:
        rows = self.database.rows("SELECT type, detail FROM events WHERE type LIKE '%subscribe' ORDER BY id")
        return [(row[0], json.loads(row[1])) for row in rows]

    def lists(self) -> set[str]:
        return self.database.now(listed_across_tenants, [(self.tenant.id, "ann@x.test")]).get((self.tenant.id, "ann@x.test"), set())

    def left(self) -> set[int]:
        return self.database.now(groups_store.groups_left_by, self.tenant.id, "ann@x.test")


class OneClickTests(UnsubscribeTestCase):
    def test_group(self) -> None:
        """One click leaves the mail's group, with one event however often it is clicked; status of the mail stays."""
        for _ in range(3):
            self.assertEqual(self.post(self.link(GROUP), ONE_CLICK).status, 200)
        self.assertEqual((self.left(), self.lists()), ({self.news}, set()))
        self.assertEqual(self.events(), [("group_unsubscribe", {"asm_group_id": self.news, "how": "one-click", "ip": "192.0.2.7"})])
        self.assertEqual(self.database.rows("SELECT status FROM recipients"), [("delivered",)])

    def test_all_mail(self) -> None:
        """One click on the other token leaves all mail."""
        for _ in range(2):
            self.assertEqual(self.post(self.link(ALL_MAIL), ONE_CLICK).status, 200)
        self.assertEqual((self.left(), self.lists()), (set(), {"unsubscribes"}))
        self.assertEqual(self.events(), [("unsubscribe", {"how": "one-click", "ip": "192.0.2.7"})])

    def test_multipart(self) -> None:
        """RFC 8058 3.1 allows multipart/form-data as well."""
        body = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
        self.assertEqual(self.post(self.link(GROUP), body, "multipart/form-data; boundary=b").status, 200)
        self.assertEqual(self.left(), {self.news})

    def test_deleted_group(self) -> None:
        """Leaving a group that is gone is leaving all mail."""
        self.database.now(groups_store.delete_group, self.tenant.id, self.news)
        self.post(self.link(GROUP), ONE_CLICK)
        self.assertEqual(self.lists(), {"unsubscribes"})

    def test_only_its_own_tenant(self) -> None:
        """The same address is still mailed by others, and another tenant's group of that number is not left."""
        theirs = self.mail(self.other.id, group_id=self.news)
        self.post(self.link(GROUP, theirs), ONE_CLICK)
        self.assertEqual(self.left(), set())
        self.assertEqual(self.database.rows("SELECT tenant_id, list FROM suppressions"), [(self.other.id, "unsubscribes")])

    def test_what_asks_for_nothing(self) -> None:
        """A post without the words, or with bytes that are no form, changes nothing and shows the page."""
        for body, kind in (
            (b"", FORM), (b"List-Unsubscribe=Two-Clicks", FORM), (ONE_CLICK, "text/plain"), (b"\xff\xfe%00%ff=&&&", FORM), (b"action=preferences", FORM),
            (b"--b\r\n", "multipart/form-data; boundary=b"), (ONE_CLICK, 'multipart/form-data; boundary="\r\nx'), (b"&".join([b"a=1"] * 2_000), FORM),
        ):
            reply = self.post(self.link(GROUP), body, kind)
            self.assertEqual((reply.status, reply.content_type), (200, "text/html; charset=utf-8"))
        self.assertEqual(self.post(self.link(PREFERENCES), ONE_CLICK).content_type, "text/html; charset=utf-8")
        self.assertEqual((self.left(), self.lists(), self.events()), (set(), set(), []))


class PageTests(UnsubscribeTestCase):
    def text(self, path: str) -> str:
        reply = self.reply("GET", path)
        self.assertEqual(reply.status, 200)
        headers = dict(reply.headers)
        self.assertEqual((headers["Cache-Control"], headers["Referrer-Policy"]), ("no-store", "no-referrer"))
        self.assertIn("frame-ancestors 'none'", headers["Content-Security-Policy"])
        return reply.body.decode()

    def test_a_get_changes_nothing(self) -> None:
        """Link scanners follow every link, with any query: nobody is unsubscribed, and nothing is written."""
        commits = self.database.commits
        for purpose in (ALL_MAIL, GROUP, PREFERENCES):
            for query in ("", "?action=unsubscribe", "?List-Unsubscribe=One-Click"):
                self.text(self.link(purpose) + query)
        self.assertEqual((self.database.commits, self.events(), self.lists(), self.left()), (commits, [], set(), set()))

    def test_question_and_answer(self) -> None:
        """The page asks, its form does it, and then the page says so; names are escaped and the address is not shown whole."""
        text = self.text(self.link(GROUP))
        self.assertIn("News &amp; more", text)
        self.assertIn("A…@X.test", text)
        self.assertNotIn("Ann@", text)
        self.assertNotIn("<script", text)
        self.assertIn("gets no more", self.post(self.link(GROUP), {"action": "unsubscribe"}).body.decode())
        self.assertEqual((self.left(), self.lists()), ({self.news}, set()))
        self.assertIn("gets no more", self.text(self.link(GROUP)))
        self.assertIn("mail of this sender", self.post(self.link(GROUP), {"action": "all"}).body.decode())
        self.assertEqual([each[0] for each in self.events()], ["group_unsubscribe", "unsubscribe"])

    def test_preferences(self) -> None:
        """Groups are left and joined again as they are checked; each change is one event."""
        link = self.link(PREFERENCES)
        text = self.text(link)
        self.assertIn("&lt;b&gt;Deals", text)
        self.assertEqual(text.count(" checked"), 2)
        self.assertIn("saved", self.post(link, {"action": "preferences", "group": [self.news]}).body.decode())
        self.assertEqual(self.left(), {self.deals})
        self.post(link, {"action": "preferences", "group": [self.news]})
        self.post(link, {"action": "preferences", "group": [self.news, self.deals, 999]})
        self.assertEqual(self.left(), set())
        self.post(link, {"action": "preferences", "group": [self.news, self.deals], "none": 1})
        self.assertEqual(self.lists(), {"unsubscribes"})
        self.post(link, {"action": "preferences", "group": [self.news, self.deals]})
        self.assertEqual(self.lists(), set())
        self.assertEqual([(kind, detail.get("asm_group_id")) for kind, detail in self.events()], [
            ("group_unsubscribe", self.deals), ("group_resubscribe", self.deals), ("unsubscribe", None)])

    def test_groups_to_display(self) -> None:
        """Only the groups that the request named are shown, and others are not touched."""
        link = self.link(PREFERENCES, self.mail(group_id=self.news, groups_to_display=[self.news]))
        self.assertNotIn("Deals", self.text(link))
        self.post(link, {"action": "preferences"})
        self.assertEqual(self.left(), {self.news})

    def test_strange_tokens(self) -> None:
        """An altered token, another purpose's, one of a mail that is forgotten: a page with 404, and nothing happens."""
        good = self.link(GROUP)
        paths = [good[:-1] + ("a" if good[-1] != "a" else "i"), "/t/u/x", "/t/u/" + "0" * 50, good[:-2], self.link(GROUP, Made("msg_" + "0" * 26, "x"))]
        for path in paths:
            self.assertEqual(self.reply("GET", path).status, 404)
            self.assertEqual(self.post(path, {"action": "unsubscribe"}).status, 404)
        with self.assertRaises(NotFound):
            self.post(paths[-1], ONE_CLICK)
        self.assertEqual((self.left(), self.lists(), self.events()), (set(), set(), []))

    def test_forms_work_without_scripts(self) -> None:
        """Each form posts to its own page by plain HTML."""
        text = self.text(self.link(GROUP))
        self.assertEqual(len(re.findall(r'<form method="post"><input type="hidden" name="action"', text)), 2)
