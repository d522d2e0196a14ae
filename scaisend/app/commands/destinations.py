"""destinations: how the hosts of the world take our mail; pause, resume, flush, reroute, limits and warm-up."""

import argparse
import ipaddress
import time
from collections.abc import Awaitable, Callable
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import add_options, print_json, print_table, with_adapters
from scaisend.delivery import ordering, shaping_store
from scaisend.delivery.orders_api import plan_shape
from scaisend.delivery.orders_store import Who
from scaisend.delivery.overview import Json
from scaisend.delivery.warming import Plan, midnight, read_ceilings
from scaisend.faults import Invalid, NotFound
from scaisend.identity.audit_store import record_act
from scaisend.storage.database import Txn

CLI = Who("cli")
LISTED = ("name", "state", "waiting", "connections", "learned", "ordered", "last_reply")
CHANGED = ("happened_at", "source", "before", "after", "reason")
ARGUMENTS = {
    "name": "NAME", "most_connections": "--connections", "most_per_minute": "--per-minute", "route": "HOST[:PORT]", "reason": "--reason", "source": "ADDRESS",
    "ceilings*": "--ceilings",
}
Run = Callable[[argparse.Namespace], int]


def register(commands: Any) -> None:
    """Adds the command and its verbs; without one it lists."""
    parser = commands.add_parser(
        "destinations", help="how hosts take our mail; pause, resume, flush, reroute, limits, warm-up",
        description="Destinations are the MX sets that mail goes to. Every process that delivers follows an order within seconds.",
    )
    add_options(parser)
    parser.set_defaults(run=run_list, arguments=ARGUMENTS)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    _verb(verbs, "list", "destinations that are connected, waited for, left alone, limited or ordered", run_list)
    _named(verbs, "show", "one destination: state, uses, learned limits with the reasons of their changes, domains", run_show)
    _named(verbs, "pause", "begin nothing more for a domain or destination", run_pause).add_argument("--reason", metavar="TEXT", help="why")
    _named(verbs, "resume", "mail goes there again; what waits is due now", run_resume)
    _named(verbs, "flush", "forget what is known against it; what waits is due now", run_flush)
    route = _named(verbs, "reroute", "lead a domain's mail to another host, or with --off to its own again", run_reroute)
    where = route.add_mutually_exclusive_group(required=True)
    where.add_argument("route", nargs="?", metavar="HOST[:PORT]", help="the host that takes it instead of the domain's MX")
    where.add_argument("--off", action="store_true", help="to its own hosts again")
    route.add_argument("--reason", metavar="TEXT", help="why")
    limit = _named(verbs, "limit", "limits in place of what is learned; without options as learned again; NAME `*` is all others", run_limit)
    limit.add_argument("--connections", type=int, metavar="N", help="connections of all processes together")
    limit.add_argument("--per-minute", type=float, metavar="N", help="mails a minute of all processes together")
    limit.add_argument("--reason", metavar="TEXT", help="why")
    warm = _verb(verbs, "warmup", "plans of source addresses: list them, begin one, end one", run_warmup)
    warm.add_argument("source", nargs="?", metavar="ADDRESS", help="begin a plan for this source address today")
    warm.add_argument("--ceilings", metavar="N,N,…", help="mails a day, today first (default: the usual plan of 17 days)")
    warm.add_argument("--end", action="store_true", help="the address is warm: its plan ends")


def _verb(verbs: Any, name: str, sentence: str, run: Run) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=sentence, description=sentence[0].upper() + sentence[1:] + ".")
    add_options(parser)
    parser.set_defaults(run=run)
    return parser


def _named(verbs: Any, name: str, sentence: str, run: Run) -> argparse.ArgumentParser:
    parser = _verb(verbs, name, sentence, run)
    parser.add_argument("name", metavar="NAME", help="a domain, or a destination as the list shows it")
    return parser


def run_list(options: argparse.Namespace) -> int:
    """0."""
    found = with_adapters(options, lambda adapters: ordering.destinations(adapters.database, time.time()))
    if options.json:
        print_json(found)
    else:
        print_table([each | {"learned": _learned(each), "ordered": _ordered(each)} for each in found], LISTED)
    return 0


def run_show(options: argparse.Namespace) -> int:
    """0 when something is known of it, else 1."""
    found = with_adapters(options, lambda adapters: ordering.destination(adapters.database, options.name, time.time()))
    if options.json:
        print_json(found)
        return 0
    print(f"{found['name']}: {found['state']}" + (f" until {found['retry_at']}" if found["retry_at"] else ""))
    for label, text in (("last reply", found["last_reply"]), ("ordered", _ordered(found)), ("domains", " ".join(list(map(str, _list(found["domains"])))[:20]))):
        print(f"{label}: {text or '-'}")
    for title, rows, columns in (
        ("in use", [each | {"lanes": _lanes(each)} for each in _list(found["in_use"])], ("process", "state", "waiting", "connections", "lanes")),
        ("learned", _list(found["limits"]), ("source", "connections", "per_minute", "complained_at", "reason")),
        ("changes", _list(found["changes"]), CHANGED),
    ):
        print(f"\n{title}:")
        print_table(rows, columns)
    return 0


