import json

from scaisend.http.route import Route
from scaisend.identity.mirror_store import PARTNERS, TENANTS, News, mirror_across_tenants
from scaisend.identity.provider_events import sign
from scaisend.identity.scaikey_api import ScaikeyApi
from tests.world.inline_database import InlineDatabase
from tests.world.routed import RoutedTestCase
from tests.world.tenants import NOW

SECRET = "whs"
EVENT = {"event_id": "e1", "event_type": "user.created", "timestamp": NOW, "tenant_id": "t1", "data": {"id": "u1", "email": "u@example.org"}}


class ScaikeyApiTests(RoutedTestCase):
    secret = SECRET

    def routes(self, database: InlineDatabase) -> list[Route]:
        return ScaikeyApi(database=database, ids=self.ids, secret=self.secret, client_id="ours").routes()

    def setUp(self) -> None:
        super().setUp()
        partner = self.database.now(mirror_across_tenants, self.ids, PARTNERS, News("p1", 1.0, {"name": "P"}), now_s=NOW)
        self.database.now(mirror_across_tenants, self.ids, TENANTS, News("t1", 1.0, {"name": "T", "partner_id": partner}), now_s=NOW)

    def bring(self, event: object, *, header: str | None = None, at: float = NOW) -> tuple[int, object]:
        raw = json.dumps(event).encode()
        signed = header if header is not None else sign(SECRET, raw, int(at))
        return self.ask("POST", "/webhooks/scaikey", event, headers={"x-scaikey-signature": signed})

    def users(self) -> list[tuple[object, ...]]:
        return self.database.rows("SELECT external_id, status FROM users")

    def test_an_event_is_applied_once(self) -> None:
        """200, and 409 when it comes again, newly signed or not."""
        self.assertEqual(self.bring(EVENT), (200, {"status": "applied"}))
        for at in (NOW, NOW + 5):
            status, answer = self.bring(EVENT, at=at)
            self.assertEqual((status, answer["errors"][0]["field"]), (409, "event_id"))  # type: ignore[index]
        self.assertEqual(self.users(), [("u1", "active")])

    def test_what_is_not_signed_well_is_refused(self) -> None:
        """401 for no signature, a wrong one, an old one, one from the future; nothing happens."""
        raw = json.dumps(EVENT).encode()
        for header in ("", "t=1", sign("other", raw, int(NOW)), sign(SECRET, raw + b" ", int(NOW)), sign(SECRET, raw, int(NOW) - 301), sign(SECRET, raw, int(NOW) + 301)):
            self.assertEqual(self.bring(EVENT, header=header)[0], 401)
        self.assertEqual(self.users(), [])

    def test_clocks_may_differ(self) -> None:
        """By up to five minutes."""
        for number, at in enumerate((NOW - 299, NOW + 299)):
            self.assertEqual(self.bring({**EVENT, "event_id": f"e{number}"}, at=at)[0], 200)

    def test_unknown_events_are_ignored(self) -> None:
        """200, again and again."""
        for kind in ("user.promoted", "billing.paid", "user.promoted"):
            self.assertEqual(self.bring({**EVENT, "event_type": kind}), (200, {"status": "ignored"}))

    def test_what_cannot_be_read(self) -> None:
        """400 with the fields; the event may be brought again once it is right."""
        self.assertEqual(self.fields(self.bring({**EVENT, "data": {"id": "é"}})), ["data.id"])
        self.assertEqual(self.fields(self.bring([1])), [None, "event_type", "event_id", "timestamp"])
        self.assertEqual(self.bring(EVENT)[0], 200)

    def test_too_early(self) -> None:
        """503 for a user of a tenant that nobody told of, so that the provider tries again; later it is taken."""
        early = {**EVENT, "tenant_id": "t9"}
        self.assertEqual(self.bring(early)[0], 503)
        self.assertEqual(self.bring({**EVENT, "event_id": "e0", "event_type": "tenant.created", "tenant_id": None, "partner_id": "p1", "data": {"id": "t9"}})[0], 200)
        self.assertEqual(self.bring(early)[0], 200)

    def test_while_the_database_is_away_nothing_is_taken(self) -> None:
        """503; the same event counts afterwards. One whose commit was not heard of was taken, and is told so."""
        self.database.away = True
        self.assertEqual(self.bring(EVENT)[0], 503)
        self.database.away = False
        self.database.lost_commits = 1
        self.assertEqual([self.bring(EVENT)[0] for _ in range(2)], [503, 409])
        self.assertEqual(self.users(), [("u1", "active")])


class WithoutProviderTests(RoutedTestCase):
    def routes(self, database: InlineDatabase) -> list[Route]:
        return ScaikeyApi(database=database, ids=self.ids, secret="", client_id="").routes()

    def test_nobody_is_heard(self) -> None:
        """404: an empty secret signs nothing."""
        raw = json.dumps(EVENT).encode()
        answer = self.ask("POST", "/webhooks/scaikey", EVENT, headers={"x-scaikey-signature": sign("", raw, int(NOW))})
        self.assertEqual(answer[0], 404)
