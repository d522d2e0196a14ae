"""What SQLite and MySQL say differently. MariaDB counts as MySQL."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """Fragments that a store puts into its statements; `for_update` and `skip_locked` stand at the end of a SELECT."""

    name: str  # "sqlite" or "mysql"
    for_update: str  # "" or "FOR UPDATE"
    skip_locked: str  # "" or "FOR UPDATE SKIP LOCKED"

    def joined(self, expressions: Sequence[str]) -> str:
        """An expression for the values as one text with commas between, none of them NULL: a driver reads it faster than many columns."""
        return f"CONCAT_WS(',', {', '.join(expressions)})" if self.name == "mysql" else " || ',' || ".join(expressions)


SQLITE = Dialect(name="sqlite", for_update="", skip_locked="")
MYSQL = Dialect(name="mysql", for_update="FOR UPDATE", skip_locked="FOR UPDATE SKIP LOCKED")