def run_pause(options: argparse.Namespace) -> int:
    """0."""
    return _act(options, lambda adapters: ordering.pause(adapters.database, options.name, options.reason, CLI, time.time()), "is paused")


def run_resume(options: argparse.Namespace) -> int:
    """0; 1 when it was not paused."""
    return _act(options, lambda adapters: ordering.resume(adapters.database, options.name, CLI, time.time()), "is resumed")


def run_flush(options: argparse.Namespace) -> int:
    """0."""
    return _act(options, lambda adapters: ordering.flush(adapters.database, options.name, CLI, time.time()), "is tried again now")


def run_reroute(options: argparse.Namespace) -> int:
    """0."""
    done = "goes to its own hosts" if options.off else f"goes to {options.route}"
    return _act(options, lambda adapters: ordering.reroute(adapters.database, options.name, options.route, options.reason, CLI, time.time()), done)


def run_limit(options: argparse.Namespace) -> int:
    """0."""
    done = "has these limits" if options.connections is not None or options.per_minute is not None else "has the limits that are learned"
    return _act(
        options,
        lambda adapters: ordering.limit(adapters.database, options.name, options.connections, options.per_minute, options.reason, CLI, time.time()), done,
    )


def run_warmup(options: argparse.Namespace) -> int:
    """0; 1 when no address is named for a change, it is not configured, or has no plan to end."""
    if not options.source and (options.end or options.ceilings is not None):
        raise Invalid("name the source address whose plan is meant", "source")
    if options.end and options.ceilings is not None:
        raise Invalid("a plan that ends has none", "ceilings")

    async def work(adapters: Adapters) -> list[Json]:
        if options.source:
            await adapters.database.run(_warm, _source(adapters, options.source, options.end), _ceilings(options.ceilings), options.end, time.time())
        return await adapters.database.run(_plans, time.time())

    found = with_adapters(options, work)
    if options.json:
        print_json(found)
    else:
        print_table(found, ("source", "day", "ceiling", "taken_today", "left_this_hour", "started_at"))
    return 0


def _act(options: argparse.Namespace, work: Callable[[Adapters], Awaitable[ordering.Ordered]], done: str) -> int:
    ordered = with_adapters(options, work)
    if options.json:
        print_json(ordered.shape())
    else:
        print(f"{ordered.order.name} {done}" + (f"; {ordered.hastened} recipients are due now" if ordered.hastened else ""))
    return 0


def _warm(txn: Txn, source: str, ceilings: tuple[int, ...], ends: bool, now: float) -> None:
    if ends and not shaping_store.drop_plan_across_tenants(txn, source):
        raise NotFound(f"{source} has no warm-up plan", "source")
    if not ends:
        shaping_store.keep_plan_across_tenants(txn, Plan(source, midnight(now), ceilings), now)
    record_act(
        txn, None, actor=CLI.actor, action="warmup.end" if ends else "warmup.begin", resource=source, change={} if ends else {"ceilings": ceilings},
        source=None, request_id=None, happened_at=now,
    )


def _plans(txn: Txn, now: float) -> list[Json]:
    return [plan_shape(txn, plan, now) for plan in shaping_store.plans_across_tenants(txn)]


def _source(adapters: Adapters, given: str, ends: bool) -> str:
    """The address as it is kept. Raises: Invalid; a plan may end after its address has left the settings."""
    try:
        address = str(ipaddress.ip_address(given))
    except ValueError:
        raise Invalid(f"{given!r} is not an IP address", "ADDRESS") from None
    configured = {part.partition("=")[0].strip().strip("[]") for part in adapters.config["SMTP_SOURCE_IPS"].split(",")}
    if not ends and address not in {str(ipaddress.ip_address(each)) for each in configured if each}:
        raise Invalid(f"{address} is not among the configured source addresses", "ADDRESS", "set it in SMTP_SOURCE_IPS")
    return address


def _ceilings(text: str | None) -> tuple[int, ...]:
    if text is None:
        return read_ceilings(None)
    return read_ceilings([int(part) if part.strip().isdigit() else part for part in text.split(",")])


def _learned(each: Json) -> str:
    return "; ".join(
        f"{limit['source']}: {limit['connections']} connections" + (f", {limit['per_minute']}/min" if limit["per_minute"] is not None else "")
        for limit in _list(each["limits"])
    )


def _ordered(each: Json) -> str:
    order = each["order"]
    if not isinstance(order, dict):
        return ""
    words = ["paused" if order["paused"] else "", f"to {order['route']}" if order["route"] else ""]
    words += [f"{order['most_connections']} connections" if order["most_connections"] else "", f"{order['most_per_minute']:g}/min" if order["most_per_minute"] else ""]
    return ", ".join(filter(None, words)) + (f" ({order['reason']})" if order["reason"] else "")


def _lanes(use: Json) -> str:
    return "; ".join(f"{each['source'] or 'system'} {each['connections']}/{each['most']} connections, {each['per_minute']:g}/min" for each in _list(use["lanes"]))


def _list(value: object) -> list[Json]:
    return value if isinstance(value, list) else []
