import tracemalloc
from collections.abc import Iterator
from io import BytesIO, RawIOBase

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid
from scaisend.messages.moments import read_moment
from scaisend.suppressions.csv_import import MOST_ERRORS, Report, RowError, import_csv, read_rows, write_csv
from scaisend.suppressions.store import Entry, Listed, listed_across_tenants
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, now

ROWS = 50_000
CEILING_BYTES = 12_000_000


def rows_of(content: bytes) -> list[Entry | RowError]:
    return list(read_rows(BytesIO(content), tenant_id="tnt_a", name="bounces", parse_moment=read_moment, now_s=NOW))


class EndlessFile(RawIOBase):
    """A file that is never in memory: rows made while they are read."""

    def __init__(self, rows: Iterator[bytes]) -> None:
        self._rows, self._left = rows, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        while len(self._left) < len(buffer) and (row := next(self._rows, None)) is not None:
            self._left += row
        taken, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


class ReadingTests(PlainTestCase):
    def test_layouts(self) -> None:
        """With or without a header, in any order of columns, with commas, semicolons or tabs, with a byte order mark: the same entry."""
        wanted = Entry("tnt_a", "bounces", "ann@x.test", "550 no, sorry", "5.1.1", None, None, "import", 1_700_000_000.0)
        for content in (
            b'email,reason,status,ip,created\r\nAnn@X.test,"550 no, sorry",5.1.1,,1700000000\r\n',
            b'\xef\xbb\xbfCreated;Status;Email;Name;Reason\n1700000000;5.1.1;ann@x.test;Ann;"550 no, sorry"',
            b"created\tstatus\tEmail Address\treason\n2023-11-14T22:13:20Z\t5.1.1\tann@x.test\t550 no, sorry\n",
            b'ann@x.test,"550 no, sorry",5.1.1,,1700000000',
        ):
            self.assertEqual(rows_of(content), [wanted])

    def test_errors_by_row(self) -> None:
        """A row that cannot be taken is told with the number a spreadsheet shows, and the others are taken."""
        found = rows_of(b'email,created\n\na@x.test,\nno address,\n"two\nlines@x.test",\nb@x.test,soon\n,1\n\xff\xfe@x.test,\nc@x.test,9999999999\n')
        self.assertEqual([each.row for each in found if isinstance(each, RowError)], [4, 5, 6, 7, 8])
        self.assertEqual([(each.email, each.created_at) for each in found if isinstance(each, Entry)], [("a@x.test", NOW), ("c@x.test", NOW)])

    def test_what_is_no_list(self) -> None:
        """UTF-16 and a header without addresses are refused with the cure; an empty file is an empty list."""
        for content in ("email\na@x.test\n".encode("utf-16"), b"reason,status\nx,5.1.1\n"):
            with self.assertRaises(Invalid) as caught:
                rows_of(content)
            self.assertTrue(caught.exception.faults[0].help)
        self.assertEqual(rows_of(b""), [])
        self.assertEqual(rows_of(b"email\r\n"), [])

    def test_hostile_cells(self) -> None:
        """NUL and octets that are no UTF-8 do not reach the database; an endless line and an open quote end as errors."""
        (entry,) = rows_of(b"email,reason\na@x.test,\"a\0b\xff\"\n")
        assert isinstance(entry, Entry)
        self.assertEqual(entry.reason, "ab?")
        self.assertTrue(all(isinstance(each, RowError) for each in rows_of(b"x" * 1_000_000)))
        self.assertTrue(all(isinstance(each, RowError) for each in rows_of(b'email\n"' + b"x,\n" * 300_000)))

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=400))
    def test_any_octets(self, content: bytes) -> None:
        """Whatever the file is, it ends in entries with valid UTF-8, in errors, or in a refusal."""
        try:
            for each in rows_of(content):
                if isinstance(each, Entry):
                    "".join(filter(None, (each.email, each.reason, each.status, each.ip))).encode()
        except Invalid:
            pass

    def test_round_trip(self) -> None:
        """What was written is read back."""
        entry = Listed(1, "çelik@x.test", 'say "no",\nplease', "5.1.1", "192.0.2.1", NOW - 5)
        (read,) = rows_of(write_csv([entry]).encode())
        self.assertEqual(read, Entry("tnt_a", "bounces", entry.email, entry.reason, "5.1.1", "192.0.2.1", None, "import", NOW - 5))


class ImportTests(PlainTestCase):
    def test_long_file(self) -> None:
        """A long file goes in by slices, in bounded memory, with others' turns between; a second time all of it is skipped."""
        database = inline_database()
        turns = []

        async def told(report: Report) -> None:
            turns.append(report.imported + report.skipped + report.error_count)

        def load(count: int) -> Report:
            rows = (b"user%d@example.com,550 5.1.1 no such user here,5.1.1\n" % n if n % 25 else b"nobody %d,\n" % n for n in range(count))
            return now(self, import_csv(
                EndlessFile(rows), database=database, tenant_id="tnt_a", name="bounces", parse_moment=read_moment, now_s=NOW, told=told))  # type: ignore[arg-type]

        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        report = load(ROWS)
        self.assertLess(tracemalloc.get_traced_memory()[1], CEILING_BYTES)
        tracemalloc.stop()
        self.assertEqual((report.imported, report.skipped, report.error_count, len(report.errors)), (48_000, 0, 2_000, MOST_ERRORS))
        self.assertEqual(turns, [*range(2_000, ROWS + 1, 2_000)])
        self.assertEqual(load(5_000).skipped, 4_800)
        self.assertEqual(len(database.rows("SELECT 1 FROM suppressions")), 48_000)
        self.assertEqual(database.now(listed_across_tenants, [("tnt_a", "user7@example.com"), ("tnt_b", "user7@example.com")]), {("tnt_a", "user7@example.com"): {"bounces"}})

    def test_counts(self) -> None:
        """An address twice in the file is imported once."""
        database = inline_database()

        async def told(report: Report) -> None:
            pass

        report = now(self, import_csv(
            BytesIO(b"a@x.test\nA@X.TEST\nb@x.test\nb\n"), database=database, tenant_id="tnt_a", name="blocks", parse_moment=read_moment, now_s=NOW, told=told))
        self.assertEqual((report.imported, report.skipped, report.errors), (2, 1, [RowError(4, "Does not contain a valid address.")]))
