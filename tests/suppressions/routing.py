"""Calls the suppression endpoints as a client would: by method and path, through the table of routes."""

import json
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from twisted.internet.task import Clock
from twisted.logger import Logger

from scaisend.http.call import Call
from scaisend.http.reply import Reply
from scaisend.http.route import Route
from scaisend.http.site import HttpSite
from tests.base import PlainTestCase
from tests.world.inline_database import InlineDatabase, inline_database
from tests.world.tenants import NOW, caller_with, id_maker, make_a_key, make_a_tenant, now


class RoutedTestCase(PlainTestCase):
    """Two tenants, and `ask`, which finds the route of a path and calls it."""

    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.ids = id_maker()
        self.tenant, self.other = make_a_tenant(self.database, self.ids), make_a_tenant(self.database, self.ids, "Other")
        self.callers = {
            each.id: caller_with(self.database, make_a_key(self.database, self.ids, each.id, ("suppressions.write",)))
            for each in (self.tenant, self.other)
        }
        self.at = NOW
        self.site = HttpSite(
            self.routes(self.database), door=cast(Any, None), reactor=Clock(), access_log=False, idle_timeout=60, proxies=(), log=Logger()
        )

    def routes(self, database: InlineDatabase) -> list[Route]:
        raise AssertionError("each test case names its routes")

    def reply(self, method: str, target: str, body: object = None, *, tenant: str = "", **headers: str) -> Reply:
        """The reply itself. Raises: the refusal."""
        parts = urlsplit(target)
        route, values, refusal = self.site.find(method.encode(), parts.path.encode())
        if route is None:
            assert refusal is not None
            return refusal
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        call = Call(
            caller=self.callers[tenant or self.tenant.id], path={name: str(value) for name, value in values.items()},
            query=parse_qs(parts.query, keep_blank_values=True), headers={name.replace("_", "-"): value for name, value in headers.items()},
            body=content, now_s=self.at, remote="192.0.2.7", request_id="req_1",
        )
        return now(self, route.call(call))

    def ask(self, method: str, target: str, body: object = None, *, tenant: str = "", **headers: str) -> tuple[int, Any]:
        """Status and JSON. Raises: the refusal."""
        reply = self.reply(method, target, body, tenant=tenant, **headers)
        return reply.status, json.loads(reply.body) if reply.body else None
