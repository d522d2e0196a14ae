"""erase: a recipient is gone from a tenant's mails, events and lists."""

import argparse
import os
import sys
import time
from dataclasses import asdict
from typing import Any

from scaisend.address import is_valid
from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import add_options, print_json, the_tenant, with_adapters
from scaisend.app.erasing import Erasing, House, erase
from scaisend.storage.pausing import pause
from scaisend.suppressions.erased import Erasure

WAIT_S = 60
ASK_EVERY_S = 5.0


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "erase", help="erase a recipient from a tenant",
        description="Erases an address from a tenant's mails, events and lists: docs/data-about-people.md says what goes and what stays. Mail to it is ended. What a "
        "worker holds is waited for; exit code 1 when something is left, and running it again goes on.",
    )
    parser.add_argument("address", type=_an_address, metavar="ADDRESS", help="the recipient's address")
    add_options(parser, tenant=True)
    parser.add_argument("--wait", type=float, default=WAIT_S, metavar="SECONDS", help=f"how long to wait for mail that is being delivered (default {WAIT_S})")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 when nothing of the recipient is left, 1 when something is."""

    async def work(adapters: Adapters) -> Erasing:
        tenant_id = (await the_tenant(adapters, options)).id
        house = House(adapters.database, adapters.objects, adapters.ids, Erasure(adapters.sealer, os.urandom, time.monotonic), time.time, lambda wait_s: pause(adapters.reactor, wait_s))
        until = time.monotonic() + options.wait
        total = await erase(house, tenant_id, options.address, _told)
        while total.left and time.monotonic() < until:
            await pause(adapters.reactor, ASK_EVERY_S)
            total = _sum(total, await erase(house, tenant_id, options.address, _told))
        return total

    done = with_adapters(options, work)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if options.json:
        print_json(asdict(done))
    else:
        print(f"erased: {done.recipients} recipients, {done.suppressions} entries of lists, {done.objects_deleted} objects; {done.ended} mails were ended")
        if done.objects_kept:
            print(f"{done.objects_kept} attachments or texts stay, since other mails have them too")
        if done.left:
            print(f"{done.left} recipients are left: their mail is being delivered, or waits for other recipients; run this again later")
    return 1 if done.left else 0


def _sum(before: Erasing, now: Erasing) -> Erasing:
    return Erasing(
        before.recipients + now.recipients, before.ended + now.ended, before.suppressions + now.suppressions, before.objects_deleted + now.objects_deleted,
        before.objects_kept + now.objects_kept, now.left, now.complete,
    )


def _told(done: Erasing) -> None:
    if sys.stderr.isatty():
        print(f"\r{done.recipients} recipients erased", end="", file=sys.stderr, flush=True)


def _an_address(text: str) -> str:
    if not is_valid(text):
        raise argparse.ArgumentTypeError("this is no e-mail address")
    return text
