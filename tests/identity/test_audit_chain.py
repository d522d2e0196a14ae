from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scaisend.identity.audit_chain import Chain, ChainedRow, Walk, hash_of, hash_of_older
from tests.base import PlainTestCase


def columns(number: int) -> tuple[object, ...]:
    return ("tnt_1", None, "key_1", "thing.change", f"thg_{number}", '{"name":"Zoë"}', "192.0.2.1", "req-1", 1_800_000_000_000_000 + number)


def a_chain(older: int, count: int) -> tuple[Chain, list[ChainedRow]]:
    """The end and the rows of a chain that began after some rows."""
    rows = [ChainedRow(number, columns(number), None, None, None) for number in range(1, older + 1)]
    number_of_older, last, digest = hash_of_older((row.number, row.columns) for row in rows)
    older_hash = digest
    for place in range(1, count + 1):
        number = older + place * 2
        made = hash_of(digest, (place, *columns(number)))
        rows.append(ChainedRow(number, columns(number), place, digest, made))
        digest = made
    return Chain("tnt_1", count, digest, number_of_older, last, older_hash), rows


def findings(chain: Chain, rows: list[ChainedRow], *expected: str) -> list[tuple[int | None, str]]:
    walk = Walk(chain, set(expected))
    for row in rows:
        walk.step(row)
    return [(each.number, each.what) for each in walk.end(chain)]


class AuditChainTests(PlainTestCase):
    def test_an_untouched_chain(self) -> None:
        """Nothing is found in it, with older rows before it or without, and empty."""
        for older, count in ((0, 0), (0, 5), (3, 5), (3, 0)):
            self.assertEqual(findings(*a_chain(older, count)), [])

    @given(st.integers(0, 6), st.integers(0, 8), st.text(max_size=5))
    def test_an_altered_row_is_found(self, place: int, column: int, text: str) -> None:
        """Whatever column of whatever row was altered, that row is named."""
        chain, rows = a_chain(0, 7)
        changed = list(rows[place].columns)
        changed[column] = text
        rows[place] = replace(rows[place], columns=tuple(changed))
        self.assertEqual(findings(chain, rows), [(rows[place].number, "altered")])

    def test_an_altered_row_with_a_hash_made_for_it(self) -> None:
        """The row after it does not follow it any more."""
        chain, rows = a_chain(0, 7)
        row = rows[3]
        forged = (*row.columns[:2], "nobody", *row.columns[3:])
        assert row.previous_hash is not None
        rows[3] = replace(row, columns=forged, row_hash=hash_of(row.previous_hash, (row.place, *forged)))
        self.assertEqual(findings(chain, rows), [(rows[4].number, "the row before it was altered")])

    @given(st.integers(0, 5), st.integers(1, 3))
    def test_removed_rows_are_counted(self, place: int, count: int) -> None:
        """The row that follows the gap is named, with the number of rows that are missing."""
        chain, rows = a_chain(0, 10)
        del rows[place : place + count]
        self.assertEqual(findings(chain, rows), [(rows[place].number, f"removed: {count} rows before it")])

    def test_the_last_rows_are_missed_too(self) -> None:
        """The chain's end knows how many there were."""
        chain, rows = a_chain(2, 10)
        self.assertEqual(findings(chain, rows[:-3]), [(None, "removed: the last 3 rows of 10")])

    def test_inserted_rows(self) -> None:
        """With hashes or without."""
        chain, rows = a_chain(0, 6)
        plain = ChainedRow(5, columns(99), None, None, None)
        self.assertEqual(findings(chain, [*rows[:2], plain, *rows[2:]]), [(5, "inserted: it is not in the chain")])
        previous = rows[1].row_hash
        assert previous is not None
        forged = ChainedRow(5, columns(99), 3, previous, hash_of(previous, (3, *columns(99))))
        self.assertEqual(findings(chain, [*rows[:2], forged, *rows[2:]]), [(rows[2].number, "the rows before it, from place 3 on, were inserted")])

    def test_a_row_after_the_end(self) -> None:
        """What was added without the chain's end is found."""
        chain, rows = a_chain(0, 3)
        previous = rows[-1].row_hash
        assert previous is not None
        more = ChainedRow(99, columns(99), 4, previous, hash_of(previous, (4, *columns(99))))
        self.assertEqual(len(findings(chain, [*rows, more])), 1)

    def test_older_rows(self) -> None:
        """One that was altered, removed or added before the chain began is found, though not which."""
        chain, rows = a_chain(4, 3)
        altered = [replace(rows[0], columns=columns(77)), *rows[1:]]
        for changed in (altered, rows[1:], [rows[0], *rows]):
            ((number, what),) = findings(chain, changed)
            self.assertIsNone(number)
            self.assertIn("of the 4 rows up to number 4, from before the chain", what)

    def test_a_chain_that_was_written_anew(self) -> None:
        """It is sound by itself, but the hash that was noted elsewhere is not in it."""
        chain, rows = a_chain(1, 5)
        noted = rows[5].row_hash
        assert noted is not None
        self.assertEqual(findings(chain, rows, noted.hex(), chain.older_hash.hex()), [])
        other, anew = a_chain(1, 3)
        self.assertEqual(findings(other, anew, noted.hex()), [(None, f"no row has the expected hash {noted.hex()}: the chain was written anew")])
