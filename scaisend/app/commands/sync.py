"""sync: mirrors the identity provider's partners, tenants, users and groups."""

import argparse
import sys
import time
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.progress import Progress
from scaisend.app.commands.session import add_options, print_json, print_table, with_adapters
from scaisend.app.provider import make_directory
from scaisend.http.outgoing import Outgoing
from scaisend.identity.provider_news import NOUNS
from scaisend.identity.sync_worker import Synced, SyncWorker

SHOWN = (*NOUNS, "deactivated", "passed_over", "roles")


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "sync", help="mirror the identity provider's partners, tenants, users and groups",
        description="Reads what changed at the identity provider since the last sync, and what is new in full. A sync that was interrupted within "
        "the last day goes on where it stopped. Exit code 0 when all was read, 3 when the provider or the database is away.",
    )
    add_options(parser)
    parser.add_argument("--full", action="store_true", help="read everything, and deactivate what has left the provider")
    parser.add_argument("--create-roles", action="store_true", help="make the default roles of every tenant that lacks them")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 when the mirror is as the provider's lists say."""
    progress = Progress()

    async def work(adapters: Adapters) -> Synced:
        outgoing = Outgoing(reactor=adapters.reactor, resolver=None)
        directory = make_directory(adapters.reactor, outgoing, adapters.config, progress.show)
        worker = SyncWorker(database=adapters.database, ids=adapters.ids, directory=directory, now_s=time.time, told=progress.show_count)
        try:
            return await worker.run(is_full=options.full, creates_roles=options.create_roles)
        finally:
            await outgoing.close()

    try:
        found = with_adapters(options, work, begins=True)
    finally:
        progress.end()
    counts = {name: found.counts.get(name, 0) for name in SHOWN}
    if options.json:
        print_json({**counts, "full": found.is_full, "resumed": found.is_resumed, "not_shown": list(found.unseen), "faults": list(found.faults)})
        return 0
    if found.is_resumed:
        print("went on where the last sync was interrupted")
    print_table([{"what": name.replace("_", " "), "count": count} for name, count in counts.items()], ("what", "count"))
    for noun in found.unseen:
        print(f"the identity provider does not show {noun} to this client", file=sys.stderr)
    for fault in found.faults:
        print(f"passed over: {fault}", file=sys.stderr)
    return 0
