"""SQL of templates and their versions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scaisend.storage.database import Row, Txn, Value

US = 1_000_000
DYNAMIC, LEGACY = "dynamic", "legacy"
_TEMPLATE = "SELECT id, name, generation, updated_at FROM templates"
_OUTLINE = "id, template_id, active, name, subject, generate_plain_content, editor, updated_at"
_WHOLE = f"{_OUTLINE}, html_content, plain_content, test_data"
_VERSION_COLUMNS = (
    "id", "tenant_id", "template_id", "active", "name", "subject", "html_content", "plain_content", "generate_plain_content", "editor",
    "test_data", "updated_at",
)


@dataclass(frozen=True, slots=True)
class Template:
    """A template without its versions."""

    id: str
    name: str
    generation: str
    updated_at: float


@dataclass(frozen=True, slots=True)
class Version:
    """A version; the contents are None where only its outline was asked for."""

    id: str
    template_id: str
    active: bool
    name: str
    subject: str
    generate_plain_content: bool
    editor: str
    updated_at: float
    html_content: str | None = None
    plain_content: str | None = None
    test_data: str | None = None


@dataclass(frozen=True, slots=True)
class ActiveVersion:
    """What mails of a template are made from. `stamp` differs after each change of the version."""

    tenant_id: str
    template_id: str
    version_id: str
    stamp: int
    subject: str
    html_content: str
    plain_content: str
    generate_plain_content: bool


def templates(txn: Txn, tenant_id: str, generations: Sequence[str], *, limit: int, offset: int) -> list[Template]:
    """The tenant's templates of these generations, oldest first."""
    found = txn.rows(
        f"{_TEMPLATE} WHERE tenant_id = :tenant_id AND generation IN :generations ORDER BY created_at, id LIMIT :limit OFFSET :offset",
        {"tenant_id": tenant_id, "generations": list(generations), "limit": limit, "offset": offset},
    )
    return [_template(row) for row in found]


def template_count(txn: Txn, tenant_id: str, generations: Sequence[str]) -> int:
    row = txn.row(
        "SELECT COUNT(*) FROM templates WHERE tenant_id = :tenant_id AND generation IN :generations",
        {"tenant_id": tenant_id, "generations": list(generations)},
    )
    return int(row[0]) if row else 0


def template(txn: Txn, tenant_id: str, template_id: str, *, lock: bool = False) -> Template | None:
    """The tenant's template of that id."""
    if not template_id.isascii():
        return None
    row = txn.row(
        f"{_TEMPLATE} WHERE tenant_id = :tenant_id AND id = :id " + (txn.dialect.for_update if lock else ""), {"tenant_id": tenant_id, "id": template_id}
    )
    return _template(row) if row else None


def insert_template(txn: Txn, tenant_id: str, each: Template, *, ignore: bool = False) -> bool:
    """Whether it is there now; with `ignore` it is not when another tenant has the id."""
    at = int(each.updated_at * US)
    columns = ("id", "tenant_id", "name", "generation", "created_at", "updated_at")
    return txn.insert("templates", columns, [(each.id, tenant_id, each.name, each.generation, at, at)], ignore=ignore) > 0


def rename_template(txn: Txn, tenant_id: str, template_id: str, name: str, now: float) -> None:
    txn.execute(
        "UPDATE templates SET name = :name, updated_at = :now WHERE tenant_id = :tenant_id AND id = :id",
        {"name": name, "now": int(now * US), "tenant_id": tenant_id, "id": template_id},
    )


def touch_template(txn: Txn, tenant_id: str, template_id: str, now: float) -> None:
    """The template changed, in one of its versions."""
    txn.execute(
        "UPDATE templates SET updated_at = :now WHERE tenant_id = :tenant_id AND id = :id", {"now": int(now * US), "tenant_id": tenant_id, "id": template_id}
    )


def delete_template(txn: Txn, tenant_id: str, template_id: str) -> None:
    """The template and its versions are gone."""
    keys = {"tenant_id": tenant_id, "id": template_id}
    txn.execute("DELETE FROM template_versions WHERE tenant_id = :tenant_id AND template_id = :id", keys)
    txn.execute("DELETE FROM templates WHERE tenant_id = :tenant_id AND id = :id", keys)


