"""queue: what waits and why, what stands first, and putting mails back into their queue."""

import argparse
import time
from collections.abc import Callable
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.holding import add_verbs
from scaisend.app.commands.session import a_since, add_options, print_json, print_table, tenant_id_of, with_adapters
from scaisend.faults import Conflict, NotFound, Unavailable
from scaisend.messages.actions import REQUEUE, RETRY, Act
from scaisend.messages.actions_store import Acted, act_on
from scaisend.messages.depths_store import depths_across_tenants
from scaisend.messages.moments import iso
from scaisend.messages.search import is_message_id
from scaisend.messages.waiting import REASONS
from scaisend.messages.waiting_store import (
    failed_across_tenants,
    first_across_tenants,
    reasons_across_tenants,
    tenant_of_message_across_tenants,
)
from scaisend.storage.queue import EMAIL_PROCESS, QUEUES, SMTP_DELIVER

ACTOR = "cli"
FAILED_AT_ONCE = 500
MOST_PEEKED = 10_000


def register(commands: Any) -> None:
    """Adds the command and its verbs; without one it shows the depths."""
    parser = commands.add_parser("queue", help="what waits, why, and how to put it back", description="The queues of this installation.")
    add_options(parser)
    parser.set_defaults(run=run_depths)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    _verb(verbs, "depths", "how much waits in each queue, and for how long", run_depths, tenant=False)
    _verb(verbs, "why", "recipients by the reason for which they wait", run_why)
    peek = _verb(verbs, "peek", "what is due first", run_peek)
    peek.add_argument("queue", choices=QUEUES, metavar="QUEUE", help=", ".join(QUEUES))
    peek.add_argument("--limit", type=_a_limit, default=20, metavar="N", help="how many (default 20)")
    requeue = _verb(
        verbs, "requeue", "try again now what failed, is deferred, or is in doubt: the last may make a copy", run_requeue
    )
    what = requeue.add_mutually_exclusive_group(required=True)
    what.add_argument("id", nargs="?", metavar="ID", help="id of a message, or of one of its recipients")
    what.add_argument("--failed", action="store_true", help="all that failed")
    requeue.add_argument("--since", type=a_since, metavar="WHEN", help="with --failed: since 30m, 1h, 7d, unix seconds or ISO 8601 (default 1h)")
    add_verbs(_verb, verbs)


def _verb(verbs: Any, name: str, sentence: str, run: Callable[[argparse.Namespace], int], *, tenant: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=sentence, description=sentence.capitalize() + ".")
    add_options(parser, tenant=tenant)
    parser.set_defaults(run=run)
    return parser


def run_depths(options: argparse.Namespace) -> int:
    """0."""
    found = with_adapters(options, depths)
    if options.json:
        print_json(found)
        return 0
    print_table(found["queues"], ("queue", "waiting", "later", "oldest_age_s", "in_queue", "in_flight"))
    print("recipients: " + ", ".join(f"{state} {count}" for state, count in found["recipients"].items()))
    return 0


async def depths(adapters: Adapters) -> dict[str, Any]:
    """For each queue what the database has due, and what the queue server holds; null without one, and while it is away."""
    now = time.time()
    found = await adapters.database.read(depths_across_tenants, now)
    rows = []
    for name in QUEUES:
        oldest = found.oldest_at[name]
        row: dict[str, object] = {
            "queue": name, "waiting": found.due[name], "later": found.later[name],
            "oldest_age_s": round(max(0.0, now - oldest), 1) if oldest and found.due[name] else 0.0, "in_queue": None, "in_flight": None,
        }
        if adapters.has_queue_server:
            try:
                held = await adapters.queue.depth(name)
            except Unavailable:
                pass
            else:
                row |= {"in_queue": held.waiting, "in_flight": held.in_flight}
        rows.append(row)
    return {"queues": rows, "recipients": found.recipients}


def run_why(options: argparse.Namespace) -> int:
    """0."""

    async def work(adapters: Adapters) -> list[dict[str, object]]:
        found = await adapters.database.read(reasons_across_tenants, await tenant_id_of(adapters, options))
        return [
            {"tenant_id": each.tenant_id, "reason": each.reason, "count": each.count, "next_at": iso(each.next_at), "meaning": REASONS.get(each.reason, "")}
            for each in found
        ]

    return _show(options, with_adapters(options, work), ("tenant_id", "reason", "count", "next_at", "meaning"))


def run_peek(options: argparse.Namespace) -> int:
    """0."""

    async def work(adapters: Adapters) -> list[dict[str, object]]:
        tenant_id = await tenant_id_of(adapters, options)
        found = await adapters.database.read(first_across_tenants, options.queue, tenant_id, options.limit)
        return [
            {"id": each.id, "tenant_id": each.tenant_id, "status": each.status, "why": each.why, "due_at": iso(each.due_at)} for each in found
        ]

    return _show(options, with_adapters(options, work), ("id", "tenant_id", "status", "why", "due_at"))


def run_requeue(options: argparse.Namespace) -> int:
    """0 when something was put back, 1 when there was nothing to put back."""
    async def work(adapters: Adapters) -> int:
        tenant_id = await tenant_id_of(adapters, options)
        if options.id:
            return await requeue(adapters, options.id, tenant_id)
        return await requeue_failed(adapters, options.since if options.since is not None else time.time() - 3_600, tenant_id)

    count = with_adapters(options, work)
    if options.json:
        print_json({"requeued": count})
    else:
        print(f"{count} recipients are tried again")
    return 0 if count else 1


async def requeue(adapters: Adapters, given: str, tenant_id: str | None) -> int:
    """How many recipients of the message, or the one named, are tried again. Raises: NotFound; Conflict when none may be."""
    message_id, dot, _ = given.partition(".")
    owner = await adapters.database.run(tenant_of_message_across_tenants, message_id) if is_message_id(message_id) else None
    if owner is None or tenant_id not in (None, owner):
        raise NotFound(f"there is no message {given!r}")
    acted = await _again(adapters, owner, message_id, REQUEUE, given if dot else None)
    if acted is None:
        raise NotFound(f"there is no recipient {given!r}")
    return acted.count


async def requeue_failed(adapters: Adapters, since: float, tenant_id: str | None) -> int:
    """How many recipients that failed since the moment are tried again."""
    count, after = 0, ""
    while True:
        found = await adapters.database.run(failed_across_tenants, since, tenant_id, after, FAILED_AT_ONCE)
        for each in found:
            try:
                acted = await _again(adapters, each.tenant_id, each.id, RETRY, None)
            except Conflict:
                continue
            count += acted.count if acted else 0
        if len(found) < FAILED_AT_ONCE:
            return count
        after = found[-1].id


async def _again(adapters: Adapters, tenant_id: str, message_id: str, act: Act, recipient_id: str | None) -> Acted | None:
    acted = await adapters.database.run(
        act_on, tenant_id, adapters.ids, message_id, act, reason="put back by an operator", by=ACTOR, now=time.time(), recipient_id=recipient_id
    )
    if acted is not None and adapters.has_queue_server:
        try:
            await adapters.queue.push(EMAIL_PROCESS, acted.render)
            await adapters.queue.push(SMTP_DELIVER, acted.deliver)
        except Unavailable:
            pass  # the sweep of the table finds them
    return acted


def _a_limit(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) <= MOST_PEEKED:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST_PEEKED}")


def _show(options: argparse.Namespace, rows: list[dict[str, object]], columns: tuple[str, ...]) -> int:
    if options.json:
        print_json(rows)
    else:
        print_table(rows, columns)
    return 0
