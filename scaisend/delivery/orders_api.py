"""/api/admin/destinations: state, pause, resume, flush, reroute and limits of destinations; /api/admin/warmups: plans of source addresses.

Destinations are shared by all tenants, so only the operator of an installation with several sees and orders them.
"""

import ipaddress
from collections.abc import Sequence

from scaisend.delivery import ordering, shaping_store
from scaisend.delivery.orders import LONGEST_REASON
from scaisend.delivery.orders_store import Who
from scaisend.delivery.overview import Json
from scaisend.delivery.warming import HOUR_S, Plan, midnight, read_ceilings
from scaisend.faults import Fault, Forbidden, Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.paging import cursor, read_cursor, whole
from scaisend.http.reply import Reply, data_reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, post, put
from scaisend.identity.administration import record
from scaisend.identity.people_store import tenants
from scaisend.identity.reach import ABOVE, sees_all
from scaisend.messages.moments import iso
from scaisend.shape import Reader
from scaisend.storage.database import Database, Txn

ALL, ONE = "/api/admin/destinations", "/api/admin/destinations/<name>"
WARMUPS, WARMUP = "/api/admin/warmups", "/api/admin/warmups/<source>"
MAY = ("admin.settings", ABOVE)


class DestinationsApi:
    """What an operator does with destinations. `addresses` are those of SMTP_SOURCE_IPS."""

    def __init__(self, *, database: Database, addresses: Sequence[str] = ()) -> None:
        self._database = database
        self._addresses = frozenset(addresses)

    def routes(self) -> list[Route]:
        return [
            get(ALL, self.show_all, permission=MAY, summary="Destinations: state, uses, learned limits, orders"),
            get(ONE, self.show, permission=MAY, summary="One destination, with the changes of its limits and its domains"),
            post(f"{ONE}/pause", self.pause, permission=MAY, summary="Begin nothing more for a domain or destination"),
            post(f"{ONE}/resume", self.resume, permission=MAY, summary="Mail goes to it again; what waits is due now"),
            post(f"{ONE}/flush", self.flush, permission=MAY, summary="Forget what is known against it; what waits is due now"),
            post(f"{ONE}/reroute", self.reroute, permission=MAY, summary="Lead a domain's mail to another host, or to its own again"),
            post(f"{ONE}/limits", self.limits, permission=MAY, summary="Set limits in place of what is learned, or take them back"),
            get(WARMUPS, self.plans, permission=MAY, summary="Warm-up plans of source addresses"),
            put(WARMUP, self.keep_plan, permission=MAY, summary="Warm a source address up, from today on"),
            delete(WARMUP, self.drop_plan, permission=MAY, summary="End a warm-up: the address is warm"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """By name, `limit` (500) a page; `next` is the `cursor` of the following one."""
        most = whole(call, "limit", least=1, most=1_000, default=500)
        given = call.one("cursor")
        after = str(read_cursor(given, (str,), field="cursor")[0]) if given else ""
        await self._database.run(only_operator, call)
        found = [each for each in await ordering.destinations(self._database, call.now_s) if str(each["name"]) > after]
        following = cursor([str(found[most - 1]["name"])]) if len(found) > most else None
        return json_reply({"data": found[:most], "next": following})

    async def show(self, call: Call) -> Reply:
        """One destination. Raises: NotFound when nothing is known of it."""
        await self._database.run(only_operator, call)
        return data_reply(await ordering.destination(self._database, call.path["name"], call.now_s))

    async def pause(self, call: Call) -> Reply:
        """The order; `reason` may be given. Every process follows within seconds."""
        reason = _reason(_body(call, "reason"))
        return data_reply((await ordering.pause(self._database, call.path["name"], reason, await self._who(call), call.now_s)).shape())

    async def resume(self, call: Call) -> Reply:
        """The order, and how many recipients became due. Raises: NotFound when it was not paused."""
        _body(call)
        return data_reply((await ordering.resume(self._database, call.path["name"], await self._who(call), call.now_s)).shape())

    async def flush(self, call: Call) -> Reply:
        """The order, and how many recipients became due."""
        _body(call)
        return data_reply((await ordering.flush(self._database, call.path["name"], await self._who(call), call.now_s)).shape())

    async def reroute(self, call: Call) -> Reply:
        """`route` is `host[:port]`, or null: to the domain's own hosts again."""
        given = _body(call, "route", "reason")
        route = given.get("route")
        if "route" not in given or not (route is None or isinstance(route, str)):
            raise Invalid("must be `host`, `host:port` or null", "route")
        who = await self._who(call)
        return data_reply((await ordering.reroute(self._database, call.path["name"], route, _reason(given), who, call.now_s)).shape())

    async def limits(self, call: Call) -> Reply:
        """`most_connections`, `most_per_minute`: of all processes together; null or absent: as learned."""
        given = _body(call, "most_connections", "most_per_minute", "reason")
        who = await self._who(call)
        return data_reply((await ordering.limit(
            self._database, call.path["name"], given.get("most_connections"), given.get("most_per_minute"), _reason(given), who, call.now_s,
        )).shape())

    async def plans(self, call: Call) -> Reply:
        """The plans, by address, with what today has used and leaves."""
        return data_reply(await self._database.run(_plans, call))

    async def keep_plan(self, call: Call) -> Reply:
        """`ceilings`: mails a day, first day (today) first; absent: the usual plan. Raises: Invalid."""
        ceilings = read_ceilings(_body(call, "ceilings").get("ceilings"))
        return data_reply(await self._database.run(_keep_plan, call, Plan(self._source(call), midnight(call.now_s), ceilings)))

    async def drop_plan(self, call: Call) -> Reply:
        """204. Raises: NotFound when the address has no plan."""
        await self._database.run(_drop_plan, call, self._source(call))
        return no_content()

    def _source(self, call: Call) -> str:
        given = call.path["source"]
        try:
            address = str(ipaddress.ip_address(given))
        except ValueError:
            raise Invalid("not an IP address", "source") from None
        if address not in self._addresses:
            raise Invalid(f"{address} is not among the configured source addresses", "source", "the operator sets them in SMTP_SOURCE_IPS")
        return address

    async def _who(self, call: Call) -> Who:
        await self._database.run(only_operator, call)
        return Who(call.caller.user_id or call.caller.credential_id, None, call.remote or None, call.request_id or None)


def only_operator(txn: Txn, call: Call) -> None:
    """The caller may order what all tenants share. Raises: Forbidden."""
    if call.caller.permissions.isdisjoint(MAY):
        raise Forbidden("access forbidden")
    if not sees_all(call.caller) and len(tenants(txn, most=2)) > 1:
        raise Forbidden("access forbidden: destinations are shared by several tenants", help="the operator of this service sees them")


def _body(call: Call, *known: str) -> Json:
    """The body's object, which may be missing. Raises: Invalid for fields that are not known."""
    if not call.body:
        return {}
    faults: list[Fault] = []
    given = call.json()
    Reader(given, faults)
    if isinstance(given, dict):
        faults += [Fault(f"{str(name)[:60]} is not a field of this", str(name)[:60]) for name in given if name not in known]
    if faults or not isinstance(given, dict):
        raise Invalid(faults)
    return given


def _reason(given: Json) -> str | None:
    reason = given.get("reason")
    if reason is not None and (not isinstance(reason, str) or len(reason) > LONGEST_REASON or not reason.isprintable()):
        raise Invalid(f"must be at most {LONGEST_REASON} printable characters", "reason")
    return reason


def _plans(txn: Txn, call: Call) -> list[Json]:
    only_operator(txn, call)
    return [plan_shape(txn, plan, call.now_s) for plan in shaping_store.plans_across_tenants(txn)]


def _keep_plan(txn: Txn, call: Call, plan: Plan) -> Json:
    only_operator(txn, call)
    shaping_store.keep_plan_across_tenants(txn, plan, call.now_s)
    record(txn, call, None, action="warmup.begin", resource=plan.source, change={"ceilings": plan.ceilings})
    return plan_shape(txn, plan, call.now_s)


def _drop_plan(txn: Txn, call: Call, source: str) -> None:
    only_operator(txn, call)
    if not shaping_store.drop_plan_across_tenants(txn, source):
        raise NotFound(f"{source} has no warm-up plan", "source")
    record(txn, call, None, action="warmup.end", resource=source, change={})


def plan_shape(txn: Txn, plan: Plan, now: float) -> Json:
    """The plan, and what today used of it; `ceiling` null: the address is warm."""
    hour = int(now // HOUR_S)
    taken = shaping_store.taken_across_tenants(txn, plan.source, hour - hour % 24)
    return {
        "source": plan.source, "started_at": iso(plan.started_at), "day": int((now - plan.started_at) // 86_400) + 1, "ceiling": plan.ceiling(now),
        "taken_today": sum(taken.values()), "left_this_hour": plan.left(taken, now), "ceilings": list(plan.ceilings),
    }
