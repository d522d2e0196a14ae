"""How much of what is due one claim takes: bounded by memory, and never a suspect together with others."""

from collections.abc import Sequence
from dataclasses import dataclass

SUSPECT_AFTER = 3
POISONED_AFTER = 8


@dataclass(frozen=True, slots=True)
class Weight:
    """One due row: its mail's size, how often it was claimed without an outcome, and how many recipients come with it."""

    size_bytes: int
    tries: int
    recipients: int = 1


@dataclass(frozen=True, slots=True)
class Portion:
    """The bounds of one claim. A single row is taken whatever its weight, so that nothing waits for ever."""

    most_bytes: int
    most_recipients: int

    def of(self, rows: Sequence[Weight]) -> int:
        """How many of the rows, from the first, are taken.

        A row whose earlier claims all came to nothing may have killed its workers: it is taken alone, so that it fails alone.
        """
        size_bytes = recipients = 0
        for count, row in enumerate(rows):
            size_bytes += row.size_bytes
            recipients += row.recipients
            if count and (row.tries >= SUSPECT_AFTER or size_bytes > self.most_bytes or recipients > self.most_recipients):
                return count
            if row.tries >= SUSPECT_AFTER:
                return 1
        return len(rows)
