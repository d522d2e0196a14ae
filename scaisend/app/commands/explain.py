"""explain: why a mail has not arrived."""

import argparse
import time
from typing import Any

from scaisend.address import is_valid
from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import add_options, print_json, the_tenant, with_adapters
from scaisend.delivery import ordering
from scaisend.faults import NotFound
from scaisend.messages.api import explained
from scaisend.messages.explain import lines_of
from scaisend.messages.read_store import message_page
from scaisend.messages.search import Asked, Filters, is_message_id
from scaisend.messages.shown import Json
from scaisend.messages.waiting_store import tenant_of_message_across_tenants

MOST = 100
TARGET = "MESSAGE|ADDRESS"


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "explain", help="say why a mail has not arrived",
        description="Says at which gate each recipient of a mail stands, when it is tried next, what was said in every attempt, and the likely cause with its cure.",
    )
    add_options(parser, tenant=True)
    parser.add_argument("target", metavar=TARGET, help="id of a message, an X-Message-Id, a msg_id, or an address: the latest mails to it")
    parser.add_argument("--limit", type=_a_limit, default=5, metavar="N", help="with an address: how many mails (default 5)")
    parser.set_defaults(run=run, arguments={"target": TARGET, "message_id": TARGET})


def run(options: argparse.Namespace) -> int:
    """0 when there is such a mail, 1 when there is none."""
    found = with_adapters(options, lambda adapters: explain(adapters, options))
    if options.json:
        print_json(found)
    else:
        print("\n\n".join("\n".join(lines_of(each)) for each in found))
    return 0


async def explain(adapters: Adapters, options: argparse.Namespace) -> list[Json]:
    """The mails explained, newest first. Raises: NotFound; Conflict when an X-Message-Id names several."""
    given: str = options.target
    owner = await adapters.database.read(tenant_of_message_across_tenants, given) if is_message_id(given) and not options.tenant else None
    tenant_id = owner or (await the_tenant(adapters, options)).id
    ids = [given]
    if is_valid(given):
        asked = Asked(Filters(to_emails=(given,)), options.limit, 0, None)
        ids = [seen.message.id for seen in await adapters.database.read(message_page, tenant_id, asked)]
        if not ids:
            raise NotFound(f"no mail to {given} is known", "target", "give the address as it was written in the request, and --tenant where there are several")
    try:
        return [
            await adapters.database.read(explained, tenant_id, each, time.time(), with_dialogues=True, destination=ordering.as_operator) for each in ids
        ]
    except NotFound:
        raise NotFound(f"there is no message {given[:80]!r}", "target", "an address instead shows the latest mails to it") from None


def _a_limit(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) <= MOST:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST}")
