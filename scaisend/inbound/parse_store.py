"""SQL of the inbound parse settings: which host's mail is posted where. A host belongs to one tenant alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.faults import Invalid
from scaisend.storage.database import DuplicateKey, Row, Txn

MOST_SETTINGS = 100
_SELECT = "SELECT hostname, url, spam_check, send_raw, created_at FROM parse_settings WHERE tenant_id = :tenant_id"


@dataclass(frozen=True, slots=True)
class ParseSetting:
    """Mail for `hostname` (A-labels) is posted to `url`, in parts or raw."""

    hostname: str
    url: str
    spam_check: bool
    send_raw: bool
    created_at: float


def parse_settings(txn: Txn, tenant_id: str) -> list[ParseSetting]:
    """The tenant's settings, in the order they were made."""
    return [_setting(row) for row in txn.rows(f"{_SELECT} ORDER BY number", {"tenant_id": tenant_id})]


def parse_setting(txn: Txn, tenant_id: str, hostname: str, *, lock: bool = False) -> ParseSetting | None:
    """The tenant's setting for the host; locked until the end of the transaction if so wished."""
    row = txn.row(
        f"{_SELECT} AND hostname = :hostname {txn.dialect.for_update if lock else ''}", {"tenant_id": tenant_id, "hostname": hostname}
    )
    return _setting(row) if row else None


def add_parse_setting(txn: Txn, tenant_id: str, made: ParseSetting) -> None:
    """The host's mail is the tenant's. Raises: Invalid when it is somebody's already, or the tenant has MOST_SETTINGS."""
    if len(parse_settings(txn, tenant_id)) >= MOST_SETTINGS:
        raise Invalid(f"An account may have {MOST_SETTINGS} parse settings.", "hostname")
    try:
        txn.insert(
            "parse_settings", ("tenant_id", "hostname", "url", "spam_check", "send_raw", "created_at"),
            [(tenant_id, made.hostname, made.url, int(made.spam_check), int(made.send_raw), int(made.created_at * 1_000_000))],
        )
    except DuplicateKey:
        raise Invalid("A setting for this hostname already exists.", "hostname") from None


def change_parse_setting(txn: Txn, tenant_id: str, changed: ParseSetting) -> None:
    """The host's setting has these values."""
    txn.execute(
        "UPDATE parse_settings SET url = :url, spam_check = :spam_check, send_raw = :send_raw "
        "WHERE tenant_id = :tenant_id AND hostname = :hostname",
        {
            "url": changed.url, "spam_check": int(changed.spam_check), "send_raw": int(changed.send_raw), "tenant_id": tenant_id,
            "hostname": changed.hostname,
        },
    )


def delete_parse_setting(txn: Txn, tenant_id: str, hostname: str) -> bool:
    """Whether there was such a setting; it is gone."""
    wanted = {"tenant_id": tenant_id, "hostname": hostname}
    return txn.execute("DELETE FROM parse_settings WHERE tenant_id = :tenant_id AND hostname = :hostname", wanted) > 0


def owners_across_tenants(txn: Txn, hostnames: Sequence[str]) -> dict[str, tuple[str, ParseSetting]]:
    """Whose mail the hosts take, by host: tenant id and setting."""
    found = txn.rows(
        "SELECT hostname, url, spam_check, send_raw, created_at, tenant_id FROM parse_settings WHERE hostname IN :hostnames",
        {"hostnames": list(hostnames)},
    )
    return {row[0]: (row[5], _setting(row[:5])) for row in found}


def _setting(row: Row) -> ParseSetting:
    return ParseSetting(row[0], row[1], bool(row[2]), bool(row[3]), row[4] / 1_000_000)
