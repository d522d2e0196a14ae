"""domains: the sender domains of a tenant, their DNS records, their verification."""

import argparse
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from scaisend.app.adapters import Adapters
from scaisend.app.assembly import make_domains
from scaisend.app.commands.session import add_options, print_json, print_table, the_tenant, with_adapters
from scaisend.domains.domains import Doer, Domains, DomainView

Work = Callable[[Domains, str, Doer], Awaitable[list[DomainView]]]


def register(commands: Any) -> None:
    """Adds the command and its verbs."""
    parser = commands.add_parser("domains", help="add, verify and list sender domains", description="The sender domains of a tenant.")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _verb(verbs, "add", "add a domain and make its DKIM keys", add, True)
    _verb(verbs, "list", "the tenant's domains", show_all, False)
    dns = _verb(verbs, "dns", "the records to publish", show_records, True)
    dns.add_argument("--zone", action="store_true", help="print them as lines for a zone file")
    _verb(verbs, "verify", "ask DNS and report each record; exit code 0 when the DKIM record is ours", verify, True)
    _verb(verbs, "rotate-dkim", "make new DKIM keys; the old ones sign until the new records are seen", rotate, True)


def _verb(verbs: Any, name: str, sentence: str, run: Callable[[argparse.Namespace], int], takes_domain: bool) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=sentence, description=sentence.capitalize() + ".")
    if takes_domain:
        parser.add_argument("domain", metavar="DOMAIN", help="the domain's name" if name == "add" else "the domain's name or id")
    add_options(parser, tenant=True)
    parser.set_defaults(run=run)
    return parser


def add(options: argparse.Namespace) -> int:
    """0 when the domain was added."""
    return _show_one(options, lambda domains, tenant_id, doer: domains.add(tenant_id, options.domain, doer))


def show_records(options: argparse.Namespace) -> int:
    """0 when there is such a domain."""
    if not options.zone:
        return _show_one(options, lambda domains, tenant_id, doer: domains.one(tenant_id, options.domain))

    async def work(adapters: Adapters) -> list[str]:
        domains = make_domains(adapters)
        return domains.zone_lines(await domains.one((await the_tenant(adapters, options)).id, options.domain))

    print("\n".join(with_adapters(options, work)))
    return 0


def verify(options: argparse.Namespace) -> int:
    """0 when the domain is verified, 1 when it is not."""
    return 0 if _show_one(options, lambda domains, tenant_id, doer: domains.verify(tenant_id, options.domain, doer), verdict=True) == 0 else 1


def rotate(options: argparse.Namespace) -> int:
    """0 when the new keys wait for their records."""
    return _show_one(options, lambda domains, tenant_id, doer: domains.rotate(tenant_id, options.domain, doer))


def show_all(options: argparse.Namespace) -> int:
    """0, whether there are domains or not."""

    async def work(adapters: Adapters) -> list[dict[str, object]]:
        domains = make_domains(adapters)
        tenant = await the_tenant(adapters, options)
        return [domains.shown(view) for view in await domains.all(tenant.id)]

    found = with_adapters(options, work)
    if options.json:
        print_json(found)
    else:
        print_table(found, ("id", "domain", "verified"))
    return 0


def _show_one(
    options: argparse.Namespace, do: Callable[[Domains, str, Doer], Awaitable[DomainView]], *, verdict: bool = False
) -> int:
    async def work(adapters: Adapters) -> dict[str, object]:
        domains = make_domains(adapters)
        tenant = await the_tenant(adapters, options)
        return domains.shown(await do(domains, tenant.id, Doer("cli", time.time())))

    shown = with_adapters(options, work)
    if options.json:
        print_json(shown)
    else:
        print(f"{shown['domain']} ({shown['id']}): {'verified' if shown['verified'] else 'not verified'}")
        records: Any = shown["dns_records"]
        for record in records:
            state = "ok" if record["valid"] else "missing" if not record["found"] else "differs"
            print(f"\n  {record['purpose']}  [{state}]\n    {record['type']}  {record['name']}\n    {record['value']}")
            if record["found"] and not record["valid"]:
                print(f"    found: {record['found']}")
        kept: Any = [key for key in cast(Any, shown["dkim_keys"]) if (key["keep_record_until"] or "") > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())]
        for key in kept:
            print(f"\n  keep {key['selector']}._domainkey.{shown['domain']} until {key['keep_record_until']}: mail that this key signed is on its way")
    return 1 if verdict and not shown["verified"] else 0
