"""dev: everything in one process on embedded defaults, with a catch-all MX that keeps what it gets."""

import argparse
import os
from typing import Any

from scaisend.app.commands.session import a_listening_port
from scaisend.app.config import load
from scaisend.app.dev import DevHouse
from scaisend.app.process import run_daemon
from scaisend.app.setting_values import a_path


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "dev", help="everything in one process, with an inbox of its own",
        description="Runs all roles on embedded defaults (SQLite, files) with a catch-all MX on a loopback port. "
        "Nothing leaves this machine; .env and the variables of production are not read.",
    )
    parser.add_argument("--data", default="./scaisend-data/dev", metavar="DIR", help="where everything is kept (default ./scaisend-data/dev)")
    parser.add_argument("--host", default="127.0.0.1", help="address the API listens on (default 127.0.0.1)")
    parser.add_argument("--port", type=a_listening_port, default=8000, help="port the API listens on (default 8000; 0 takes a free one)")
    parser.add_argument("--inbound-port", type=a_listening_port, default=0, metavar="N", help="port for returning mail (default: a free one)")
    parser.add_argument("--ready-file", metavar="FILE", help="written as JSON once everything listens")
    parser.add_argument("--quiet", action="store_true", help="no line for each mail")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs until it is told to stop."""
    tuning = {name: os.environ[name] for name in TUNING if name in os.environ}
    config = load(tuning, None).but(DATA_DIR=a_path(options.data))
    house = DevHouse(
        config, host=options.host, port=options.port, inbound_port=options.inbound_port, ready_file=options.ready_file, is_quiet=options.quiet
    )
    with house.alone():
        return run_daemon(house.daemon, house.config, started=house.started)


# Variables of timing and logging that dev does read: none of them names another place.
TUNING = (
    "SMTP_MAX_RETRIES", "SMTP_RETRY_BASE_DELAY", "SMTP_QUEUE_LIFETIME", "SMTP_IN_DOUBT_WAIT", "SMTP_IN_DOUBT_POLICY", "SMTP_TLS_POLICY",
    "SMTP_COMMAND_TIMEOUT", "SMTP_CONNECT_TIMEOUT", "SMTP_POOL_SIZE_PER_DOMAIN", "WORK_LEASE", "LOG_LEVEL", "LOG_FORMAT",
    "RATE_LIMIT_MAIL_SEND", "RATE_LIMIT_MESSAGES", "RATE_LIMIT_WRITES", "RATE_LIMIT_DEFAULT",
)
