"""SQL of the image library."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scaisend.faults import NotFound
from scaisend.storage.database import Row, Txn

US = 1_000_000
# Beside each image's bytes lie, under its object key with these endings, its thumbnail and the bytes as a mail holds them.
SMALL, ENCODED = ".thumbnail", ".base64"
_COLUMNS = "id, tenant_id, folder, filename, alt_text, media_type, size_bytes, width, height, object_key, created_at, deleted_at"


@dataclass(frozen=True, slots=True)
class Image:
    """An image of a tenant's library; a deleted one is still known, so that its links can say so."""

    id: str
    tenant_id: str
    folder: str
    filename: str
    alt_text: str | None
    media_type: str
    size_bytes: int
    width: int
    height: int
    object_key: str
    created_at: float
    is_deleted: bool = False


def add_image(txn: Txn, tenant_id: str, image: Image) -> None:
    """The image is in the library."""
    columns = tuple(_COLUMNS.split(", "))
    txn.insert("images", columns, [(
        image.id, tenant_id, image.folder, image.filename, image.alt_text, image.media_type, image.size_bytes, image.width, image.height,
        image.object_key, int(image.created_at * US), None,
    )])


def image(txn: Txn, tenant_id: str, image_id: str, *, lock: bool = False) -> Image:
    """The tenant's image. Raises: NotFound when it has none of that id, or deleted it."""
    row = txn.row(
        f"SELECT {_COLUMNS} FROM images WHERE tenant_id = :tenant_id AND id = :id AND deleted_at IS NULL {txn.dialect.for_update if lock else ''}",
        {"tenant_id": tenant_id, "id": image_id},
    )
    if row is None:
        raise NotFound("image not found")
    return _image(row)


def image_across_tenants(txn: Txn, image_id: str) -> Image | None:
    """The image, whosever it is: its link is public."""
    row = txn.row(f"SELECT {_COLUMNS} FROM images WHERE id = :id", {"id": image_id})
    return None if row is None else _image(row)


def images_across_tenants(txn: Txn, tenant_ids: Iterable[str], most: int) -> list[Image]:
    """The newest images of each tenant, at most so many of each."""
    found: list[Image] = []
    for tenant_id in tenant_ids:
        found += images(txn, tenant_id, folder=None, search=None, limit=most, offset=0)[0]
    return found


def images(txn: Txn, tenant_id: str, *, folder: str | None, search: str | None, limit: int, offset: int) -> tuple[list[Image], int]:
    """A page of the tenant's images, newest first, and how many there are; of the folder, and with the words in name or text."""
    where = "tenant_id = :tenant_id AND deleted_at IS NULL"
    values: dict[str, object] = {"tenant_id": tenant_id, "limit": limit, "offset": offset}
    if folder is not None:
        where += " AND folder = :folder"
        values["folder"] = folder
    if search:
        where += " AND (filename LIKE :words ESCAPE '!' OR alt_text LIKE :words ESCAPE '!')"
        values["words"] = "%" + search.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
    rows = txn.rows(f"SELECT {_COLUMNS} FROM images WHERE {where} ORDER BY id DESC LIMIT :limit OFFSET :offset", values)
    counted = txn.row(f"SELECT COUNT(*) FROM images WHERE {where}", values)
    return [_image(row) for row in rows], counted[0] if counted else 0


def folders(txn: Txn, tenant_id: str) -> list[tuple[str, int]]:
    """The folders that hold anything, by name, and how many images each has."""
    return [
        (row[0], row[1])
        for row in txn.rows(
            "SELECT folder, COUNT(*) FROM images WHERE tenant_id = :tenant_id AND deleted_at IS NULL GROUP BY folder ORDER BY folder",
            {"tenant_id": tenant_id},
        )
    ]


def change_image(txn: Txn, tenant_id: str, image_id: str, changes: dict[str, str | None]) -> Image:
    """The image with another `filename`, `alt_text` or `folder`. Raises: NotFound."""
    before = image(txn, tenant_id, image_id, lock=True)
    after = Image(
        before.id, before.tenant_id, changes.get("folder", before.folder) or "", changes.get("filename") or before.filename,
        changes.get("alt_text", before.alt_text), before.media_type, before.size_bytes, before.width, before.height, before.object_key,
        before.created_at,
    )
    txn.execute(
        "UPDATE images SET folder = :folder, filename = :filename, alt_text = :alt_text WHERE tenant_id = :tenant_id AND id = :id",
        {"folder": after.folder, "filename": after.filename, "alt_text": after.alt_text, "tenant_id": tenant_id, "id": image_id},
    )
    return after


def delete_image(txn: Txn, tenant_id: str, image_id: str, now: float) -> Image:
    """The image as it was; its link says from now on that it is gone. Raises: NotFound."""
    found = image(txn, tenant_id, image_id, lock=True)
    txn.execute(
        "UPDATE images SET deleted_at = :now WHERE tenant_id = :tenant_id AND id = :id",
        {"now": int(now * US), "tenant_id": tenant_id, "id": image_id},
    )
    return replace(found, is_deleted=True)


def _image(row: Row) -> Image:
    return Image(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9], row[10] / US, row[11] is not None)
