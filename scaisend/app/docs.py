"""Writes the documents that are made from tables: `python -m scaisend.app.docs`; with --check says which are out of date."""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from scaisend.app.adapters import Adapters, make_ids
from scaisend.app.assembly import Assembly
from scaisend.app.config import SETTINGS, load
from scaisend.app.metrics import COUNTERS, GAUGES, Metrics
from scaisend.app.openapi import path_template
from scaisend.app.ops_api import Measures, OpsApi
from scaisend.app.routes import public_routes
from scaisend.http.route import Route
from scaisend.messages.event import KINDS
from scaisend.messages.waiting import REASONS
from scaisend.sealing import Sealer
from scaisend.storage.migrations.describe import describe

ORDINARY_BODY = 1_000_000
ROOT = Path(__file__).resolve().parents[2]


def env_example() -> str:
    """Every variable with its default and its sentence."""
    lines = ["# Settings of ScaiSend: copy to .env and change what you need. The process environment wins over this file; nothing after = means none.", ""]
    for setting in SETTINGS:
        lines += [f"# {setting.sentence}", f"{setting.variable}={setting.default}", ""]
    return "\n".join(lines)


def settings_page() -> str:
    """The table of settings."""
    rows = [f"| `{each.variable}` | {f'`{each.default}`' if each.default else '–'} | {each.sentence} |" for each in SETTINGS]
    return "\n".join([
        "# Settings", "",
        "Settings are environment variables. For those that the environment lacks, the file `.env` of the working directory (or `--env-file FILE`)",
        "is read; its values stand as they are, without expansion. An empty value counts as none. A value that cannot be used stops the start with",
        "a line for each fault, in which secrets are never repeated; so do a file that `--env-file` names and that cannot be read, and a line of the",
        "file that is no assignment. A name in it that is nearly one of these is warned of. `.env.example` holds every line of this table.", "",
        "| variable | default | meaning |", "|---|---|---|", *rows, "",
    ])


def events_page() -> str:
    """The tables of events and of reasons to wait."""
    events = [f"| `{name}` | {'yes' if kind.told else 'no'} | {kind.state or '–'} | {kind.sentence} |" for name, kind in KINDS.items()]
    reasons = [f"| `{name}` | {sentence} |" for name, sentence in REASONS.items()]
    return "\n".join([
        "# Events and reasons to wait", "", "## Events", "",
        "Every step of a mail is an event on its timeline (`GET /v3/messages/{id}/events`), with an id that stays and a number, `seq`, that has no",
        "gaps within the message.", "",
        "| event | told to webhooks | recipient's state after it | meaning |", "|---|---|---|---|", *events, "",
        "## Why a recipient waits", "",
        "Whoever has not got the mail yet waits for one of these reasons: `GET /v3/messages` shows it as `waiting`, `scaisend queue why` counts them.", "",
        "| word | meaning |", "|---|---|", *reasons, "",
    ])


def metrics_page() -> str:
    """The table of metrics."""
    rows = [
        f"| `{name}{'_total' if kind == 'counter' else ''}` | {kind} | {', '.join(labels) or '–'} | {text} |"
        for kind, table in (("counter", COUNTERS), ("gauge", GAUGES)) for name, (text, labels) in table.items()
    ]
    rows.append("| `scaisend_http_seconds` | histogram | route | seconds from the arrival of a request to its answer |")
    return "\n".join([
        "# Metrics", "",
        "Each process shows them at `/metrics` of its ops listener (`OPS_LISTEN`). Queue depths, oldest ages, recipients and copies are read from the",
        "database at each scrape and are the same in every process: alert on their maximum, not on their sum. All others are of the process.", "",
        "| metric | kind | labels | meaning |", "|---|---|---|---|", *rows, "",
    ])


def api_page() -> str:
    """The table of doors."""
    public, ops = doors()
    return "\n".join([
        "# HTTP API", "",
        "A request names its tenant by its credential: `Authorization: Bearer sg_live_…`. Every error has one body:",
        '`{"errors": [{"message", "field", "help"}], "detail"}`, with all faults of the request. Every answer carries `X-Request-Id`.', "",
        "*needs* is the permission of the credential, and any one of several; *limit* the setting that bounds how often it may be called (429 with",
        "`Retry-After` beyond). A body may have 1 MB where nothing else is said.", "",
        "## The public listener", "", *_route_table(public), "",
        "## The ops listener", "", "Where `OPS_LISTEN` says, on loopback or a socket: it asks for no credential.", "", *_route_table(ops), "",
    ])


def doors() -> tuple[list[Route], list[Route]]:
    """The routes of the public and of the ops listener, over nothing: who makes a route asks nothing of what it is handed."""
    absent: Any = None
    adapters = Adapters(
        config=load({"SMTP_HELO_HOSTNAME": "mail.example.org"}, None), reactor=Clock(), database=absent, queue=absent, limiter=absent,
        objects=absent, sealer=Sealer(bytes(32), bytes), ids=make_ids(), resolver=absent, metrics=Metrics(), worker_id="", has_queue_server=False,
    )
    ops = OpsApi(adapters=adapters, measures=Measures(), roles=(), lag_s=lambda: 0.0)
    return public_routes(Assembly(adapters), ops), ops.routes()


def _route_table(routes: Iterable[Route]) -> list[str]:
    rows = ["| method | path | needs | limit | what |", "|---|---|---|---|---|"]
    for route in routes:
        path = path_template(route.path)
        limit = f"`RATE_LIMIT_{route.limit.upper()}`" if route.limit else "–"
        body = "" if route.body_limit == ORDINARY_BODY else f" (body up to {route.body_limit // 1_000_000} MB)"
        rows.append(f"| {route.method} | `{path}` | {_needs(route)} | {limit} | {route.summary}{body} |")
    return rows


def _needs(route: Route) -> str:
    if route.public:
        return "–"
    if route.permission is None:
        return "a credential"
    permissions = (route.permission,) if isinstance(route.permission, str) else route.permission
    return " or ".join(f"`{each}`" for each in permissions)


PAGES: Mapping[str, Callable[[], str]] = {
    ".env.example": env_example,
    "docs/settings.md": settings_page,
    "docs/events.md": events_page,
    "docs/metrics.md": metrics_page,
    "docs/api.md": api_page,
    "docs/schema.md": describe,
}


def stale() -> list[str]:
    """The pages whose files differ from their tables."""
    return [name for name, page in PAGES.items() if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != page()]


def main(arguments: list[str]) -> int:
    """Writes what is stale; with --check only names it."""
    names = stale()
    if arguments == ["--check"]:
        for name in names:
            print(f"{name} is out of date: run `make docs`")
        return 1 if names else 0
    for name in names:
        (ROOT / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
