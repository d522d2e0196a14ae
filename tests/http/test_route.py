from scaisend.http.call import Call
from scaisend.http.reply import Reply, no_content
from scaisend.http.route import Route, delete, get, patch, post, put
from tests.base import PlainTestCase


async def nothing(call: Call) -> Reply:
    return no_content()


class RouteTest(PlainTestCase):
    def test_each_method_has_its_maker(self) -> None:
        """A route is made by the function of its method, and takes everything else by name."""
        for maker, method in ((get, "GET"), (post, "POST"), (put, "PUT"), (patch, "PATCH"), (delete, "DELETE")):
            route = maker("/v3/things/<thing>", nothing, permission="admin.settings", body_limit=5)
            self.assertEqual((route.method, route.permission, route.body_limit, route.limit), (method, "admin.settings", 5, "default"))

    def test_what_cannot_be_served_is_refused_at_once(self) -> None:
        """An unknown limit, a path without its slash, and a hot path with parameters are errors of whoever wrote the route."""
        for wrong in ({"limit": "many"}, {"path": "v3"}, {"path": "/v3/<id>", "hot": True}):
            with self.assertRaises(ValueError):
                Route(**{"method": "GET", "path": "/v3", "call": nothing, **wrong})  # type: ignore[arg-type]
