"""import sendgrid: templates, suppressions, groups and domains of an account, read over its API."""

import argparse
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from twisted.internet.task import deferLater

from scaisend.app.adapters import Adapters
from scaisend.app.assembly import make_domains
from scaisend.app.commands.session import add_options, print_json, print_table, the_tenant, with_adapters
from scaisend.app.importing import PARTS, Importer, Report
from scaisend.app.installation import write_privately
from scaisend.app.sendgrid_client import TRIES, SendGridAccount
from scaisend.domains.domains import Doer
from scaisend.faults import Invalid
from scaisend.http.outgoing import Outgoing
from scaisend.identity.audit_store import record_act

KEY_VARIABLE = "SENDGRID_API_KEY"


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser("import", help="bring an account from SendGrid", description="Brings what another service holds to a tenant.")
    sources = parser.add_subparsers(title="sources", metavar="SOURCE", required=True)
    parser = sources.add_parser(
        "sendgrid", help="templates, suppressions, groups and domains, under the same ids",
        description=f"Reads an account over SendGrid's v3 API, with a key that may read it (in {KEY_VARIABLE} or --key-file). What the tenant has already "
        "stays as it is, so the command may be run again; an interrupted run goes on where it was. Domains get new keys: publish their records.",
        epilog="example: SENDGRID_API_KEY=SG.… scaisend import sendgrid --tenant acme",
    )
    add_options(parser, tenant=True)
    parser.add_argument("--url", default="https://api.sendgrid.com", metavar="URL", help="where the API is (default https://api.sendgrid.com)")
    parser.add_argument("--key-file", metavar="FILE", help=f"file that holds the key; {KEY_VARIABLE} otherwise")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=f"only this part, may be repeated: {', '.join(PARTS)}")
    parser.add_argument("--dry-run", action="store_true", help="count what would be read, write nothing")
    parser.add_argument("--tries", type=int, default=TRIES, metavar="N", help=f"how often a request is made while the source is away (default {TRIES})")
    parser.add_argument("--state", default="./scaisend-import.json", metavar="FILE", help="how far a run came (default ./scaisend-import.json); removed when all is done")
    parser.set_defaults(run=run, arguments={"url": "--url", "state": "--state", "key": "--key-file", "key-file": "--key-file"})


def run(options: argparse.Namespace) -> int:
    """0 when all was taken, 1 when something could not be."""
    key = _key(options.key_file)
    parts = [part for part in PARTS if options.only is None or part in options.only]

    async def work(adapters: Adapters) -> Report:
        tenant_id = (await the_tenant(adapters, options)).id
        return await bring(adapters, tenant_id, key, parts, options)

    report = with_adapters(options, work)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if options.json:
        print_json({"parts": {part: asdict(count) for part, count in report.counts.items()}, "faults": report.faults})
    else:
        print_table([{"part": part, **asdict(count)} for part, count in report.counts.items()], ("part", "found", "made", "kept", "faults"))
        for sentence in report.faults:
            print(sentence)
    return 1 if report.faults else 0


async def bring(adapters: Adapters, tenant_id: str, key: str, parts: list[str], options: argparse.Namespace) -> Report:
    """What was brought. Raises: as `Importer.run`; the marks say then how far it came."""
    whose = {"url": options.url.rstrip("/"), "tenant_id": tenant_id}
    marks = _marks(options.state, whose)

    def save() -> None:
        write_privately(options.state, json.dumps({**whose, "marks": marks}))

    outgoing = Outgoing(reactor=adapters.reactor, resolver=None, repeats=True)
    importer = Importer(
        account=SendGridAccount(
            outgoing=outgoing, base_url=options.url, key=key, sleep=_sleeper(adapters.reactor), now_s=time.time, tries=max(1, options.tries),
        ),
        database=adapters.database, domains=make_domains(adapters), tenant_id=tenant_id, doer=Doer("cli", time.time()), is_dry=options.dry_run,
        marks=marks, save=save, told=_progress,
    )
    try:
        report = await importer.run(parts)
    finally:
        await outgoing.close()
    if not options.dry_run:
        made = {part: count.made for part, count in report.counts.items()}
        await adapters.database.run(
            record_act, tenant_id, actor="cli", action="import.sendgrid", resource=options.url, change=made, source=None, request_id=None, happened_at=time.time(),
        )
        _forget(options.state)
    return report


def _marks(path: str, whose: dict[str, str]) -> dict[str, Any]:
    """How far an earlier run of the same came. Raises: Invalid when the file is another's."""
    try:
        with open(path, encoding="utf-8") as stream:
            kept = json.load(stream)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Invalid(f"{path} cannot be read ({type(error).__name__})", "state", "Remove it, or name another with --state.") from None
    if not isinstance(kept, dict) or {name: kept.get(name) for name in whose} != whose or not isinstance(kept.get("marks"), dict):
        raise Invalid(f"{path} belongs to another import", "state", "Finish that one, remove the file, or name another with --state.")
    marks: dict[str, Any] = kept["marks"]
    return marks


def _forget(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _key(path: str | None) -> str:
    if path is None:
        key = os.environ.get(KEY_VARIABLE, "")
        if not key:
            raise Invalid("there is no key for the source", KEY_VARIABLE, f"Set {KEY_VARIABLE} or give --key-file.")
        return key.strip()
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read ({type(error).__name__})", "key-file") from None


def _sleeper(reactor: Any) -> Callable[[float], Awaitable[None]]:
    async def sleep(seconds: float) -> None:
        await deferLater(reactor, seconds)

    return sleep


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
