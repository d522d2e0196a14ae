"""suppressions: exports, imports and explains a tenant's suppression lists, and undoes what a rule did."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TextIO

from scaisend.address import fold
from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import a_since, add_options, print_json, print_table, the_tenant, with_adapters
from scaisend.faults import Invalid
from scaisend.identity.audit_store import record_act
from scaisend.messages.moments import iso, read_moment
from scaisend.suppressions import store
from scaisend.suppressions.csv_import import Report, import_csv, write_csv
from scaisend.suppressions.lists import LISTS

PAGE = 5_000
AT_ONCE = 1_000
ACTOR = "cli"


def register(commands: Any) -> None:
    """Adds the command and its verbs."""
    parser = commands.add_parser(
        "suppressions", help="export, import, explain and undo suppressions", description="The suppression lists of a tenant."
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    export = _verb(verbs, "export", "write a list as CSV", run_export)
    export.add_argument("list", choices=LISTS, metavar="LIST", help=f"one of {', '.join(LISTS)}")
    export.add_argument("--output", metavar="FILE", help="where to (default: standard output)")
    take = _verb(verbs, "import", "add the addresses of a CSV file to a list", run_import)
    take.add_argument("list", choices=LISTS, metavar="LIST", help=f"one of {', '.join(LISTS)}")
    take.add_argument("file", metavar="FILE", help="the CSV file in UTF-8, - for standard input")
    explain = _verb(verbs, "explain", "the lists that an address is on, and why", run_explain)
    explain.add_argument("email", metavar="ADDRESS", help="the address")
    undo = _verb(verbs, "undo", "take off all addresses that one rule listed", run_undo)
    undo.add_argument("rule", metavar="RULE", help="the rule's id, as explain shows it")
    undo.add_argument("--since", type=a_since, required=True, metavar="WHEN", help="from when on: 1h, 7d, ISO 8601 or unix seconds")


def _verb(verbs: Any, name: str, sentence: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=sentence, description=sentence.capitalize() + ".")
    add_options(parser, tenant=True)
    parser.set_defaults(run=run)
    return parser


def run_export(options: argparse.Namespace) -> int:
    """0 when all of the list was written."""
    if options.json and not options.output:
        raise Invalid("--json: the CSV goes to standard output unless --output names a file", "output")

    async def work(adapters: Adapters) -> int:
        tenant_id = (await the_tenant(adapters, options)).id
        written, after = 0, None
        with _target(options.output) as out:
            out.write(write_csv([]))
            while rows := await adapters.database.run(store.listed_after, tenant_id, options.list, after, limit=PAGE):
                out.write(write_csv(rows, header=False))
                written, after = written + len(rows), rows[-1]
                _progress(f"{written} written")
        return written

    written = with_adapters(options, work)
    _end_progress()
    if options.json:
        print_json({"list": options.list, "written": written})
    return 0


def run_import(options: argparse.Namespace) -> int:
    """0 when every row was taken or was there already, 1 when some could not be."""

    async def work(adapters: Adapters) -> Report:
        tenant_id = (await the_tenant(adapters, options)).id
        with _source(options.file) as content:
            report = await import_csv(
                content, database=adapters.database, tenant_id=tenant_id, name=options.list, parse_moment=read_moment, now_s=time.time(), told=told
            )
        change = {"imported": report.imported, "skipped": report.skipped}
        await adapters.database.run(
            record_act, tenant_id, actor=ACTOR, action="suppressions.import", resource=options.list, change=change, source=None,
            request_id=None, happened_at=time.time(),
        )
        return report

    async def told(report: Report) -> None:
        _progress(f"{report.imported} imported, {report.skipped} skipped, {report.error_count} errors")

    report = with_adapters(options, work)
    _end_progress()
    if options.json:
        print_json(report.shown())
    else:
        print(f"{report.imported} imported, {report.skipped} skipped, {report.error_count} errors")
        for error in report.errors:
            print(f"row {error.row}: {error.message}")
    return 1 if report.error_count else 0


def run_explain(options: argparse.Namespace) -> int:
    """0 when the address is on a list, 1 when it is on none."""

    async def work(adapters: Adapters) -> list[store.Evidence]:
        return await adapters.database.run(store.evidence, (await the_tenant(adapters, options)).id, fold(options.email))

    rows = [
        {
            "list": each.list, "since": iso(each.created_at), "rule": each.rule, "reason": each.reason, "status": each.status,
            "event_id": each.event_id, "message_id": each.message_id, "evidence": each.detail,
        }
        for each in with_adapters(options, work)
    ]
    if options.json:
        print_json(rows)
    else:
        print_table(rows, ("list", "since", "rule", "reason", "message_id"))
    return 0 if rows else 1


def run_undo(options: argparse.Namespace) -> int:
    """0 when the rule had listed anybody since, 1 when it had not."""

    async def work(adapters: Adapters) -> int:
        tenant_id, removed = (await the_tenant(adapters, options)).id, 0
        while numbers := await adapters.database.run(
            store.numbers_by_rule, tenant_id, options.rule, options.since, lists=LISTS, most=AT_ONCE
        ):
            removed += await adapters.database.run(store.unlist_numbers, tenant_id, numbers)
            _progress(f"{removed} removed")
        await adapters.database.run(
            record_act, tenant_id, actor=ACTOR, action="suppressions.undo", resource=options.rule, change={"removed": removed}, source=None,
            request_id=None, happened_at=time.time(),
        )
        return removed

    removed = with_adapters(options, work)
    _end_progress()
    if options.json:
        print_json({"rule": options.rule, "removed": removed})
    else:
        print(f"{removed} removed")
    return 0 if removed else 1


@contextlib.contextmanager
def _target(path: str | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    with open(path, "w", encoding="utf-8", newline="") as out:
        yield out


@contextlib.contextmanager
def _source(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        content = open(path, "rb")  # noqa: SIM115  # only what opening raises is the caller's fault
    except OSError as error:
        raise Invalid(f"{path}: {error.strerror}", "file") from None
    with content:
        yield content


def _progress(text: str) -> None:
    """One line that is written over, for people who watch."""
    if sys.stderr.isatty():
        print(f"\r{text}", end="", file=sys.stderr, flush=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
