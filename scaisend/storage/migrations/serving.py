"""Whether a database's schema and a program fit together."""

import re

from scaisend.faults import ScaiSendError
from scaisend.storage.database import Txn

_CURE = "run `scaisend migrate`"


class UnfitSchema(ScaiSendError):
    """The schema lacks something that the program needs, or no longer serves it."""


def check_schema(txn: Txn, program: str, needed: str) -> None:
    """The schema has the revision `needed`, and no later revision has left programs as old as `program` behind.

    `needed` is run.newest_revision(). Raises: UnfitSchema with a sentence that says what to do.
    """
    applied = _applied(txn)
    if needed not in applied:
        raise UnfitSchema(f"the database lacks revision {needed}: {_CURE}", "DATABASE_URL")
    oldest = max(applied.values(), key=_parts)
    if _parts(program) < _parts(oldest):
        raise UnfitSchema(f"this schema no longer serves ScaiSend {program} (needs at least {oldest}): install a newer one", "DATABASE_URL")


def _applied(txn: Txn) -> dict[str, str]:
    """revision → the oldest program that it serves; empty for an empty database."""
    if txn.dialect.name == "sqlite":
        there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_serves'"
    else:
        there = "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'schema_serves'"
    if txn.row(there) is None:
        return {}
    return dict(txn.rows("SELECT revision, oldest_program FROM schema_serves"))


def _parts(version: str) -> tuple[int, ...]:
    """The release numbers: 1.10.0 is younger than 1.9; what follows the numbers does not count."""
    return tuple(int(part) for part in (re.match(r"\d+(?:\.\d+)*", version) or [""])[0].split(".") if part)
