"""queue hold, release, fail: mail that may have been sent since a backup waits for the operator's word (docs/backup.md)."""

import argparse
import time
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import a_since, print_json, tenant_id_of, with_adapters
from scaisend.faults import NotFound, Unavailable
from scaisend.messages.actions import Act
from scaisend.messages.held_store import (
    GIVE_UP,
    RELEASE,
    decide_across_tenants,
    held_across_tenants,
    hold_messages_across_tenants,
    to_hold_across_tenants,
)
from scaisend.messages.search import is_message_id
from scaisend.messages.waiting_store import tenant_of_message_across_tenants
from scaisend.storage.queue import EMAIL_PROCESS, SMTP_DELIVER

ACTOR = "cli"
AT_ONCE = 200


def add_verbs(verb: Any, verbs: Any) -> None:
    """Adds hold, release and fail; `verb` makes a parser of a verb."""
    hold = verb(verbs, "hold", "mail that may have been sent since a backup is not sent again before an operator says so", run_hold)
    hold.add_argument(
        "--accepted-before", type=a_since, required=True, metavar="WHEN", help="the moment at which the old installation had stopped: 30m, unix seconds or ISO 8601"
    )
    for name, sentence, run in (
        ("release", "held mail is sent: who got it after the backup gets a copy", run_release),
        ("fail", "held mail is given up, and its tenants are told", run_fail),
    ):
        parser = verb(verbs, name, sentence, run)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("id", nargs="?", metavar="ID", help="id of a message")
        what.add_argument("--held", action="store_true", help="all that is held")


def run_hold(options: argparse.Namespace) -> int:
    """0."""

    async def work(adapters: Adapters) -> int:
        return await hold(adapters, options.accepted_before, await tenant_id_of(adapters, options))

    count = with_adapters(options, work)
    _say(options, "held", count, f"{count} recipients are held; `scaisend queue release` or `fail` decides")
    return 0


def run_release(options: argparse.Namespace) -> int:
    """0 when something was released, 1 when nothing was held."""
    count = _decided(options, RELEASE, "released by an operator")
    _say(options, "released", count, f"{count} recipients are sent to")
    return 0 if count else 1


def run_fail(options: argparse.Namespace) -> int:
    """0 when something was given up, 1 when nothing was held."""
    count = _decided(options, GIVE_UP, "given up by an operator: it may have been delivered after the backup")
    _say(options, "failed", count, f"{count} recipients are given up")
    return 0 if count else 1


def _decided(options: argparse.Namespace, act: Act, reason: str) -> int:
    async def work(adapters: Adapters) -> int:
        return await decide(adapters, act, reason, options.id, await tenant_id_of(adapters, options))

    return with_adapters(options, work)


async def hold(adapters: Adapters, before: float, tenant_id: str | None) -> int:
    """How many recipients are held now that were not. Ended in the middle, it goes on when it is called again."""
    count, after = 0, ""
    while True:
        found = await adapters.database.run(to_hold_across_tenants, before, tenant_id, after, AT_ONCE)
        if found:
            count += await adapters.database.run(hold_messages_across_tenants, adapters.ids, found, time.time())
            after = found[-1]
        if len(found) < AT_ONCE:
            return count


async def decide(adapters: Adapters, act: Act, reason: str, message_id: str | None, tenant_id: str | None) -> int:
    """How many held recipients the act took, of one message or of all. Raises: NotFound."""
    if message_id is not None:
        owner = await adapters.database.run(tenant_of_message_across_tenants, message_id) if is_message_id(message_id) else None
        if owner is None or tenant_id not in (None, owner):
            raise NotFound(f"there is no message {message_id!r}")
        return await _take(adapters, [(message_id, owner)], act, reason)
    count, after = 0, ""
    while True:
        found = await adapters.database.run(held_across_tenants, tenant_id, after, AT_ONCE)
        if found:
            count += await _take(adapters, found, act, reason)
            after = found[-1][0]
        if len(found) < AT_ONCE:
            return count


async def _take(adapters: Adapters, found: list[tuple[str, str]], act: Act, reason: str) -> int:
    acted = await adapters.database.run(decide_across_tenants, adapters.ids, found, act, reason, ACTOR, time.time())
    if adapters.has_queue_server:
        try:
            await adapters.queue.push(EMAIL_PROCESS, acted.render)
            await adapters.queue.push(SMTP_DELIVER, acted.deliver)
        except Unavailable:
            pass  # the sweep of the table finds them
    return acted.count


def _say(options: argparse.Namespace, word: str, count: int, sentence: str) -> None:
    if options.json:
        print_json({word: count})
    else:
        print(sentence)
