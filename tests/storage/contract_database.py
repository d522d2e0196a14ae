"""What every Database does, on whatever it stands: run by test_sqlite_engine, test_mysql_engine and test_inline_database."""

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import gatherResults

from scaisend.storage.database import Database, DuplicateKey, Txn

AWKWARD = "it's \"quoted\" \\ back\\'slash %s %(a)s :name ::x \x00\x1a\r\n\t -- /* ünï 😀"


def put(txn: Txn, name: str, value: int = 0) -> int:
    return txn.insert("epochs", ["name", "value"], [(name, value)])


def epochs(txn: Txn) -> dict[str, int]:
    return dict(txn.rows("SELECT name, value FROM epochs ORDER BY name"))


def add_one(txn: Txn, name: str) -> None:
    """Reads, then writes: two of these at once lose nothing."""
    (value,) = txn.row(f"SELECT value FROM epochs WHERE name = :name {txn.dialect.for_update}", {"name": name}) or (0,)
    txn.execute("UPDATE epochs SET value = :value WHERE name = :name", {"name": name, "value": value + 1})


class DatabaseContract:
    """Mixed into a ReactorTestCase that sets `self.database` up, with the newest schema and empty."""

    database: Database

    async def test_commits(self: Any) -> None:
        """What a function wrote is there after its answer, and its arguments reach it."""
        self.assertEqual(await self.database.run(put, "a", value=7), 1)
        self.assertEqual(await self.database.read(epochs), {"a": 7})

    async def test_undoes_a_function_that_raises(self: Any) -> None:
        """An error undoes all that the function wrote and reaches the caller; the connection stays of use."""

        def fail(txn: Txn) -> None:
            put(txn, "a")
            raise KeyError("no")

        await self.assertFailure(self.database.run(fail), KeyError)
        self.assertEqual(await self.database.run(epochs), {})

    async def test_keeps_values_exactly(self: Any) -> None:
        """Text with every awkward character, bytes, floats, large numbers and None come back as they went."""

        def both(txn: Txn) -> list[tuple[Any, ...]]:
            txn.insert("instance", ["name", "value"], [("inserted", AWKWARD)])
            txn.execute("INSERT INTO instance (name, value) VALUES (:n, :v)", {"n": "executed", "v": AWKWARD})
            return txn.rows("SELECT value, :text, :none, :number FROM instance WHERE value = :text", {
                "text": AWKWARD, "none": None, "number": 2**62})

        self.assertEqual(await self.database.run(both), [(AWKWARD, AWKWARD, None, 2**62)] * 2)

    async def test_keeps_bytes_exactly(self: Any) -> None:
        """All 256 bytes are kept in a blob, and found by a comparison."""
        content = bytes(range(256)) * 3

        def both(txn: Txn) -> Any:
            txn.insert("bodies", ["message_id", "tenant_id", "content"], [("m1", "t", content), ("m2", "t", b"")])
            return (
                txn.row("SELECT content FROM bodies WHERE content = :content", {"content": content}),
                txn.row("SELECT content FROM bodies WHERE message_id = 'm2'"),
            )

        self.assertEqual(await self.database.run(both), ((content,), (b"",)))

    async def test_sees_no_parameters_in_literals(self: Any) -> None:
        """Colons and per cent signs in literals, comments and quoted names are what they are."""

        def fn(txn: Txn) -> Any:
            put(txn, "a:name")
            return txn.row(
                "SELECT name, ':name', '100%', 'it''s :name' FROM epochs /* :name */ WHERE name LIKE 'a:%' AND name = :name -- :name",
                {"name": "a:name"},
            )

        self.assertEqual(await self.database.run(fn), ("a:name", ":name", "100%", "it's :name"))

    async def test_spreads_lists(self: Any) -> None:
        """A list stands after IN, of values or of rows, more than once and with repeats."""

        def fn(txn: Txn, names: Sequence[str]) -> Any:
            txn.insert("epochs", ["name", "value"], [("a", 1), ("b", 2), ("c'\\", 3)])
            return (
                txn.rows("SELECT name FROM epochs WHERE name IN :names ORDER BY name", {"names": names}),
                txn.rows("SELECT name FROM epochs WHERE (name, value) IN :pairs ORDER BY name", {"pairs": [("a", 1), ("b", 9), ("c'\\", 3)]}),
                txn.execute("UPDATE epochs SET value = :v WHERE name IN :names AND value NOT IN :values", {"v": 5, "names": names, "values": [1]}),
            )

        self.assertEqual(
            await self.database.run(fn, ["a", "c'\\", "a"]), ([("a",), ("c'\\",)], [("a",), ("c'\\",)], 1),
        )

    async def test_an_empty_list_matches_nothing(self: Any) -> None:
        """IN an empty list is false for values and for rows, and NOT IN it is true."""

        def fn(txn: Txn) -> Any:
            put(txn, "a")
            return [
                len(txn.rows(f"SELECT name FROM epochs WHERE {condition}", {"none": []}))
                for condition in ("name IN :none", "(name, value) IN :none", "name NOT IN :none", "(name, value) NOT IN :none")
            ]

        self.assertEqual(await self.database.run(fn), [0, 0, 1, 1])

    async def test_counts_matched_rows(self: Any) -> None:
        """An UPDATE that changes nothing still counts the rows it matched, so a guard that held is told from one that failed."""

        def fn(txn: Txn) -> Any:
            put(txn, "a", 1)
            return [txn.execute("UPDATE epochs SET value = 1 WHERE name = :name", {"name": name}) for name in ("a", "b")]

        self.assertEqual(await self.database.run(fn), [1, 0])

    async def test_inserts_many_and_ignores_the_known(self: Any) -> None:
        """The count is of rows inserted; a row that is known, or comes twice, is skipped with `ignore`; no rows are no statement."""

        def fn(txn: Txn) -> Any:
            return (
                txn.insert("epochs", ["name", "value"], ((f"n{number}", number) for number in range(1000))),
                txn.insert("epochs", ["name", "value"], [("n1", 9), ("new", 1), ("new", 2)], ignore=True),
                txn.insert("epochs", ["name", "value"], []),
                txn.row("SELECT SUM(value), COUNT(*) FROM epochs"),
            )

        self.assertEqual(await self.database.run(fn), (1000, 1, 0, (499_501, 1001)))

    async def test_ignore_ignores_nothing_but_known_keys(self: Any) -> None:
        """A row without a value that it must have is an error, not a row left out or filled up."""

        def fn(txn: Txn) -> None:
            txn.insert("instance", ["name", "value"], [("a", None)], ignore=True)

        await self.assertFailure(self.database.run(fn), Exception)
        self.assertEqual(await self.database.run(lambda txn: txn.rows("SELECT * FROM instance")), [])

    async def test_names_a_duplicate(self: Any) -> None:
        """A taken key raises DuplicateKey on every database, and the rest of the transaction stands."""

        def fn(txn: Txn) -> str:
            put(txn, "a")
            try:
                put(txn, "a")
            except DuplicateKey:
                put(txn, "b")
            return "done"

        self.assertEqual(await self.database.run(fn), "done")
        self.assertEqual(await self.database.run(epochs), {"a": 0, "b": 0})
        await self.assertFailure(self.database.run(put, "a"), DuplicateKey)

    async def test_upserts(self: Any) -> None:
        """Known rows get the new values of the columns named, others are inserted; without columns known rows stay."""

        def fn(txn: Txn) -> Any:
            put(txn, "a", 1)
            txn.upsert("epochs", ["name", "value"], [("a", 5), ("b", 6)], keys=["name"], update=["value"])
            txn.upsert("epochs", ["name", "value"], [("a", 7), ("c", 8)], keys=["name"], update=[])
            return epochs(txn)

        self.assertEqual(await self.database.run(fn), {"a": 5, "b": 6, "c": 8})

    async def test_adds(self: Any) -> None:
        """Columns that are added to grow in known rows, once for each row given, and begin with the value in new ones."""

        def fn(txn: Txn) -> Any:
            put(txn, "a", 1)
            txn.upsert("epochs", ["name", "value"], [("a", 5), ("b", 6), ("a", 2)], keys=["name"], add=["value"])
            return epochs(txn)

        self.assertEqual(await self.database.run(fn), {"a": 8, "b": 6})

    async def test_reads_do_not_write(self: Any) -> None:
        """A function handed to `read` cannot write by mistake: on a replica it could not either."""
        await self.assertFailure(self.database.read(put, "a"), Exception)
        self.assertEqual(await self.database.run(epochs), {})

    async def test_loses_no_update(self: Any) -> None:
        """Transactions that read and then write, many at once, lose nothing."""
        await self.database.run(put, "a")
        await gatherResults([self.database.run(add_one, "a") for _ in range(40)])
        self.assertEqual(await self.database.read(epochs), {"a": 40})
