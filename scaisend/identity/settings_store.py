"""What a tenant has set: `tenants.settings`, a JSON object of sections, each an object of settings by name.

Sections are called as SendGrid's paths are: `mail_settings`, `tracking_settings`, `user`.
"""

from collections.abc import Mapping, Sequence

import orjson

from scaisend.storage.database import Txn

Values = Mapping[str, object]
Section = Mapping[str, Values]


def section(txn: Txn, tenant_id: str, name: str) -> Section:
    """The section's settings by name, as they were set; those that never were are absent."""
    return _sections(txn, tenant_id).get(name, {})


def change_setting(txn: Txn, tenant_id: str, section_name: str, name: str, values: Values, *, now_s: float) -> Values:
    """The setting with `values` over what it was."""
    sections = _sections(txn, tenant_id, txn.dialect.for_update)
    before = sections.get(section_name, {})
    after = {**before.get(name, {}), **values}
    changed = {**sections, section_name: {**before, name: after}}
    txn.execute(
        "UPDATE tenants SET settings = :settings, updated_at = :now WHERE id = :tenant_id",
        {"settings": orjson.dumps(changed).decode(), "now": int(now_s * 1_000_000), "tenant_id": tenant_id},
    )
    return after


def settings_across_tenants(txn: Txn, tenant_ids: Sequence[str]) -> dict[str, Mapping[str, Section]]:
    """All sections of each tenant that has set anything."""
    found = txn.rows("SELECT id, settings FROM tenants WHERE id IN :ids AND settings IS NOT NULL", {"ids": list(tenant_ids)})
    return {row[0]: orjson.loads(row[1]) for row in found}


def having_across_tenants(txn: Txn, section_name: str, name: str) -> dict[str, Values]:
    """This setting of each tenant that has ever set it."""
    found = txn.rows("SELECT id, settings FROM tenants WHERE settings LIKE :like ORDER BY id", {"like": f'%"{name}"%'})
    settings = {row[0]: orjson.loads(row[1]).get(section_name, {}).get(name) for row in found}
    return {tenant_id: values for tenant_id, values in settings.items() if values}


def _sections(txn: Txn, tenant_id: str, lock: str = "") -> dict[str, Section]:
    row = txn.row(f"SELECT settings FROM tenants WHERE id = :tenant_id {lock}", {"tenant_id": tenant_id})
    sections: dict[str, Section] = orjson.loads(row[0]) if row and row[0] else {}
    return sections
