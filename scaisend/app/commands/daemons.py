"""serve, worker, smtp, all, run: the daemon with its roles."""

import argparse
import os
from typing import Any

from scaisend.app.commands.session import a_listening_port, add_options
from scaisend.app.config import load
from scaisend.app.daemon import Daemon
from scaisend.app.process import make_daemon, run_daemon
from scaisend.app.roles import ROLES, read_roles
from scaisend.faults import ScaiSendError


def register(commands: Any) -> None:
    """Adds the commands."""
    for name, role in ROLES.items():
        _add(commands, role.command, role.sentence, [name])
    _add(commands, "all", "every role in one process", ["all"])
    parser = _add(commands, "run", "any set of roles in one process", [])
    parser.add_argument("roles", nargs="+", type=_a_role, metavar="ROLE", help=f"{', '.join(ROLES)} or all")


def _add(commands: Any, name: str, sentence: str, roles: list[str]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=sentence, description=f"Runs {sentence}.")
    add_options(parser, json_output=False)
    if name in ("serve", "all", "run"):
        parser.add_argument("--host", default="0.0.0.0", help="address the API listens on (default 0.0.0.0)")
        parser.add_argument("--port", type=a_listening_port, default=8000, help="port the API listens on (default 8000; 0 takes a free one)")
        parser.add_argument("--reuse-port", action="store_true", help="share the API's port with other processes")
    parser.set_defaults(run=run, host="0.0.0.0", port=8000, reuse_port=False, **({"roles": roles} if roles else {}))
    return parser


def _a_role(word: str) -> str:
    try:
        read_roles([word])
    except ScaiSendError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return word


def run(options: argparse.Namespace) -> int:
    """Runs the daemon until SIGTERM."""
    roles = read_roles(options.roles)
    config = load(os.environ, options.env_file)

    def make(reactor: Any) -> Daemon:
        return make_daemon(config, roles, reactor, host=options.host, port=options.port, reuse_port=options.reuse_port)

    return run_daemon(make, config)