def versions(txn: Txn, tenant_id: str, template_ids: Iterable[str], *, whole: bool = False) -> dict[str, list[Version]]:
    """The versions of each template that has some, the active one first, then the newest; with their contents when `whole`."""
    found: dict[str, list[Version]] = {}
    rows = txn.rows(
        f"SELECT {_WHOLE if whole else _OUTLINE} FROM template_versions WHERE tenant_id = :tenant_id AND template_id IN :ids "
        "ORDER BY active DESC, updated_at DESC, id",
        {"tenant_id": tenant_id, "ids": list(template_ids)},
    )
    for row in rows:
        found.setdefault(row[1], []).append(_version(row))
    return found


def version(txn: Txn, tenant_id: str, template_id: str, version_id: str) -> Version | None:
    """The version with its contents."""
    if not (template_id.isascii() and version_id.isascii()):
        return None
    row = txn.row(
        f"SELECT {_WHOLE} FROM template_versions WHERE tenant_id = :tenant_id AND template_id = :template_id AND id = :id",
        {"tenant_id": tenant_id, "template_id": template_id, "id": version_id},
    )
    return _version(row) if row else None


def version_count(txn: Txn, tenant_id: str, template_id: str) -> int:
    row = txn.row(
        "SELECT COUNT(*) FROM template_versions WHERE tenant_id = :tenant_id AND template_id = :id", {"tenant_id": tenant_id, "id": template_id}
    )
    return int(row[0]) if row else 0


def insert_versions(txn: Txn, tenant_id: str, made: Iterable[Version]) -> None:
    txn.insert("template_versions", _VERSION_COLUMNS, [
        (
            each.id, tenant_id, each.template_id, int(each.active), each.name, each.subject, each.html_content, each.plain_content,
            int(each.generate_plain_content), each.editor, each.test_data, int(each.updated_at * US),
        )
        for each in made
    ])


def change_version(txn: Txn, tenant_id: str, each: Version) -> None:
    """The version has these values."""
    txn.execute(
        "UPDATE template_versions SET active = :active, name = :name, subject = :subject, html_content = :html, plain_content = :plain, "
        "generate_plain_content = :generate, editor = :editor, test_data = :test_data, updated_at = :now "
        "WHERE tenant_id = :tenant_id AND template_id = :template_id AND id = :id",
        {
            "active": int(each.active), "name": each.name, "subject": each.subject, "html": each.html_content, "plain": each.plain_content,
            "generate": int(each.generate_plain_content), "editor": each.editor, "test_data": each.test_data, "now": int(each.updated_at * US),
            "tenant_id": tenant_id, "template_id": each.template_id, "id": each.id,
        },
    )


def rest_versions(txn: Txn, tenant_id: str, template_id: str, version_id: str) -> None:
    """All versions of the template but this one are inactive."""
    txn.execute(
        "UPDATE template_versions SET active = 0 WHERE tenant_id = :tenant_id AND template_id = :template_id AND active = 1 AND id <> :id",
        {"tenant_id": tenant_id, "template_id": template_id, "id": version_id},
    )


def delete_version(txn: Txn, tenant_id: str, template_id: str, version_id: str) -> bool:
    """The version is gone; whether it was there."""
    if not (template_id.isascii() and version_id.isascii()):
        return False
    keys: Mapping[str, Value] = {"tenant_id": tenant_id, "template_id": template_id, "id": version_id}
    return txn.execute("DELETE FROM template_versions WHERE tenant_id = :tenant_id AND template_id = :template_id AND id = :id", keys) > 0


def active_stamps_across_tenants(txn: Txn, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, int]]:
    """For each (tenant id, template id) that has an active version: its id and stamp."""
    rows = txn.rows(
        "SELECT tenant_id, template_id, id, updated_at FROM template_versions WHERE (tenant_id, template_id) IN :pairs AND active = 1",
        {"pairs": list(pairs)},
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def active_versions_across_tenants(txn: Txn, pairs: Iterable[tuple[str, str]]) -> list[ActiveVersion]:
    """The active versions of these (tenant id, template id), with their contents."""
    rows = txn.rows(
        "SELECT tenant_id, template_id, id, updated_at, subject, html_content, plain_content, generate_plain_content FROM template_versions "
        "WHERE (tenant_id, template_id) IN :pairs AND active = 1",
        {"pairs": list(pairs)},
    )
    return [ActiveVersion(row[0], row[1], row[2], row[3], row[4], row[5] or "", row[6] or "", bool(row[7])) for row in rows]


def _template(row: Row) -> Template:
    return Template(row[0], row[1], row[2], row[3] / US)


def _version(row: Row) -> Version:
    contents = row[8:11] if len(row) > 8 else (None, None, None)
    return Version(row[0], row[1], bool(row[2]), row[3], row[4], bool(row[5]), row[6], row[7] / US, *contents)
