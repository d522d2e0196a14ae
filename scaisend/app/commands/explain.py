"""explain: why a mail has not arrived."""

import argparse
import time
from typing import Any

from scaisend.address import is_valid
from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import add_options, print_json, the_tenant, with_adapters
from scaisend.delivery import ordering
from scaisend.delivery.hasten import domain_of
from scaisend.faults import NotFound
from scaisend.messages.api import explained
from scaisend.messages.explain import lines_of
from scaisend.messages.read_store import message_page
from scaisend.messages.search import Asked, Filters, is_message_id
from scaisend.messages.shown import Json
from scaisend.messages.waiting_store import tenant_of_message_across_tenants

MOST = 100


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "explain", help="say why a mail has not arrived",
        description="Says at which gate each recipient of a mail stands, when it is tried next, what was said in every attempt, and the likely cause with its cure.",
    )
    add_options(parser, tenant=True)
    parser.add_argument("target", metavar="MESSAGE|ADDRESS", help="id of a message, an X-Message-Id, a msg_id, or an address: the latest mails to it")
    parser.add_argument("--limit", type=_a_limit, default=5, metavar="N", help="with an address: how many mails (default 5)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 when there is such a mail, 1 when there is none."""
    found = with_adapters(options, lambda adapters: explain(adapters, options))
    if options.json:
        print_json(found)
    else:
        print("\n\n".join("\n".join([*lines_of(each), *_destination_lines(each)]) for each in found))
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
    found = [await adapters.database.read(explained, tenant_id, each, time.time(), with_dialogues=True) for each in ids]
    for each in found:
        await _tell_destinations(adapters, each)
    return found


async def _tell_destinations(adapters: Adapters, mail: Json) -> None:
    """A recipient that waits for its destination is told what is known of that: state, order, limits and their last change."""
    recipients = mail["recipients"]
    for each in recipients if isinstance(recipients, list) else ():
        if str(each["gate"]).startswith("destination_"):
            try:
                known = await ordering.destination(adapters.database, domain_of(str(each["email"])), time.time())
            except NotFound:
                continue
            changes = known["changes"]
            each["destination"] = {name: known.get(name) for name in ("name", "state", "order", "domain_order", "limits")} | {
                "last_change": changes[0] if isinstance(changes, list) and changes else None
            }


def _destination_lines(mail: Json) -> list[str]:
    lines = []
    recipients = mail["recipients"]
    for each in recipients if isinstance(recipients, list) else ():
        known = each.get("destination")
        if isinstance(known, dict):
            lines.append(f"{each['email']} waits for {known['name']}: {known['state']}")
            order = known["domain_order"] or known["order"]
            lines += [f"  ordered by {order['by']} at {order['updated_at']}: {order['reason'] or 'no reason given'}"] if order else []
            lines += [f"  {limit['source']}: {limit['connections']} connections, {limit['per_minute'] or 'any number of'} mails a minute" for limit in known["limits"]]
            if known["last_change"]:
                lines.append("  {happened_at} {source}: {before} → {after}: {reason}".format(**known["last_change"]))
    return lines


def _a_limit(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) <= MOST:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST}")
