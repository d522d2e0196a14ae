"""Literals, tried against a real server."""

from enum import StrEnum
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaisend.storage.mysql_txn import MysqlTxn, literal, text_of
from tests.base import PlainTestCase
from tests.world.mariadb import private_mariadb

TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text("'\\\"`%_:\x00\x1a\n;-#/* ")
VALUES = TEXT | st.binary() | st.integers(-(2**63), 2**63 - 1) | st.none() | st.booleans()


class Kind(StrEnum):
    """An enumeration whose member is text."""

    QUOTED = "it's"


class LiteralTests(PlainTestCase):
    """Without a server."""

    def test_writes_each_type(self) -> None:
        """The notation of each type, subclasses included."""
        rows: list[tuple[Any, str]] = [
            ("a'b\\c", "'a''b\\\\c'"), (7, "7"), (True, "1"), (None, "NULL"), (0.1, "0.1"), (b"\x00'", "_binary X'0027'"), (b"", "''"),
            (Kind.QUOTED, "'it''s'"), (bytearray(b"a"), "_binary X'61'"),
        ]
        for value, text in rows:
            self.assertEqual(literal(value), text)

    def test_refuses_what_is_no_value(self) -> None:
        """A dictionary, an object, infinity: an error, never its repr in a statement."""
        for value in ({"a": 1}, object(), float("inf"), float("nan"), {1, 2}):
            self.assertRaises((TypeError, ValueError), literal, value)

    def test_a_missing_parameter_is_an_error(self) -> None:
        """The statement is not sent with a hole."""
        self.assertRaises(KeyError, text_of, "SELECT :a", {})

    def test_a_value_is_not_read_for_parameters(self) -> None:
        """A value that looks like a parameter stays a value."""
        self.assertEqual(text_of("SELECT :a, :b", {"a": ":b", "b": "%s"}), "SELECT ':b', '%s'")


class ServerTests(PlainTestCase):
    """With a server."""

    def test_values_come_back_as_they_went(self) -> None:
        """No text or bytes can leave their literal (injection), and nothing is changed on the way."""
        server = private_mariadb()
        server.start()
        connection = server.connect()
        self.addCleanup(connection.close)
        txn = MysqlTxn(connection, 16_000_000)
        txn.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES'")

        @settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
        @given(st.lists(VALUES, min_size=1, max_size=8))
        def check(values: list[Any]) -> None:
            names = [f"v{number}" for number in range(len(values))]
            row = txn.row("SELECT " + ", ".join(f":{name}" for name in names), dict(zip(names, values, strict=True)))
            expected = tuple("" if value == b"" and isinstance(value, bytes) else value for value in values)
            self.assertEqual(row, expected)

        check()
