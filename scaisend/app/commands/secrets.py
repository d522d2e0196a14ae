"""secrets: seals what is stored under a new SECRET_KEY."""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import add_options, print_json, with_adapters
from scaisend.domains.dkim_keys import SEAL
from scaisend.domains.store import reseal_key_across_tenants, sealed_keys_across_tenants
from scaisend.identity.audit_store import record_act
from scaisend.identity.instance_store import (
    FINGERPRINT,
    claim_fact,
    reseal_fact_across_tenants,
    sealed_facts_across_tenants,
    set_fact,
)
from scaisend.reporting.webhook import PURPOSE
from scaisend.reporting.webhooks_store import reseal_secrets_across_tenants, sealed_secrets_across_tenants
from scaisend.sealing import SealBroken, Sealer
from scaisend.storage.database import Database, Txn

PAGE = 200
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where secrets are: what they are called, and for which purpose they are sealed (the facts' names say theirs)."""

    name: str
    purpose: str | None
    find: Callable[[Txn, str, int], list[tuple[str, bytes]]]
    reseal: Callable[[Txn, str, bytes, bytes], bool]


PLACES = (
    Place("DKIM keys", SEAL, sealed_keys_across_tenants, reseal_key_across_tenants),
    Place("webhook secrets", PURPOSE, sealed_secrets_across_tenants, reseal_secrets_across_tenants),
    Place("secrets of the installation", None, sealed_facts_across_tenants, reseal_fact_across_tenants),
)


@dataclass(slots=True)
class Count:
    """What was found in a place: secrets in all, those that were not under SECRET_KEY, and those that no key opens."""

    secrets: int = 0
    former: int = 0
    broken: int = 0


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser("secrets", help="change SECRET_KEY")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    rotate = actions.add_parser(
        "rotate", help="seal all stored secrets under SECRET_KEY",
        description="Seals all stored secrets under SECRET_KEY; those sealed under a key of SECRET_KEY_PREVIOUS are opened with it. May be interrupted, "
        "repeated, and run beside the daemons. docs/security.md has the steps of a change of keys.",
    )
    add_options(rotate)
    rotate.add_argument("--check", action="store_true", help="only count: exit code 1 while anything is sealed under a former key")
    rotate.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 when all is sealed under SECRET_KEY, 1 when something is not."""

    async def work(adapters: Adapters) -> dict[str, object]:
        return await rotate(adapters.database, adapters.sealer, only_count=options.check)

    result = with_adapters(options, work)
    if options.json:
        print_json(result)
    else:
        _print(result)
    return 0 if result["done"] else 1


async def rotate(database: Database, sealer: Sealer, *, only_count: bool = False) -> dict[str, object]:
    """What was found and resealed, by place. Once no secret is under another key the installation belongs to SECRET_KEY alone."""
    counts: dict[str, Count] = {}
    broken: list[str] = []
    for place in PLACES:
        counts[place.name] = await _resealed(database, sealer, place, broken, only_count)
    former, unopened = sum(each.former for each in counts.values()), sum(each.broken for each in counts.values())
    done = not unopened and not (only_count and former)
    if not only_count and not unopened:
        await database.run(_belong, sealer.fingerprint(), {name: each.former for name, each in counts.items() if each.former})
    return {
        "done": done, "fingerprint": sealer.fingerprint(), "resealed": 0 if only_count else former, "places": {name: asdict(each) for name, each in counts.items()},
        "broken": broken[:MOST_SHOWN],
    }


async def _resealed(database: Database, sealer: Sealer, place: Place, broken: list[str], only_count: bool) -> Count:
    count, after = Count(), ""
    while page := await database.run(place.find, after, PAGE):
        news: list[tuple[str, bytes, bytes]] = []
        for name, sealed in page:
            count.secrets += 1
            try:
                fresh = sealer.resealed(place.purpose or name, sealed)
            except SealBroken:
                count.broken += 1
                broken.append(name)
                continue
            if fresh is not None:
                count.former += 1
                news.append((name, sealed, fresh))
        if news and not only_count:
            await database.run(_write, place, news)
        after = page[-1][0]
        _progress(f"{place.name}: {count.secrets} seen, {count.former} under a former key")
    _end_progress()
    return count


def _write(txn: Txn, place: Place, news: list[tuple[str, bytes, bytes]]) -> None:
    """A secret that was changed meanwhile is under SECRET_KEY already: whoever changed it has sealed it."""
    for name, before, after in news:
        place.reseal(txn, name, before, after)


def _belong(txn: Txn, fingerprint: str, resealed: dict[str, int]) -> None:
    kept = claim_fact(txn, FINGERPRINT, fingerprint)
    if kept == fingerprint and not resealed:
        return
    set_fact(txn, FINGERPRINT, fingerprint)
    record_act(
        txn, None, actor="cli", action="secrets.rotate", resource=fingerprint, change={"before": kept, "after": fingerprint, "resealed": resealed},
        source=None, request_id=None, happened_at=time.time(),
    )


def _print(result: dict[str, Any]) -> None:
    for name, count in result["places"].items():
        print(f"{name}: {count['secrets']}, under a former key {count['former']}, not to be opened {count['broken']}")
    if result["broken"]:
        print("no key opens: " + " ".join(result["broken"]))
        print("name the SECRET_KEY they were sealed under in SECRET_KEY_PREVIOUS and run this again")
    elif result["done"]:
        print(f"all secrets are sealed under SECRET_KEY (fingerprint {result['fingerprint']})")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}", end="", file=sys.stderr, flush=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
