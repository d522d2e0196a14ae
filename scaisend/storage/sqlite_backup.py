"""A consistent copy of an SQLite database that is in use."""

import os
import sqlite3

PAGES_AT_ONCE = 1_000
PAUSE_S = 0.01


def copy_database(source: str, target: str) -> None:
    """`target` holds the database as it was at one moment, synced; writers of `source` are not kept waiting. Raises: OSError, sqlite3.Error."""
    unfinished = target + ".new"
    if os.path.exists(unfinished):
        os.unlink(unfinished)
    reader = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)
    try:
        # A snapshot is held, so the copy is not begun again whenever somebody writes.
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
        writer = sqlite3.connect(unfinished)
        try:
            os.chmod(unfinished, 0o600)
            reader.backup(writer, pages=PAGES_AT_ONCE, sleep=PAUSE_S)
        finally:
            writer.close()
    finally:
        reader.close()
    with open(unfinished, "rb") as stream:
        os.fsync(stream.fileno())
    os.replace(unfinished, target)
