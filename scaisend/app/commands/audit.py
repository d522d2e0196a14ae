"""audit: proves of every accepted recipient that it ended exactly once or waits for a reason."""

import argparse
import time
from dataclasses import asdict
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import a_since, add_options, print_json, print_table, the_tenant, with_adapters
from scaisend.messages.ledger import Ledger, Violation, violations
from scaisend.messages.ledger_store import Period, entries_again_across_tenants, ledger_page_across_tenants
from scaisend.storage.database import Database

MOST_SHOWN = 1_000
AGAIN_AT_ONCE = 100


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "audit", help="check that no accepted mail was lost",
        description="Goes through the accepted messages and checks of every recipient that it ended exactly once, or waits for a reason. "
        "Exit code 1 when something is not so.",
    )
    add_options(parser, tenant=True)
    parser.add_argument("--since", type=a_since, default=0.0, metavar="WHEN", help="accepted since: 30m, 1h, 7d, unix seconds or ISO 8601 (default: all)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 when all is as it must be, 1 when not."""

    async def work(adapters: Adapters) -> dict[str, object]:
        tenant_id = (await the_tenant(adapters, options)).id if options.tenant else None
        return await audit(adapters.database, Period(options.since, tenant_id))

    result = with_adapters(options, work)
    if options.json:
        print_json(result)
    else:
        _print(result)
    return 1 if result["violation_count"] else 0


async def audit(database: Database, period: Period) -> dict[str, object]:
    """The sums of the period and what breaks a law, the first MOST_SHOWN in full."""
    ledger, found, count = Ledger(), list[Violation](), 0
    after: str | None = ""
    while after is not None:
        page = await database.read(ledger_page_across_tenants, period, after)
        ledger.add(page.entries)
        now = time.time()
        doubtful = [entry.message.id for entry in page.entries if violations(entry, now)]
        for start in range(0, len(doubtful), AGAIN_AT_ONCE):
            again = await database.run(entries_again_across_tenants, doubtful[start : start + AGAIN_AT_ONCE])
            certain = [each for entry in again for each in violations(entry, time.time())]
            count += len(certain)
            found += certain[: MOST_SHOWN - len(found)]
        after = page.after
    return {
        "accepted": ledger.accepted, "recipients": ledger.recipients, "outcomes": dict(sorted(ledger.outcomes.items())),
        "waiting": dict(sorted(ledger.waiting.items())), "copies": ledger.copies, "in_doubt": ledger.in_doubt,
        "violation_count": count, "violations": [asdict(each) for each in found],
    }


def _print(result: dict[str, Any]) -> None:
    print(f"accepted: {result['accepted']} messages, {result['recipients']} recipients")
    for name, title in (("outcomes", "by state"), ("waiting", "waiting, by reason")):
        print(f"{title}: " + (", ".join(f"{word} {count}" for word, count in result[name].items()) or "none"))
    print(f"sent again out of doubt: {result['copies']}; in doubt now: {result['in_doubt']}")
    if not result["violation_count"]:
        print("violations: none")
        return
    print(f"violations: {result['violation_count']}")
    print_table(result["violations"], ("message_id", "recipient_id", "what"))
