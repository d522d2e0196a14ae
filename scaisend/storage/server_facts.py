"""What a database server says of itself."""

from dataclasses import dataclass

from scaisend.storage.database import Txn


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """`kind` is sqlite, mysql or mariadb; `charset` that of the database; `now_at` the server's clock."""

    kind: str
    version: str
    charset: str
    now_at: float


def server_facts(txn: Txn) -> ServerFacts:
    """What the server behind this transaction is."""
    if txn.dialect.name == "sqlite":
        row = txn.row("SELECT sqlite_version(), (julianday('now') - 2440587.5) * 86400.0")
        charset = txn.row("PRAGMA encoding")
        version, now_at = row or ("", 0.0)
        return ServerFacts("sqlite", str(version), str(charset[0]) if charset else "", float(now_at))
    version, charset_name, now_at = txn.row("SELECT VERSION(), @@character_set_database, UNIX_TIMESTAMP(NOW(6))") or ("", "", 0)
    kind = "mariadb" if "mariadb" in str(version).lower() else "mysql"
    return ServerFacts(kind, str(version), str(charset_name), float(now_at))
