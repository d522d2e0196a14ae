"""SQL of destinations, which belong to no tenant, and of the tenants' IP pools."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from scaisend.delivery.destination import OPEN, DestinationState
from scaisend.messages.store import US, micros
from scaisend.storage.database import DuplicateKey, Row, Txn

NAME_LENGTH = 255
REPLY_LENGTH = 512
_POOL = "SELECT id, name, addresses, created_at, updated_at FROM ip_pools WHERE tenant_id = :tenant_id"


@dataclass(frozen=True, slots=True)
class KeptDestination:
    """A destination of which something is to be said, and since when."""

    state: DestinationState
    updated_at: float


@dataclass(frozen=True, slots=True)
class IpPool:
    """A tenant's named set of source addresses."""

    id: str
    name: str
    addresses: tuple[str, ...]
    created_at: float
    updated_at: float


def keep_states_across_tenants(txn: Txn, states: Sequence[DestinationState], now: float) -> None:
    """The destinations are stored as they are; one that simply takes mail is forgotten. Of several states of one name the last counts."""
    latest = {state.name[:NAME_LENGTH]: state for state in states}
    forgotten = sorted(name for name, state in latest.items() if state.state == OPEN and not state.failures)
    kept = [(name, state) for name, state in sorted(latest.items()) if state.state != OPEN or state.failures]
    if forgotten:
        txn.execute("DELETE FROM destinations WHERE name IN :names", {"names": forgotten})
    if kept:
        columns = ("state", "retry_at", "failures", "last_reply", "updated_at")
        txn.upsert(
            "destinations", ("name", *columns),
            [
                (name, state.state, micros(state.retry_at), state.failures, state.last_reply and state.last_reply[:REPLY_LENGTH], micros(now))
                for name, state in kept
            ],
            keys=("name",), update=columns,
        )


def kept_across_tenants(txn: Txn, *, after: str = "", most: int = 10_000, names: Sequence[str] = ()) -> list[KeptDestination]:
    """Destinations that are left alone or paused, by name: at most `most`, with names above `after`; only those of `names` where some are given."""
    which = "name IN :names" if names else "name > :after"
    rows = txn.rows(
        f"SELECT name, state, retry_at, failures, last_reply, updated_at FROM destinations WHERE {which} ORDER BY name LIMIT :most",
        {"most": most, **({"names": list(names)} if names else {"after": after})},
    )
    return [
        KeptDestination(DestinationState(row[0], row[1], None if row[2] is None else row[2] / US, row[3], row[4]), row[5] / US) for row in rows
    ]


def forgive_across_tenants(txn: Txn, name: str) -> None:
    """What is stored against the destination is forgotten."""
    txn.execute("DELETE FROM destinations WHERE name = :name", {"name": name})


def pools(txn: Txn, tenant_id: str, *, lock: bool = False) -> list[IpPool]:
    """The tenant's pools, by name; locked until the end of the transaction if so wished."""
    return [_pool(row) for row in txn.rows(f"{_POOL} ORDER BY name {txn.dialect.for_update if lock else ''}", {"tenant_id": tenant_id})]


def pool(txn: Txn, tenant_id: str, pool_id: str, *, lock: bool = False) -> IpPool | None:
    """The tenant's pool; locked until the end of the transaction if so wished."""
    if not pool_id.isascii():  # MySQL refuses to compare an ASCII column with other text
        return None
    row = txn.row(f"{_POOL} AND id = :id {txn.dialect.for_update if lock else ''}", {"tenant_id": tenant_id, "id": pool_id})
    return _pool(row) if row else None


def add_pool(txn: Txn, tenant_id: str, made: IpPool) -> bool:
    """The tenant has the pool; False when it has one of this name already."""
    try:
        txn.insert(
            "ip_pools", ("id", "tenant_id", "name", "addresses", "created_at", "updated_at"),
            [(made.id, tenant_id, made.name, orjson.dumps(made.addresses).decode(), micros(made.created_at), micros(made.updated_at))],
        )
    except DuplicateKey:
        return False
    return True


def change_pool(txn: Txn, tenant_id: str, changed: IpPool) -> bool:
    """The pool of this id has this name and these addresses; False when another pool has the name."""
    try:
        txn.execute(
            "UPDATE ip_pools SET name = :name, addresses = :addresses, updated_at = :now WHERE tenant_id = :tenant_id AND id = :id",
            {
                "name": changed.name, "addresses": orjson.dumps(changed.addresses).decode(), "now": micros(changed.updated_at),
                "tenant_id": tenant_id, "id": changed.id,
            },
        )
    except DuplicateKey:
        return False
    return True


def remove_pool(txn: Txn, tenant_id: str, pool_id: str) -> None:
    """The pool is gone. Mail that named it leaves by any address."""
    txn.execute("DELETE FROM ip_pools WHERE tenant_id = :tenant_id AND id = :id", {"tenant_id": tenant_id, "id": pool_id})


def _pool(row: Row) -> IpPool:
    return IpPool(row[0], row[1], tuple(orjson.loads(row[2])), row[3] / US, row[4] / US)
