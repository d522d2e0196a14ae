"""Writes the documents that are made from tables: `python -m scaisend.app.docs`; with --check says which are out of date."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from scaisend.app.config import SETTINGS
from scaisend.app.metrics import COUNTERS, GAUGES
from scaisend.messages.event import KINDS
from scaisend.messages.waiting import REASONS
from scaisend.storage.migrations.describe import describe

ROOT = Path(__file__).resolve().parents[2]


def env_example() -> str:
    """Every variable with its default and its sentence."""
    lines = ["# Settings of ScaiSend. The process environment wins over this file. A line without a value stands for the default.", ""]
    for setting in SETTINGS:
        lines += [f"# {setting.sentence}", f"{setting.variable}={setting.default}", ""]
    return "\n".join(lines)


def settings_page() -> str:
    """The table of settings."""
    rows = [f"| `{each.variable}` | {f'`{each.default}`' if each.default else '–'} | {each.sentence} |" for each in SETTINGS]
    return "\n".join([
        "# Settings", "",
        "Settings are environment variables; `.env` (or `--env-file`) is read for those that the environment lacks. A value that cannot be",
        "used stops the start with a line for each fault. Secrets are never repeated.", "",
        "| variable | default | meaning |", "|---|---|---|", *rows, "",
    ])


def events_page() -> str:
    """The tables of events and of reasons to wait."""
    events = [f"| `{name}` | {'yes' if kind.told else 'no'} | {kind.state or '–'} | {kind.sentence} |" for name, kind in KINDS.items()]
    reasons = [f"| `{name}` | {sentence} |" for name, sentence in REASONS.items()]
    return "\n".join([
        "# Events and reasons to wait", "", "## Events", "",
        "Every step of a mail is an event on its timeline, with a stable id and a number that has no gaps within the message.", "",
        "| event | told to webhooks | recipient's state after it | meaning |", "|---|---|---|---|", *events, "",
        "## Why a recipient waits", "", "| word | meaning |", "|---|---|", *reasons, "",
    ])


def metrics_page() -> str:
    """The table of metrics."""
    rows = [
        f"| `{name}` | {kind} | {', '.join(labels) or '–'} | {text} |"
        for kind, table in (("counter", COUNTERS), ("gauge", GAUGES)) for name, (text, labels) in table.items()
    ]
    rows.append("| `scaisend_http_seconds` | histogram | route | seconds from the arrival of a request to its answer |")
    return "\n".join(["# Metrics", "", "On the ops listener of each process (`OPS_LISTEN`), at `/metrics`.", "", "| metric | kind | labels | meaning |", "|---|---|---|---|", *rows, ""])


PAGES: Mapping[str, Callable[[], str]] = {
    ".env.example": env_example,
    "docs/settings.md": settings_page,
    "docs/events.md": events_page,
    "docs/metrics.md": metrics_page,
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
