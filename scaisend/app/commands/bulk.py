"""bulk: operations over many queued mails: preview, begin, watch, undo."""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import add_options, print_json, print_table, the_tenant, with_adapters
from scaisend.delivery import bulk, bulk_store
from scaisend.delivery.bulk import read_plan, read_wanted
from scaisend.delivery.bulk_api import Json, begin, found, job_shape, preview, undo
from scaisend.messages.moments import read_since
from scaisend.storage.pausing import pause

COLUMNS = ("id", "action", "route", "status", "gathered", "done", "begins_at", "can_be_undone", "by", "reason")
FILTERS = {
    "from": "sender: an address, or @domain", "to": "an address", "to-domain": "a recipient domain", "destination": "an MX set, as `scaisend destinations` shows it",
    "status": "queued, deferred or scheduled", "waiting": "a reason of `scaisend queue why`", "subject-prefix": "how the subject begins",
    "accepted-before": "a moment, or 30m, 2h, 7d ago", "accepted-after": "a moment, or 30m, 2h, 7d ago",
}
ARGUMENTS = {
    **{f"filter.{name.replace('-', '_')}": f"--{name}" for name in FILTERS}, "undo_s": "--undo-s", "until": "--until", "reason": "--reason",
    "route": "HOST[:PORT]", "job_id": "ID",
}
WATCH_EVERY_S = 0.5


def register(commands: Any) -> None:
    """Adds the command and its verbs; without one it lists."""
    parser = commands.add_parser(
        "bulk", help="fail, hold, requeue, delay or reroute queued mail by filter, with preview and undo",
        description="A job first holds the mail that its filter means, and acts on it when its time to undo is over. What is only held can be released at any time.",
    )
    add_options(parser, tenant=True)
    parser.set_defaults(run=run_list, arguments=ARGUMENTS)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    _verb(verbs, "list", "jobs, newest first", run_list)
    _filters(_verb(verbs, "preview", "how much queued mail a filter means", run_preview))
    for action, sentence in (
        (bulk.FAIL, "end the mail as failed, ten minutes from now"), (bulk.HOLD, "hold the mail until the job is undone"),
        (bulk.REQUEUE, "try the mail now"), (bulk.DELAY, "put the mail off to a moment"),
        (bulk.REROUTE, "lead the mail to another host, ten minutes from now"),
    ):
        verb = _verb(verbs, action, sentence, run_begin)
        _filters(verb)
        verb.set_defaults(action=action)
        verb.add_argument("--reason", required=True, metavar="TEXT", help="why")
        verb.add_argument("--undo-s", type=float, metavar="S", help=f"seconds in which it can be undone (default {bulk.UNDO_S[action]:g})")
        verb.add_argument("--watch", action="store_true", help="wait until it is done, with its progress on standard error")
        if action == bulk.DELAY:
            verb.add_argument("--until", required=True, metavar="WHEN", help="the moment, at most 72 hours ahead")
        if action == bulk.REROUTE:
            where = verb.add_mutually_exclusive_group(required=True)
            where.add_argument("route", nargs="?", metavar="HOST[:PORT]", help="the host that takes the mail")
            where.add_argument("--off", action="store_true", help="back to the domains' own hosts")
    for name, sentence, run in (("show", "one job", run_show), ("undo", "give a job's mail back as it was; release what it holds", run_undo)):
        verb = _verb(verbs, name, sentence, run)
        verb.add_argument("id", metavar="ID", help="id of the job")
        verb.add_argument("--watch", action="store_true", help="wait until it is done, with its progress on standard error")


def _verb(verbs: Any, name: str, sentence: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=sentence, description=sentence[0].upper() + sentence[1:] + ".")
    add_options(parser, tenant=True)
    parser.set_defaults(run=run)
    return parser


def _filters(parser: argparse.ArgumentParser) -> None:
    for name, meaning in FILTERS.items():
        parser.add_argument(f"--{name}", dest=f"filter_{name.replace('-', '_')}", metavar="X", help=meaning)


def run_preview(options: argparse.Namespace) -> int:
    """0 when there is such mail, 1 when there is none."""

    async def work(adapters: Adapters) -> Json:
        return await preview(adapters.database, await _tenant_id(adapters, options), read_wanted(_given(options)))

    counted = with_adapters(options, work)
    if options.json:
        print_json(counted)
    else:
        sample = counted["sample"]
        print_table(sample if isinstance(sample, list) else [], ("recipient_id", "email", "from", "subject", "status", "waiting"))
        print(f"{'' if counted['complete'] else 'at least '}{counted['count']} recipients")
    return 0 if counted["count"] else 1


def run_begin(options: argparse.Namespace) -> int:
    """0."""
    given: Json = {
        "action": options.action, "filter": _given(options), "undo_s": options.undo_s, "until": getattr(options, "until", None), "reason": options.reason,
    }
    if options.action == bulk.REROUTE:
        given["route"] = None if options.off else options.route

    async def work(adapters: Adapters) -> Json:
        now = time.time()
        job = await begin(adapters.database, adapters.ids, await _tenant_id(adapters, options), read_plan(given, now), "cli", now)
        return await _watched(adapters, job.id, options)

    return _show(options, with_adapters(options, work))


def run_list(options: argparse.Namespace) -> int:
    """0."""

    async def work(adapters: Adapters) -> list[Json]:
        return [job_shape(each) for each in await adapters.database.run(bulk_store.jobs_across_tenants, await _tenant_id(adapters, options))]

    jobs = with_adapters(options, work)
    if options.json:
        print_json(jobs)
    else:
        print_table(jobs, COLUMNS)
    return 0


def run_show(options: argparse.Namespace) -> int:
    """0; 1 when there is no such job."""
    return _show(options, with_adapters(options, lambda adapters: _watched(adapters, options.id, options)))


def run_undo(options: argparse.Namespace) -> int:
    """0; 1 when there is no such job, or its action has begun."""

    async def work(adapters: Adapters) -> Json:
        job = await undo(adapters.database, options.id, await _tenant_id(adapters, options), "cli", time.time())
        return await _watched(adapters, job.id, options)

    return _show(options, with_adapters(options, work))


async def _watched(adapters: Adapters, job_id: str, options: argparse.Namespace) -> Json:
    """The job; with --watch, as it is when nothing is to be done any more."""
    tenant_id, told = await _tenant_id(adapters, options), ""
    while True:
        shape = job_shape(await adapters.database.run(found, job_id, tenant_id))
        if not options.watch or shape["status"] not in bulk.OPEN:
            break
        line = f"{shape['status']}: {shape['gathered']} gathered, {shape['done']} done"
        if line != told:
            print(line, file=sys.stderr)
            told = line
        await pause(adapters.reactor, WATCH_EVERY_S)
    return shape


def _given(options: argparse.Namespace) -> Json:
    given: Json = {}
    for name in FILTERS:
        key = name.replace("-", "_")
        value = getattr(options, f"filter_{key}")
        if value is not None and key.startswith("accepted"):
            try:
                value = read_since(value, time.time())
            except ValueError:
                pass  # told with its field when the filter is read
        if value is not None:
            given[key] = value
    return given


async def _tenant_id(adapters: Adapters, options: argparse.Namespace) -> str | None:
    return (await the_tenant(adapters, options)).id if options.tenant else None


def _show(options: argparse.Namespace, job: Json) -> int:
    if options.json:
        print_json(job)
    else:
        print_table([job], COLUMNS)
    return 0
