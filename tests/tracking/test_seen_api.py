import json
from urllib.parse import urlsplit

from twisted.internet.task import Clock

from scaisend.faults import Invalid, NotFound
from scaisend.http.route import Route
from scaisend.tracking import seen
from scaisend.tracking.personal import ALL_MAIL, CLICK, OPEN, placeholder, token
from scaisend.tracking.pixel import GIF
from scaisend.tracking.seen_api import SeenApi
from scaisend.tracking.seen_worker import AGAIN_S, MOST_WAITING, Sightings
from scaisend.tracking.targets import message_key, tracked_url
from scaisend.tracking.verdict import BURST_S
from tests.suppressions.routing import RoutedTestCase
from tests.world.inline_database import InlineDatabase
from tests.world.messages import Made, To, insert_message
from tests.world.tenants import NOW

KEY = b"k" * 32
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15"


class SeenTestCase(RoutedTestCase):
    """A delivered mail of two recipients; events are recorded when time passes."""

    def setUp(self) -> None:
        self.clock = Clock()
        super().setUp()
        self.made = self.database.now(
            insert_message, self.ids, self.tenant.id,
            [To(f"{each}@x.test", status="delivered", waiting=None, event="delivered") for each in "ab"], status="delivered",
        )

    def routes(self, database: InlineDatabase) -> list[Route]:
        self.sightings = Sightings(database=database, ids=self.ids, reactor=self.clock, now_s=lambda: self.at)
        return SeenApi(key=KEY, sightings=self.sightings).routes()

    def pixel(self, number: int = 0) -> str:
        return f"/t/o/{token(KEY, OPEN, self.made.id, number)}.gif"

    def link(self, target: str = "https://shop.test/?a=1&b=2", index: int = 0, number: int = 0, made: Made | None = None) -> str:
        message_id = (made or self.made).id
        return tracked_url("", message_key(KEY, message_id), index, target).replace(placeholder(CLICK), token(KEY, CLICK, message_id, number))

    def pass_time(self, seconds: float) -> None:
        while seconds > 0:
            self.at += 0.1
            self.clock.advance(0.1)
            seconds -= 0.1

    def events(self) -> list[tuple[str, str, dict[str, object]]]:
        self.pass_time(BURST_S + 1)
        rows = self.database.rows("SELECT recipient_id, type, detail FROM events WHERE type IN ('open', 'click') ORDER BY happened_at, seq")
        return [(row[0], row[1], json.loads(row[2])) for row in rows]


class OpenTests(SeenTestCase):
    def test_open(self) -> None:
        """A loaded pixel is an open of its recipient, with what loaded it; the mail's status stays."""
        self.reply("GET", self.pixel(1), user_agent=SAFARI)
        self.assertEqual(self.events(), [(
            self.made.recipients[1], "open", {"useragent": SAFARI, "ip": "192.0.2.7", "machine": False, "content_type": "html"},
        )])
        self.assertEqual(self.database.rows("SELECT DISTINCT status FROM recipients"), [("delivered",)])

    def test_always_the_same(self) -> None:
        """Bytes and headers tell nobody whether a token is real; what is not real is not recorded."""
        text = token(KEY, OPEN, self.made.id, 0)
        gone = token(KEY, OPEN, "msg_" + "0" * 26, 0)
        replies = [self.reply("GET", f"/t/o/{each}.gif") for each in (text, gone, text[:-1] + "z", "x", token(KEY, ALL_MAIL, self.made.id, 0), "é" * 50)]
        self.assertEqual((len(set(replies)), replies[0].status, replies[0].body, replies[0].content_type), (1, 200, GIF, "image/gif"))
        self.assertIn("no-store", dict(replies[0].headers)["Cache-Control"])
        self.assertEqual(len(self.events()), 1)

    def test_machines(self) -> None:
        """A machine's open is recorded as one, with the reason."""
        self.reply("GET", self.pixel(), user_agent="Mozilla/5.0")
        ((_, _, detail),) = self.events()
        self.assertEqual((detail["machine"], detail["machine_reason"]), (True, "apple-privacy"))

    def test_a_burst_shares_commits(self) -> None:
        """A thousand opens take a handful of transactions."""
        before = self.database.commits
        for _ in range(1_000):
            self.reply("GET", self.pixel(), user_agent=SAFARI)
        self.assertEqual(len(self.events()), 1_000)
        self.assertLess(self.database.commits - before, 12)

    def test_nobody_fills_the_database(self) -> None:
        """A message with more events than is sensible gets no more opens."""
        self.database.connection.execute("UPDATE messages SET event_seq = ?", (seen.MOST_EVENTS,))
        self.reply("GET", self.pixel())
        self.assertEqual(self.events(), [])


