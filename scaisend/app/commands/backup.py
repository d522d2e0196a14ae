"""backup: a copy of an embedded installation (SQLite) while it runs; a server's database has tools of its own (docs/backup.md)."""

import argparse
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from scaisend.app.commands.session import add_options, print_json, settings
from scaisend.app.config import Config
from scaisend.app.installation import SECRET_FILE
from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.storage.sqlite_backup import copy_database
from scaisend.storage.url import SqliteAddress, parse_database_url

DATABASE = "scaisend.db"
OBJECTS = "objects"


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "backup", help="copy an installation on SQLite while it runs",
        description="Copies the SQLite database as it is at one moment, then the objects and the secret key, into FOLDER. "
        "A second copy into the same folder brings what is new. To restore, stop everything, copy FOLDER to DATA_DIR, "
        "and run `scaisend queue hold` before the start.",
    )
    add_options(parser)
    parser.add_argument("folder", metavar="FOLDER", help="where the copy goes; made when absent")
    parser.set_defaults(run=run, arguments={"folder": "FOLDER"})


def run(options: argparse.Namespace) -> int:
    """0. Raises: Invalid on a database server, NotFound without a database, Conflict when the copy cannot be written."""
    made = back_up(settings(options), options.folder)
    if options.json:
        print_json(made)
    else:
        print(f"{made['folder']} holds the database ({made['database_bytes']} bytes) and {made['new_objects']} new objects" + (", and the secret key" if made["secret_key"] else ""))
        if not made["secret_key"]:
            print("SECRET_KEY is a setting and is not in the copy: keep it apart, without it stored secrets cannot be opened")
    return 0


def back_up(config: Config, folder: str) -> dict[str, object]:
    """What was copied. Raises: as `run`."""
    address = parse_database_url(config["DATABASE_URL"])
    if not isinstance(address, SqliteAddress):
        raise Invalid("DATABASE_URL names a server: use mariadb-dump or mysqldump with --single-transaction, see docs/backup.md", "DATABASE_URL")
    if not os.path.exists(address.path):
        raise NotFound(f"there is no database at {address.path}")
    target, data = Path(folder), Path(config["DATA_DIR"])
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if target.resolve() == data.resolve() or (data / OBJECTS).resolve() in (target.resolve(), *target.resolve().parents):
            raise Invalid("the copy cannot go into DATA_DIR itself", "folder")
        copy_database(address.path, str(target / DATABASE))
        # The objects after the database: whatever its rows name is there.
        new = _copy_tree(data / OBJECTS, target / OBJECTS)
        has_key = not config["SECRET_KEY"] and (data / SECRET_FILE).exists()
        if has_key:
            shutil.copy2(data / SECRET_FILE, target / SECRET_FILE)
    except (OSError, sqlite3.Error) as error:
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
        raise Conflict(f"the copy could not be made: {reason}", "folder") from None
    return {"folder": str(target), "database_bytes": (target / DATABASE).stat().st_size, "new_objects": new, "secret_key": has_key}


def _copy_tree(source: Path, target: Path) -> int:
    """How many files of `source` were not in `target`. Objects never change, so one that is there is not copied again."""
    count = 0
    for folder, _, names in os.walk(source):
        there = target / Path(folder).relative_to(source)
        there.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in names:
            if name.startswith(".") or (there / name).exists():
                continue
            try:
                shutil.copy2(Path(folder) / name, there / f".{name}.new")
            except FileNotFoundError:
                continue  # deleted meanwhile
            os.replace(there / f".{name}.new", there / name)
            count += 1
    return count
