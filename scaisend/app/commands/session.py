"""What commands share: options, settings, a database for the time of one coroutine, and output as table or JSON."""

import argparse
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import ensureDeferred

from scaisend.app.adapters import Adapters, open_adapters
from scaisend.app.config import Config, load
from scaisend.app.installation import prepare_embedded, require_embedded
from scaisend.app.setting_values import a_port
from scaisend.app.settings_file import DEFAULT_FILE
from scaisend.identity.people_store import Tenant, find_tenant, only_tenant
from scaisend.messages.moments import read_since

T = TypeVar("T")


def add_options(parser: argparse.ArgumentParser, *, json_output: bool = True, tenant: bool = False) -> None:
    """The options that most commands have."""
    parser.add_argument("--env-file", default=DEFAULT_FILE, metavar="FILE", help="file of settings (default ./.env); the environment wins over it")
    if json_output:
        parser.add_argument("--json", action="store_true", help="print JSON alone on standard output")
    if tenant:
        parser.add_argument("--tenant", metavar="ID", help="id, slug or external id of the tenant; the only one when there is one")


def a_since(text: str) -> float:
    """The moment that an option names: `1h` ago, unix seconds, or ISO 8601."""
    try:
        return read_since(text, time.time())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not 30s, 15m, 1h, 7d, unix seconds, or an ISO 8601 moment") from None


def a_listening_port(text: str) -> int:
    """A port to listen on; 0 takes a free one."""
    try:
        return a_port(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


def settings(options: argparse.Namespace, *, needs_secret_key: bool = True) -> Config:
    """The settings, what is written wrongly in them on standard error unless the command `shows_warnings` itself.

    The file of a command that `makes_env_file` may be absent. Raises: Invalid.
    """
    may_lack = getattr(options, "makes_env_file", False)
    config = load(os.environ, options.env_file, needs_secret_key=needs_secret_key, may_lack_file=may_lack)
    for warning in () if getattr(options, "shows_warnings", False) else config.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return config


def with_adapters(options: argparse.Namespace, work: Callable[[Adapters], Awaitable[T]], *, must_fit: bool = True, begins: bool = False) -> T:
    """What the coroutine answers, run in a reactor of its own, with `must_fit` on a database that fits; `begins`: there may be none yet.

    Raises: what it raises; Invalid without an installation; and as `Adapters.check_fit`.
    """
    config = settings(options)
    if not begins:
        require_embedded(config)
    prepare_embedded(config)

    async def run(reactor: Any) -> T:
        adapters = open_adapters(config, reactor)
        try:
            if must_fit:
                await adapters.check_fit()
            return await work(adapters)
        finally:
            await adapters.close()

    return in_reactor(run)


def in_reactor(work: Callable[[Any], Awaitable[T]]) -> T:
    """What the coroutine answers, which is handed the reactor that it runs in.

    Raises: what it raises; KeyboardInterrupt when a signal stopped the reactor first.
    """
    from twisted.internet import reactor as untyped_reactor

    reactor: Any = untyped_reactor
    outcome: list[tuple[bool, Any]] = []
    interrupted: list[bool] = []

    async def run() -> None:
        try:
            outcome.append((True, await work(reactor)))
        except BaseException as error:
            outcome.append((False, error))
        finally:
            if not interrupted:
                reactor.stop()

    def begin() -> None:
        running = ensureDeferred(run())

        def leave() -> object:
            """A signal came first: the coroutine is cancelled and closes what it opened, or its threads would keep the process."""
            if outcome:
                return None
            interrupted.append(True)
            running.cancel()
            return running

        reactor.addSystemEventTrigger("before", "shutdown", leave)

    reactor.callWhenRunning(begin)
    reactor.run()
    if interrupted or not outcome:
        raise KeyboardInterrupt
    good, value = outcome[0]
    if not good:
        raise value
    result: T = value
    return result


async def the_tenant(adapters: Adapters, options: argparse.Namespace) -> Tenant:
    """The tenant that --tenant names, or the only one. Raises: NotFound, or Invalid when there are several."""
    if options.tenant:
        return await adapters.database.run(find_tenant, options.tenant)
    return await adapters.database.run(only_tenant)


async def tenant_id_of(adapters: Adapters, options: argparse.Namespace) -> str | None:
    """The id of the tenant that --tenant names; None for all of them. Raises: NotFound."""
    return (await the_tenant(adapters, options)).id if options.tenant else None


def print_json(value: object) -> None:
    """One JSON value on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Rows as a table for people; a line that says so when there are none."""
    if not rows:
        print("(none)")
        return
    texts = [[_text(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(column), *(len(text[place]) for text in texts)) for place, column in enumerate(columns)]
    for cells in ([column.upper() for column in columns], *texts):
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value)
