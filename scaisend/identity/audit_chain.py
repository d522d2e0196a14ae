"""The chain that audit rows form: each holds its place, the hash of the row before, and a hash over itself and that one.

A hash is SHA-256 over the JSON array of the row's columns and, in hex, the hash before it. Rows that are older than the chain are
covered by one hash over all of them, which the first row follows. So whoever changes, removes or inserts a row has to write
all later ones anew, and the chain's end; a hash that was noted elsewhere shows even that.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

INSTALLATION = "installation"
NOTHING = bytes(32)
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class ChainedRow:
    """A row of the log as it stands there: `columns` are tenant, partner, actor, action, resource, change, source, request and moment."""

    number: int
    columns: tuple[object, ...]
    place: int | None
    previous_hash: bytes | None
    row_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain's end, and what was before it began: so many rows up to `older_number`, all of them under `older_hash`."""

    name: str
    places: int
    last_hash: bytes
    older_rows: int
    older_number: int
    older_hash: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not as it was written: `number` is the row that shows it, None for what no row shows."""

    chain: str
    number: int | None
    what: str


def hash_of(previous: bytes, columns: Sequence[object]) -> bytes:
    """The hash of a row that follows the row of hash `previous`."""
    return hashlib.sha256(json.dumps([previous.hex(), *columns], ensure_ascii=True, separators=(",", ":")).encode("ascii")).digest()


def hash_of_older(rows: Iterable[tuple[int, Sequence[object]]]) -> tuple[int, int, bytes]:
    """Of the (number, columns) of rows that are older than their chain: how many they are, the last number, and their hash."""
    count, last, digest = 0, 0, NOTHING
    for number, columns in rows:
        count, last, digest = count + 1, number, hash_of(digest, (number, *columns))
    return count, last, digest


@dataclass(slots=True)
class Walk:
    """A walk along one chain, given its rows in the order of their numbers; `findings` says what was found so far."""

    chain: Chain
    expected: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    rows: int = 0
    _older: int = 0
    _older_hash: bytes = NOTHING
    _place: int = 0
    _hash: bytes = b""
    _seen: deque[bytes] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def __post_init__(self) -> None:
        self._hash = self.chain.older_hash
        self._seen.append(self._hash)
        self._note(self._hash)

    def step(self, row: ChainedRow) -> None:
        """The next row was looked at."""
        self.rows += 1
        if row.number <= self.chain.older_number and row.row_hash is None:
            self._older += 1
            self._older_hash = hash_of(self._older_hash, (row.number, *row.columns))
        elif row.row_hash is None or row.previous_hash is None or row.place is None:
            self._found(row, "inserted: it is not in the chain")
        elif row.previous_hash != self._hash:
            self._jump(row, row.previous_hash, row.row_hash, row.place)
        elif hash_of(self._hash, (row.place, *row.columns)) != row.row_hash:
            self._found(row, "altered")
            self._go_on(row.row_hash, row.place)
        else:
            self._go_on(row.row_hash, row.place)

    def end(self, chain: Chain) -> list[Finding]:
        """All that was found, after the last row; `chain` is the end as it was read with that row."""
        self.chain = chain
        if (self._older, self._older_hash if self._older else NOTHING) != (chain.older_rows, chain.older_hash):
            what = f"of the {chain.older_rows} rows up to number {chain.older_number}, from before the chain, {self._older} are there"
            self.findings.append(Finding(chain.name, None, f"{what}; one or more were altered, removed or inserted"))
        if self._place < chain.places:
            self.findings.append(Finding(chain.name, None, f"removed: the last {chain.places - self._place} rows of {chain.places}"))
        elif self._place != chain.places or self._hash != chain.last_hash:
            self.findings.append(Finding(chain.name, None, "the chain's end is not that of its last row: one of them was altered"))
        for each in sorted(self.expected):
            self.findings.append(Finding(chain.name, None, f"no row has the expected hash {each}: the chain was written anew"))
        return self.findings

    def _jump(self, row: ChainedRow, previous: bytes, row_hash: bytes, place: int) -> None:
        """The row does not follow the one before it."""
        if previous in self._seen and place <= self._place:
            self._found(row, f"the rows before it, from place {place} on, were inserted")
        elif place > self._place + 1:
            self._found(row, f"removed: {place - self._place - 1} rows before it")
        else:
            self._found(row, "the row before it was altered")
        if hash_of(previous, (place, *row.columns)) != row_hash:
            self._found(row, "altered")
        self._go_on(row_hash, place)

    def _go_on(self, row_hash: bytes, place: int) -> None:
        self._hash, self._place = row_hash, place
        self._seen.append(row_hash)
        self._note(row_hash)

    def _note(self, row_hash: bytes) -> None:
        if self.expected:
            self.expected.discard(row_hash.hex())

    def _found(self, row: ChainedRow, what: str) -> None:
        self.findings.append(Finding(self.chain.name, row.number, what))
