"""What the pool asks of a kind of database."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Protocol

from scaisend.storage.dialect import Dialect


class Verdict(Enum):
    """What an error of the driver means for the transaction that met it."""

    RERUN = "nothing happened; it may run again"
    RECONNECT = "the connection is dead; it may run again on a new one"
    AWAY = "the database cannot work at the moment"
    RAISE = "the statement is wrong, or broke a constraint"


class Engine(Protocol):
    """Connections of one database and transactions on them; used in the pool's threads."""

    dialect: Dialect
    driver: str  # the DB-API module
    options: Mapping[str, Any]  # keywords of its connect

    def prepare(self, connection: Any) -> None:
        """The new connection has the session settings that the stores rely on."""

    def transact(self, connection: Any, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """fn(txn, *args, **kwargs) ran and was committed, or nothing happened and its error was raised."""

    def verdict(self, error: BaseException) -> Verdict:
        """What the error means."""
