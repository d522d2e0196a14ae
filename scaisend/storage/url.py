"""DATABASE_URL: its spellings, and what the drivers are to be told."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from scaisend.faults import Invalid

_MYSQL = {"mysql", "mariadb"}
_MYSQL_DRIVERS = {"", "pymysql", "aiomysql", "asyncmy", "mysqldb", "mysqlconnector"}
_SQLITE_DRIVERS = {"", "pysqlite", "aiosqlite"}
_HELP = "write mysql://user:password@host:3306/name or sqlite:///path/to/scaisend.db; special characters of a password are %-encoded"

_TEXT = {"unix_socket", "ssl_ca", "ssl_cert", "ssl_key", "ssl_key_password"}
_SWITCH = {"ssl_verify_cert", "ssl_verify_identity", "ssl_disabled"}
_SECONDS = {"connect_timeout", "read_timeout", "write_timeout"}
_IGNORED = {"charset", "pool_recycle", "autocommit", "local_infile"}
_ALIASES = {
    "ssl_verify": "ssl_verify_identity", "ssl_check_hostname": "ssl_verify_identity", "ssl-ca": "ssl_ca", "sslca": "ssl_ca",
    "socket": "unix_socket",
}
_YES = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class SqliteAddress:
    """An SQLite file."""

    path: str


@dataclass(frozen=True, slots=True)
class MysqlAddress:
    """A MySQL or MariaDB database; `options` are more keywords of pymysql.connect, in its types."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    options: dict[str, str | float | bool]


def parse_database_url(url: str, variable: str = "DATABASE_URL") -> SqliteAddress | MysqlAddress:
    """Where the database is.

    Raises: Invalid naming `variable`, never with the password in it.
    """
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        raise Invalid("this is no database URL", variable, _HELP) from None
    backend, _, driver = parsed.drivername.partition("+")
    if backend == "sqlite" and driver in _SQLITE_DRIVERS:
        return _sqlite(parsed, variable)
    if backend in _MYSQL and driver in _MYSQL_DRIVERS:
        return _mysql(parsed, variable)
    raise Invalid(f"no database of the kind {parsed.drivername!r} is known", variable, _HELP)


def alchemy_url(address: SqliteAddress | MysqlAddress) -> URL:
    """The address as SQLAlchemy wants it."""
    if isinstance(address, SqliteAddress):
        return URL.create("sqlite", database=address.path)
    return URL.create("mysql+pymysql", address.user, address.password, address.host, address.port, address.database)


def driver_options(address: MysqlAddress) -> dict[str, Any]:
    """The keywords of pymysql.connect beside host, port, user, password and database.

    A dead server is found out within seconds; a statement has half a minute. With any `ssl_` option the connection is TLS, or there is none.

    Raises: Invalid, when a file of them cannot be used.
    """
    options: dict[str, Any] = {name: value for name, value in address.options.items() if not name.startswith("ssl_")}
    given = {name: value for name, value in address.options.items() if name.startswith("ssl_")}
    if given.get("ssl_disabled"):
        options["ssl_disabled"] = True
    elif given.keys() - {"ssl_disabled"}:
        options["ssl"] = _tls(given)
    return {"charset": "utf8mb4", "connect_timeout": 3, "read_timeout": 30, "write_timeout": 30, **options}


def _tls(given: Mapping[str, Any]) -> ssl.SSLContext:
    """The context of the `ssl_` options: chain and name are checked unless they say otherwise, against `ssl_ca` or the system's authorities.

    The driver's own reading of them checks no name when only `ssl_ca` is given, and nothing without it.
    """
    try:
        context = ssl.create_default_context(cafile=given.get("ssl_ca"))
        context.check_hostname = given.get("ssl_verify_cert", True) and given.get("ssl_verify_identity", True)
        context.verify_mode = ssl.CERT_REQUIRED if given.get("ssl_verify_cert", True) else ssl.CERT_NONE
        if "ssl_cert" in given:
            context.load_cert_chain(given["ssl_cert"], given.get("ssl_key"), given.get("ssl_key_password"))
    except OSError as error:
        raise Invalid(f"a file of its ssl_ options cannot be used: {error.strerror or error}", "DATABASE_URL", _HELP) from None
    return context


def _sqlite(parsed: URL, variable: str) -> SqliteAddress:
    path = parsed.database or ""
    if parsed.host:
        raise Invalid("an SQLite URL has three slashes, or four before an absolute path", variable, _HELP)
    if path in ("", ":memory:") or path.startswith("file:"):
        raise Invalid("the database must be a file", variable, _HELP)
    return SqliteAddress(path)


def _mysql(parsed: URL, variable: str) -> MysqlAddress:
    if not parsed.database:
        raise Invalid("the name of the database is missing", variable, _HELP)
    options: dict[str, str | float | bool] = {}
    for key, value in parsed.query.items():
        name = _ALIASES.get(key, key)
        if name not in _IGNORED:
            options[name] = _option(name, value if isinstance(value, str) else value[-1], variable)
    if options.get("ssl_verify_identity") is False:
        options.setdefault("ssl_verify_cert", False)
    password = parsed.password
    return MysqlAddress(
        host=parsed.host or "localhost", port=parsed.port or 3306, user=parsed.username or "root",
        password="" if password is None else str(password), database=parsed.database, options=options,
    )


def _option(name: str, value: str, variable: str) -> str | float | bool:
    if name in _TEXT:
        return value
    if name in _SWITCH:
        switch = _YES.get(value.lower())
        if switch is None:
            raise Invalid(f"{name} is true or false", variable, _HELP)
        return switch
    if name in _SECONDS:
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= 3600:
            raise Invalid(f"{name} is a number of seconds up to 3600", variable, _HELP)
        return seconds
    raise Invalid(f"{name} is no option that is known", variable, f"known are {', '.join(sorted(_TEXT | _SWITCH | _SECONDS))}")
