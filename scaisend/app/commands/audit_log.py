"""audit-log: proves that the rows of the audit log are those that were written, all of them, and no others."""

import argparse
import sys
from dataclasses import asdict
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import add_options, print_json, print_table, the_tenant, with_adapters
from scaisend.identity.audit_chain import INSTALLATION, NOTHING, Chain, Finding, Walk
from scaisend.identity.audit_store import PAGE, chained, chains_across_tenants, rest_of_chain, unchained_across_tenants
from scaisend.storage.database import Database

MOST_SHOWN = 1_000


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser("audit-log", help="prove that nobody changed the audit log")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    verify = actions.add_parser(
        "verify", help="follow the chains of the audit log",
        description="Follows the chain of each tenant's acts, and of the installation's, and says which rows were altered, removed or inserted. "
        "Exit code 1 when there are any. Note the printed hashes elsewhere: with --expect they prove later that no chain was written anew.",
    )
    add_options(verify, tenant=True)
    verify.add_argument("--expect", action="append", type=_a_hash, default=[], metavar="CHAIN:HASH", help="a hash that was printed before; it must still be in that chain")
    verify.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 when every row is as it was written, 1 when not."""
    expected: dict[str, set[str]] = {}
    for name, digest in options.expect:
        expected.setdefault(name, set()).add(digest)

    async def work(adapters: Adapters) -> dict[str, object]:
        only = (await the_tenant(adapters, options)).id if options.tenant else None
        return await verify(adapters.database, only=only, expected=expected)

    result = with_adapters(options, work)
    if options.json:
        print_json(result)
    else:
        _print(result)
    return 1 if result["finding_count"] else 0


async def verify(database: Database, *, only: str | None, expected: dict[str, set[str]]) -> dict[str, object]:
    """Each chain with its rows and last hash, and what is not as it was written, the first MOST_SHOWN in full."""
    chains = [each for each in await database.run(chains_across_tenants) if only in (None, each.name)]
    lost = [name for name in await database.run(unchained_across_tenants) if only in (None, name)]
    unknown = sorted(set(expected) - {each.name for each in chains})
    findings = [Finding(name, None, "the chain's end was removed") for name in lost]
    findings += [Finding(name, None, "there is no such chain") for name in unknown]
    shown = []
    for place, chain in enumerate(chains, 1):
        walk = await _walked(database, chain, expected.get(chain.name, set()))
        findings += walk.findings
        shown.append({"chain": chain.name, "rows": walk.rows, "place": walk.chain.places, "hash": walk.chain.last_hash.hex()})
        if sys.stderr.isatty():
            print(f"\r{place} of {len(chains)} chains", end="\n" if place == len(chains) else "", file=sys.stderr, flush=True)
    return {"chains": shown, "finding_count": len(findings), "findings": [asdict(each) for each in findings[:MOST_SHOWN]]}


async def _walked(database: Database, chain: Chain, expected: set[str]) -> Walk:
    walk, after = Walk(chain, set(expected)), 0
    tenant_id = None if chain.name == INSTALLATION else chain.name
    while len(rows := await database.run(chained, tenant_id, after, PAGE)) == PAGE:
        for row in rows:
            walk.step(row)
        after = rows[-1].number
    end, rows = await database.run(rest_of_chain, tenant_id, after)
    for row in rows:
        walk.step(row)
    walk.end(end or chain)
    return walk


def _a_hash(text: str) -> tuple[str, str]:
    name, _, digest = text.partition(":")
    if not name or len(digest) != len(NOTHING.hex()):
        raise argparse.ArgumentTypeError(f"{text!r} is not CHAIN:HASH as `scaisend audit-log verify` printed them")
    return name, digest.lower()


def _print(result: dict[str, Any]) -> None:
    print_table(result["chains"], ("chain", "rows", "hash"))
    if not result["finding_count"]:
        print("findings: none")
        return
    print(f"findings: {result['finding_count']}")
    print_table(result["findings"], ("chain", "number", "what"))
