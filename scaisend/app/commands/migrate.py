"""migrate: brings the database to the schema of this program."""

import argparse
from typing import Any

from scaisend.app.commands.session import add_options, print_json, settings
from scaisend.app.installation import make_data_dir
from scaisend.storage.migrations.run import migrate


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "migrate", help="bring the database to this program's schema", description="Applies the migrations that the database lacks, forward only."
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 when the schema is the newest."""
    config = settings(options, needs_secret_key=False)
    if config.is_embedded:
        make_data_dir(config)
    applied = migrate(config["DATABASE_URL"])
    if options.json:
        print_json({"applied": applied})
    else:
        print(f"applied {', '.join(applied)}" if applied else "nothing to do: the schema is the newest")
    return 0
