"""Suppression lists as CSV (RFC 4180): read in slices, so that a list of any length needs little memory, and written.

    email,reason,status,ip,created
    gone@example.com,550 5.1.1 no such user,5.1.1,,1767225600

The first line may name the columns, in any order and any case; of those not known here nothing is kept. Without such a line
the address stands first. The columns are parted by commas, semicolons or tabs. `created` is unix seconds or ISO 8601.
"""

import csv
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO, TextIOWrapper
from itertools import islice
from typing import BinaryIO

from scaisend.address import fold, is_valid
from scaisend.faults import Invalid
from scaisend.storage.database import Database
from scaisend.suppressions.store import Entry, Listed, list_across_tenants

SLICE_ROWS = 2_000
MOST_ERRORS = 1_000
MOST_FIELD = 131_072
COLUMNS = ("email", "reason", "status", "ip", "created")
_NAMES = {
    "email": "email", "e-mail": "email", "address": "email", "email address": "email", "email_address": "email", "recipient": "email",
    "reason": "reason", "status": "status", "ip": "ip", "created": "created", "created_at": "created",
}
_DELIMITERS = (",", ";", "\t")
_UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")  # the byte order marks, as octets that are no UTF-8 are read


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that cannot be taken; `row` counts from 1 and is the row that a spreadsheet shows."""

    row: int
    message: str


@dataclass(slots=True)
class Report:
    """What became of the rows: `skipped` ones were on the list already; of the errors the first MOST_ERRORS are kept."""

    imported: int = 0
    skipped: int = 0
    error_count: int = 0
    errors: list[RowError] = field(default_factory=list)

    def shown(self) -> dict[str, object]:
        """As JSON has it."""
        errors = [{"row": each.row, "message": each.message} for each in self.errors]
        return {"imported": self.imported, "skipped": self.skipped, "error_count": self.error_count, "errors": errors}


async def import_csv(
    content: BinaryIO, *, database: Database, tenant_id: str, name: str, parse_moment: Callable[[str], float], now_s: float,
    told: Callable[[Report], Awaitable[None]],
) -> Report:
    """The addresses of the file are on the tenant's list; a slice a transaction, each of which may be repeated.

    `told` is awaited after each slice: others have their turn. Rows without a moment of their own are of `now_s`.

    Raises: Invalid when the file is not UTF-8 text or has no column of addresses; Unavailable when the database is away,
    what came before is kept then.
    """
    report = Report()
    rows = read_rows(content, tenant_id=tenant_id, name=name, parse_moment=parse_moment, now_s=now_s)
    while portion := list(islice(rows, SLICE_ROWS)):
        entries = [each for each in portion if isinstance(each, Entry)]
        errors = [each for each in portion if isinstance(each, RowError)]
        imported = await database.run(list_across_tenants, entries)
        report.imported += imported
        report.skipped += len(entries) - imported
        report.error_count += len(errors)
        report.errors += errors[: MOST_ERRORS - len(report.errors)]
        await told(report)
    return report


def read_rows(
    content: BinaryIO, *, tenant_id: str, name: str, parse_moment: Callable[[str], float], now_s: float
) -> Iterator[Entry | RowError]:
    """The file's rows, read while they are asked for; empty ones are left out.

    Raises: Invalid when the file is not UTF-8 text or has no column of addresses.
    """
    text = TextIOWrapper(content, "utf-8-sig", errors="surrogateescape", newline="")
    first = text.readline(MOST_FIELD)
    if first.startswith(_UTF_16):
        raise Invalid("The file is UTF-16.", "file", "Save it as CSV in UTF-8.")
    delimiter = max(_DELIMITERS, key=first.count)
    places = _header(next(csv.reader([first], delimiter=delimiter), []))
    number = 1
    if places is None:
        places = {column: place for place, column in enumerate(COLUMNS)}
        rows = csv.reader(_lines(first, text), delimiter=delimiter)
        number = 0
    else:
        rows = csv.reader(_lines("", text), delimiter=delimiter)
    while True:
        number += 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield RowError(number, f"The row is not CSV: {error}.")
            continue
        if not any(cells):
            continue
        yield _entry(cells, places, number, tenant_id, name, parse_moment, now_s)


def write_csv(rows: Iterable[Listed], *, header: bool = True) -> str:
    """The entries as CSV that `import_csv` reads."""
    out = StringIO()
    writer = csv.writer(out)
    if header:
        writer.writerow(COLUMNS)
    writer.writerows((each.email, each.reason or "", each.status or "", each.ip or "", int(each.created_at)) for each in rows)
    return out.getvalue()


def _lines(first: str, text: TextIOWrapper) -> Iterator[str]:
    """The lines, none longer than a field may be: an endless line is cut into many rows that are none."""
    if first:
        yield first
    while line := text.readline(MOST_FIELD):
        yield line


def _header(cells: Sequence[str]) -> Mapping[str, int] | None:
    """Where the known columns stand; None when the first line is a row and no header. Raises: Invalid for a header without addresses."""
    names = [_NAMES.get(each.strip().lower()) for each in cells]
    if "email" in names:
        return {name: place for place, name in reversed(list(enumerate(names))) if name}
    if any(names) and "@" not in "".join(cells):
        raise Invalid("The file has no column email.", "file", "Its first line names the columns: email, reason, status, ip, created.")
    return None


def _entry(
    cells: Sequence[str], places: Mapping[str, int], number: int, tenant_id: str, name: str, parse_moment: Callable[[str], float], now_s: float
) -> Entry | RowError:
    def cell(column: str) -> str:
        place = places.get(column)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    email = cell("email")
    if not email or not is_valid(email):
        return RowError(number, "Does not contain a valid address." if email else "The row has no address.")
    created_at = now_s
    if created := cell("created"):
        try:
            created_at = min(parse_moment(created), now_s)
        except ValueError:
            return RowError(number, "The column created is neither unix seconds nor an ISO 8601 moment.")
    return Entry(
        tenant_id, name, fold(email), _clean(cell("reason")), _clean(cell("status")), _clean(cell("ip")), None, "import", created_at
    )


def _clean(text: str) -> str | None:
    """The text without what a database does not take; None when it is empty."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8") or None
