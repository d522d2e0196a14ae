from scaisend.app.unsupported_api import TABLE, UnsupportedApi, is_unsupported
from scaisend.http.route import Route
from tests.world.inline_database import InlineDatabase
from tests.world.routed import RoutedTestCase


class UnsupportedApiTests(RoutedTestCase):
    def routes(self, database: InlineDatabase) -> list[Route]:
        return UnsupportedApi().routes()

    def test_refusals(self) -> None:
        """A 404 in SendGrid's form that says why, at any depth; never a 5xx, which would be tried again."""
        for method, path in (("GET", "/v3/subusers/stats"), ("PUT", "/v3/subusers/jane/credits"), ("GET", "/v3/marketing/lists/1/contacts"), ("DELETE", "/v3/campaigns/1")):
            status, body = self.ask(method, path)
            self.assertEqual((status, body["errors"][0]["message"], body["errors"][0]["field"]), (404, "not offered by this service", None))
            self.assertIn(body["errors"][0]["help"], {each.reason for each in TABLE})

    def test_lists_that_are_empty_here(self) -> None:
        """What programs only read on their way is answered truly."""
        self.assertEqual(self.ask("GET", "/v3/teammates"), (200, {"result": []}))
        self.assertEqual({is_unsupported(each) for each in self.routes(self.database) if each.path == "/v3/teammates"}, {True, False})
