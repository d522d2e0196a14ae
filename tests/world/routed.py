"""Calls endpoints as a client would, by method and path through a table of routes, on an inline database with two tenants."""

import json
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from twisted.internet.task import Clock
from twisted.logger import Logger

from scaisend.faults import Forbidden, ScaiSendError
from scaisend.http.call import NOBODY, Call
from scaisend.http.door import may
from scaisend.http.reply import refusal_reply
from scaisend.http.route import Route
from scaisend.http.site import HttpSite
from tests.base import PlainTestCase
from tests.world.inline_database import InlineDatabase, inline_database
from tests.world.tenants import NOW, caller_with, id_maker, make_a_key, make_a_tenant, now


class RoutedTestCase(PlainTestCase):
    """`self.tenant` and `self.other` have a key each, with `scopes`; refusals are answers, as at the door."""

    scopes: tuple[str, ...] = ()

    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids, self.at = inline_database(), id_maker(), NOW
        self.tenant, self.other = make_a_tenant(self.database, self.ids), make_a_tenant(self.database, self.ids, "Other")
        self.callers = {each.id: self.caller(each.id, *self.scopes) for each in (self.tenant, self.other)}
        self.site = HttpSite(
            self.routes(self.database), door=cast(Any, None), reactor=Clock(), access_log=False, idle_timeout=60, proxies=(), log=Logger()
        )

    def routes(self, database: InlineDatabase) -> list[Route]:
        raise AssertionError("each test case names its routes")

    def caller(self, tenant_id: str, *scopes: str) -> Any:
        return caller_with(self.database, make_a_key(self.database, self.ids, tenant_id, scopes))

    def ask(self, method: str, target: str, body: object = None, *, tenant: str = "", caller: Any = None, headers: Any = None) -> tuple[int, Any]:
        """Status and JSON (or text)."""
        parts = urlsplit(target)
        route, values, refusal = self.site.find(method.encode(), parts.path.encode())
        if route is None:
            assert refusal is not None
            return refusal.status, json.loads(refusal.body)
        who = NOBODY if route.public else caller or self.callers[tenant or self.tenant.id]
        call = Call(
            caller=who, path={name: str(value) for name, value in values.items()}, query=parse_qs(parts.query, keep_blank_values=True), headers=headers or {},
            body=b"" if body is None else json.dumps(body).encode(), now_s=self.at, remote="192.0.2.7", request_id="req_1",
        )
        try:
            if route.permission is not None and not may(who, route.permission):
                raise Forbidden("access forbidden")
            reply = now(self, route.call(call))
        except ScaiSendError as error:
            reply = refusal_reply(error)
        is_json = reply.body and reply.content_type == "application/json"
        return reply.status, json.loads(reply.body) if is_json else reply.body.decode()

    def fields(self, answer: tuple[int, Any]) -> list[str | None]:
        """The fields of a refusal with status 400."""
        self.assertEqual(answer[0], 400, answer)
        return [each["field"] for each in answer[1]["errors"]]
