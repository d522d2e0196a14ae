"""doctor: checks what the installation stands on and how the world sees it; each line says what was found, expected, and how to mend it."""

import argparse
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.checks import Check, broken, exit_code, lines_of, shape, worst
from scaisend.app.commands.session import add_options, print_json, the_tenant, with_adapters
from scaisend.app.dns_checks import BLOCKLISTS
from scaisend.app.setup import Setup
from scaisend.identity.people_store import tenants


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "doctor", help="check dependencies, DNS, certificates, blocklists and sender domains",
        description="Checks the database, the queue server, the object store, the instance's DNS, its certificate, blocklists and sender domains. "
        "Exit code 0 when nothing is broken, 1 when something is, 3 when a dependency is away.",
    )
    add_options(parser, tenant=True)
    parser.add_argument("--outbound", metavar="HOST", action="append", default=[], help="connect to this mail host too: host or host:port")
    parser.add_argument("--blocklist", metavar="ZONE", action="append", help=f"ask this DNS blocklist (default {', '.join(BLOCKLISTS)})")
    parser.add_argument("--no-blocklists", action="store_true", help="ask no blocklist")
    parser.set_defaults(run=run, shows_warnings=True)


def run(options: argparse.Namespace) -> int:
    """0, 1 when something is broken, 3 when a dependency is away."""
    lists = () if options.no_blocklists else tuple(options.blocklist or BLOCKLISTS)

    async def work(adapters: Adapters) -> list[Check]:
        return await examine(adapters, Setup(adapters=adapters, blocklists=lists), options)

    found = with_adapters(options, work, must_fit=False)
    if options.json:
        print_json({"status": worst(found), "broken": broken(found), "checks": [shape(each) for each in found]})
    else:
        print("\n".join(line for each in found for line in lines_of(each)))
        print(f"{len(found)} checks, {broken(found)} broken")
    return exit_code(found)


async def examine(adapters: Adapters, setup: Setup, options: argparse.Namespace) -> list[Check]:
    """All checks; those of domains, of the tenant that --tenant names or of all, only while the database serves them."""
    services = await setup.services()
    found = [*services, *await setup.instance()]
    for target in options.outbound:
        found += await setup.outbound(target)
    if broken([each for each in services if each.name.startswith("database")]):
        return found
    chosen = [await the_tenant(adapters, options)] if options.tenant else await adapters.database.run(tenants)
    for tenant in chosen:
        found += await setup.domains(tenant.id)
    return found
