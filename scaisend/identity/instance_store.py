"""Facts of the installation, and the epoch that tells when what is remembered of identity is out of date."""

from collections.abc import Sequence

from scaisend.faults import Conflict
from scaisend.storage.database import Txn

IDENTITY = "identity"
FINGERPRINT = "secret_key_fingerprint"


def bump_identity_epoch(txn: Txn) -> None:
    """What any process remembers of credentials, tenants and roles is out of date once this transaction commits.

    Takes a row lock that all such transactions share: to be the last statement of each.
    """
    count = "UPDATE epochs SET value = value + 1 WHERE name = :name"
    if not txn.execute(count, {"name": IDENTITY}):
        txn.insert("epochs", ("name", "value"), [(IDENTITY, 0)], ignore=True)
        txn.execute(count, {"name": IDENTITY})


def identity_epoch(txn: Txn) -> int:
    """The identity epoch; 0 before the first change."""
    row = txn.row("SELECT value FROM epochs WHERE name = :name", {"name": IDENTITY})
    return int(row[0]) if row else 0


def claim_fact(txn: Txn, name: str, value: str) -> str:
    """The fact of this name, which is `value` when there was none before."""
    txn.insert("instance", ("name", "value"), [(name, value)], ignore=True)
    row = txn.row("SELECT value FROM instance WHERE name = :name", {"name": name})
    return str(row[0]) if row else value


def find_fact(txn: Txn, name: str) -> str | None:
    """The fact of this name, or None."""
    row = txn.row("SELECT value FROM instance WHERE name = :name", {"name": name})
    return str(row[0]) if row else None


def set_fact(txn: Txn, name: str, value: str) -> None:
    """The fact of this name is `value`."""
    txn.upsert("instance", ("name", "value"), [(name, value)], keys=("name",), update=("value",))


def check_fingerprint(txn: Txn, fingerprint: str, others: Sequence[str] = ()) -> None:
    """This database's secrets are sealed under the SECRET_KEY of this fingerprint, or one of the `others` that are accepted beside it.

    The first caller decides which that is. Raises: Conflict when it was another SECRET_KEY.
    """
    kept = claim_fact(txn, FINGERPRINT, fingerprint)
    if kept != fingerprint and kept not in others:
        raise Conflict(
            f"SECRET_KEY is not the one this database was set up with (fingerprint {fingerprint}, expected {kept})", "SECRET_KEY",
            "put the former SECRET_KEY back, or name it in SECRET_KEY_PREVIOUS and run `scaisend secrets rotate`: without it, stored secrets "
            "cannot be opened and links already sent do not work",
        )


def sealed_facts_across_tenants(txn: Txn, after: str, most: int) -> list[tuple[str, bytes]]:
    """Up to `most` (name, sealed secret) of the facts that are secrets, which follow the name `after`."""
    rows = txn.rows(
        "SELECT name, value FROM instance WHERE name LIKE 'sealed.%' AND name > :after ORDER BY name LIMIT :most", {"after": after, "most": most}
    )
    return [(row[0], bytes.fromhex(row[1])) for row in rows]


def reseal_fact_across_tenants(txn: Txn, name: str, before: bytes, after: bytes) -> bool:
    """The fact is sealed anew; False when it is not `before` any more."""
    return txn.execute(
        "UPDATE instance SET value = :after WHERE name = :name AND value = :before", {"name": name, "before": before.hex(), "after": after.hex()}
    ) > 0