class ClickTests(SeenTestCase):
    def test_click(self) -> None:
        """A link leads to its target and is a click of its recipient."""
        reply = self.reply("GET", self.link(index=3, number=1), user_agent=SAFARI)
        self.assertEqual((reply.status, dict(reply.headers)["Location"]), (302, "https://shop.test/?a=1&b=2"))
        self.assertEqual(self.events(), [(self.made.recipients[1], "click", {
            "useragent": SAFARI, "ip": "192.0.2.7", "machine": False, "url": "https://shop.test/?a=1&b=2", "url_offset": {"index": 3, "type": "html"},
        })])

    def test_no_open_redirector(self) -> None:
        """An unknown token is 404, an altered or absent target 400, and neither is recorded."""
        path = urlsplit(self.link()).path
        for target in (f"/t/c/x{path[6:]}?u=https://shop.test/", "/t/c/x?u=https://evil.test/", path[:-1] + "-?u=https://evil.test", path[:50] + "?u=https://evil.test"):
            self.assertRaises(NotFound, self.reply, "GET", target)
        for query in ("", "?u=", "?u=https://evil.test/", "?u=https://shop.test/?a=1%26b=3", "?u=https://evil.test/&u=https://shop.test/?a=1%26b=2", "?v=1"):
            self.assertRaises(Invalid, self.reply, "GET", path + query)
        self.assertEqual(self.events(), [])

    def test_headers_stay_whole(self) -> None:
        """Whatever a target holds, Location is one line of ASCII; what is no web address leads nowhere though it is signed."""
        reply = self.reply("GET", self.link("https://ü.test/a\r\nSet-Cookie: x=ü"))
        self.assertEqual(dict(reply.headers)["Location"], "https://xn--tda.test/a%0D%0ASet-Cookie:%20x=%C3%BC")
        self.assertRaises(Invalid, self.reply, "GET", self.link("javascript:alert(1)"))

    def test_scanner(self) -> None:
        """Who follows all links at once is a machine for each of them; who follows one is none."""
        for index in range(3):
            self.reply("GET", self.link(index=index), user_agent=SAFARI)
            self.pass_time(0.3)
        self.reply("GET", self.link(index=1, number=1), user_agent=SAFARI)
        found = self.events()
        self.assertEqual([each[2].get("machine_reason") for each in found if each[0] == self.made.recipients[0]], ["scanner"] * 3)
        self.assertEqual([each[2]["machine"] for each in found if each[0] == self.made.recipients[1]], [False])

    def test_scanner_of_several_doors(self) -> None:
        """Clicks that another process recorded count as well."""
        for index in range(4):
            self.reply("GET", self.link(index=index), user_agent=SAFARI)
            if index == 1:
                self.pass_time(BURST_S - 1)
                self.sightings._take_clicks(everything=True)
        self.assertEqual([each[2]["machine"] for each in self.events()][2:], [True, True])


class OutageTests(SeenTestCase):
    def test_answers_without_the_database(self) -> None:
        """While the database is away pixels and links work; what they tell is recorded afterwards."""
        self.database.away = True
        self.assertEqual(self.reply("GET", self.pixel()).status, 200)
        self.assertEqual(self.reply("GET", self.link()).status, 302)
        self.pass_time(10)
        self.assertEqual(self.sightings.waiting, 2)
        self.database.away = False
        self.pass_time(AGAIN_S + 1)
        self.assertEqual(({each[1] for each in self.events()}, self.sightings.waiting), ({"open", "click"}, 0))

    def test_memory_is_bounded(self) -> None:
        """What comes when too much waits is forgotten."""
        self.database.away = True
        for _ in range(MOST_WAITING + 5):
            self.reply("GET", self.link())
        self.assertEqual(self.sightings.waiting, MOST_WAITING)

    def test_stop(self) -> None:
        """A process that stops records what it holds, clicks that are still looked at as well; without a database it ends all the same."""
        from twisted.internet.defer import ensureDeferred

        self.reply("GET", self.link())
        stopped = ensureDeferred(self.sightings.stop(5))
        self.pass_time(1)
        self.successResultOf(stopped)
        self.assertEqual(self.database.rows("SELECT COUNT(*) FROM events WHERE type = 'click'"), [(1,)])
        self.database.away = True
        self.reply("GET", self.pixel())
        stopped = ensureDeferred(self.sightings.stop(2))
        self.pass_time(3)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.at >= NOW, True)
