"""SQL of webhooks."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from scaisend.reporting.webhook import OAuth, Webhook
from scaisend.storage.database import Row, Txn

US = 1_000_000
_COLUMNS = (
    "id", "tenant_id", "model", "url", "enabled", "events", "friendly_name", "sealed_secret", "oauth", "public_key", "failures",
    "disabled_reason", "created_at", "updated_at",
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM webhooks"


@dataclass(frozen=True, slots=True)
class Settled:
    """What counting a failed post led to: how many failed in a row, and whether the webhook was switched off just now."""

    failures: int
    was_switched_off: bool


def add_webhook(txn: Txn, tenant_id: str, webhook: Webhook) -> None:
    """The webhook is there."""
    if webhook.tenant_id != tenant_id:
        raise ValueError("the webhook is another tenant's")
    txn.insert("webhooks", _COLUMNS, [_row(webhook)])


def save_webhook(txn: Txn, tenant_id: str, webhook: Webhook) -> None:
    """The row says what `webhook` says, its making apart."""
    names = [name for name in _COLUMNS if name not in ("id", "tenant_id", "model", "created_at")]
    values = dict(zip(_COLUMNS, _row(webhook), strict=True))
    txn.execute(
        f"UPDATE webhooks SET {', '.join(f'{name} = :{name}' for name in names)} WHERE tenant_id = :tenant_id AND id = :id",
        values | {"tenant_id": tenant_id},
    )


def webhook_of(txn: Txn, tenant_id: str, webhook_id: str, model: str, *, lock: bool = False) -> Webhook | None:
    """The tenant's webhook of that model; locked until the end of the transaction if so wished."""
    if not webhook_id.isascii():  # MySQL refuses to compare an ASCII column with other text
        return None
    row = txn.row(
        f"{_SELECT} WHERE tenant_id = :tenant_id AND id = :id AND model = :model {txn.dialect.for_update if lock else ''}",
        {"tenant_id": tenant_id, "id": webhook_id, "model": model},
    )
    return _webhook(row) if row else None


def webhooks_of(txn: Txn, tenant_id: str, model: str | None = None, *, lock: bool = False) -> list[Webhook]:
    """The tenant's webhooks (of that model), oldest first."""
    only = "" if model is None else " AND model = :model"
    rows = txn.rows(
        f"{_SELECT} WHERE tenant_id = :tenant_id{only} ORDER BY id {txn.dialect.for_update if lock else ''}",
        {"tenant_id": tenant_id, "model": model},
    )
    return [_webhook(row) for row in rows]


def delete_webhook(txn: Txn, tenant_id: str, webhook_id: str) -> bool:
    """The webhook and its deliveries are gone; False when there was none."""
    parameters = {"tenant_id": tenant_id, "id": webhook_id}
    if not txn.execute("DELETE FROM webhooks WHERE tenant_id = :tenant_id AND id = :id", parameters):
        return False
    txn.execute("DELETE FROM webhook_deliveries WHERE tenant_id = :tenant_id AND webhook_id = :id", parameters)
    return True


def webhook_across_tenants(txn: Txn, webhook_id: str) -> Webhook | None:
    """The webhook, whosever it is: for its worker."""
    row = txn.row(f"{_SELECT} WHERE id = :id", {"id": webhook_id})
    return _webhook(row) if row else None


def note_success(txn: Txn, tenant_id: str, webhook_id: str) -> None:
    """No failure in a row is counted any more."""
    txn.execute(
        "UPDATE webhooks SET failures = 0 WHERE tenant_id = :tenant_id AND id = :id AND failures <> 0", {"tenant_id": tenant_id, "id": webhook_id}
    )


def note_failure(txn: Txn, tenant_id: str, webhook_id: str, most: int, reason: str, now: float) -> Settled:
    """One more failed post is counted; at `most` in a row an enabled webhook is switched off with the reason."""
    parameters = {"tenant_id": tenant_id, "id": webhook_id, "most": most, "reason": reason, "now": int(now * US)}
    txn.execute("UPDATE webhooks SET failures = failures + 1 WHERE tenant_id = :tenant_id AND id = :id", parameters)
    off = txn.execute(
        "UPDATE webhooks SET enabled = 0, disabled_reason = :reason, updated_at = :now "
        "WHERE tenant_id = :tenant_id AND id = :id AND enabled = 1 AND failures >= :most",
        parameters,
    )
    row = txn.row("SELECT failures FROM webhooks WHERE tenant_id = :tenant_id AND id = :id", parameters)
    return Settled(row[0] if row else 0, bool(off))


def sealed_secrets_across_tenants(txn: Txn, after: str, most: int) -> list[tuple[str, bytes]]:
    """Up to `most` (webhook id, sealed secrets) that follow the id `after`."""
    rows = txn.rows(
        "SELECT id, sealed_secret FROM webhooks WHERE id > :after AND sealed_secret IS NOT NULL ORDER BY id LIMIT :most", {"after": after, "most": most}
    )
    return [(row[0], bytes(row[1])) for row in rows]


def reseal_secrets_across_tenants(txn: Txn, webhook_id: str, before: bytes, after: bytes) -> bool:
    """The secrets are sealed anew; False when they are not `before` any more."""
    return txn.execute(
        "UPDATE webhooks SET sealed_secret = :after WHERE id = :id AND sealed_secret = :before", {"id": webhook_id, "before": before, "after": after}
    ) > 0


def _row(webhook: Webhook) -> Sequence[str | int | bytes | None]:
    oauth = {"client_id": webhook.oauth.client_id, "token_url": webhook.oauth.token_url}
    return (
        webhook.id, webhook.tenant_id, webhook.model, webhook.url, int(webhook.is_enabled), orjson.dumps(list(webhook.events)).decode(),
        webhook.friendly_name, webhook.sealed_secret, orjson.dumps(oauth).decode(), webhook.public_key or None, webhook.failures,
        webhook.disabled_reason, int(webhook.created_at * US), int(webhook.updated_at * US),
    )


def _webhook(row: Row) -> Webhook:
    oauth = orjson.loads(row[8]) if row[8] else {}
    return Webhook(
        id=row[0], tenant_id=row[1], model=row[2], url=row[3], is_enabled=bool(row[4]), events=tuple(orjson.loads(row[5])),
        friendly_name=row[6] or "", sealed_secret=None if row[7] is None else bytes(row[7]),
        oauth=OAuth(oauth.get("client_id", ""), oauth.get("token_url", "")), public_key=row[9] or "", failures=row[10],
        disabled_reason=row[11], created_at=row[12] / US, updated_at=row[13] / US,
    )
