"""/v3/images, the tenant's library, and /i/<image_id>, where mails show its images."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from scaisend.content import images_store as store
from scaisend.content.image_type import ImageType, image_type
from scaisend.content.images_store import ENCODED, SMALL, Image
from scaisend.content.thumbnail import checked_image, thumbnail
from scaisend.faults import Fault, Invalid, NotFound, TooLarge
from scaisend.http.call import Call
from scaisend.http.form_data import FormPart, read_form_data
from scaisend.http.paging import only, whole
from scaisend.http.reply import Reply, error_reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.administration import record
from scaisend.ids import IdMaker
from scaisend.shape import Reader, finish, text_fault
from scaisend.storage.database import Database, Txn
from scaisend.storage.objects import Objects

LARGEST = 10_000_000
MOST_BODY = LARGEST + 100_000
LONGEST_NAME = 255
READ, WRITE, DELETE = "templates.read", "templates.write", "templates.delete"
ONE = "/v3/images/<image_id>"
IMMUTABLE = ("Cache-Control", "public, max-age=31536000, immutable")
THUMBNAIL = "thumbnail"

InThread = Callable[[Callable[[], bytes]], Awaitable[bytes]]


class ImagesApi:
    """The library. `in_thread` runs what decodes images, one at a time; `encode` writes bytes as they stand in a mail."""

    def __init__(
        self, *, database: Database, objects: Objects, ids: IdMaker, base_url: str, in_thread: InThread, encode: Callable[[bytes], bytes],
    ) -> None:
        self._database = database
        self._objects = objects
        self._ids = ids
        self._base_url = base_url.rstrip("/")
        self._in_thread = in_thread
        self._encode = encode

    def routes(self) -> list[Route]:
        return [
            get("/v3/images", self.show_all, permission=READ, summary="The images of the library"),
            post("/v3/images", self.add, permission=WRITE, body_limit=MOST_BODY, summary="Add an image to the library (multipart form)"),
            get("/v3/images/folders", self.show_folders, permission=READ, summary="The folders of the library"),
            get(ONE, self.show, permission=READ, summary="What is known of an image"),
            patch(ONE, self.change, permission=WRITE, summary="Change an image's name, alternative text or folder"),
            delete(ONE, self.delete, permission=DELETE, summary="Delete an image; mails that link to it show it no more"),
            get("/i/<image_id>", self.serve, public=True, limit=None, summary="An image of a library, or its thumbnail (`variant=thumbnail`)"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """`{"images": […], "total", "page", "page_size"}`, newest first, by `folder` and `search`."""
        only(call, "page", "page_size", "folder", "search")
        page, size = whole(call, "page", least=1, most=1_000_000, default=1), whole(call, "page_size", least=1, most=500, default=50)
        found, total = await self._database.read(
            store.images, call.caller.tenant_id, folder=call.one("folder"), search=call.one("search"), limit=size, offset=(page - 1) * size
        )
        return json_reply({"images": [self._shape(each) for each in found], "total": total, "page": page, "page_size": size})

    async def show_folders(self, call: Call) -> Reply:
        found = await self._database.read(store.folders, call.caller.tenant_id)
        return json_reply({"folders": [{"name": name, "images": count} for name, count in found]})

    async def show(self, call: Call) -> Reply:
        return json_reply(self._shape(await self._database.read(store.image, call.caller.tenant_id, _image_id(call))))

    async def add(self, call: Call) -> Reply:
        """201 with the image, once its bytes and its row are stored."""
        form = read_form_data(call.headers.get("content-type", ""), call.body)
        file, alt_text, folder = _read_form(form)
        known = checked_image(file.content)
        small = await self._in_thread(partial(thumbnail, file.content, known))
        tenant_id = call.caller.tenant_id
        image_id = self._ids.new("img", tenant_id)
        key = f"images/{tenant_id}/{image_id}"
        await self._objects.put(key, file.content)
        await self._objects.put(key + SMALL, small)
        await self._objects.put(key + ENCODED, await self._in_thread(partial(self._encode, file.content)))
        made = Image(
            image_id, tenant_id, folder, _filename(file.filename, known), alt_text, known.media_type, len(file.content), known.width,
            known.height, key, call.now_s,
        )
        await self._database.run(_add, call, made)
        return json_reply(self._shape(made), 201)

    async def change(self, call: Call) -> Reply:
        """The image with what was given; a null takes the alternative text away."""
        faults: list[Fault] = []
        reader = Reader(call.json(), faults)
        reader.refuse_unknown(("filename", "alt_text", "folder"))
        changes = {name: reader.text(name, most=LONGEST_NAME) for name in ("filename", "alt_text", "folder") if reader.has(name)}
        finish(faults)
        return json_reply(self._shape(await self._database.run(_change, call, changes)))

    async def delete(self, call: Call) -> Reply:
        """204; what a mail on its way embeds stays until it went."""
        gone = await self._database.run(_delete, call)
        await self._objects.delete(gone.object_key)
        await self._objects.delete(gone.object_key + SMALL)
        return no_content()

    async def serve(self, call: Call) -> Reply:
        """The bytes, which never change; 304 for who has them, 410 once deleted."""
        variant = call.one("variant")
        if variant not in (None, "", THUMBNAIL):
            raise Invalid("The variant must be thumbnail.", "variant")
        found = await self._database.read(store.image_across_tenants, _image_id(call))
        if found is None:
            raise NotFound("image not found")
        if found.is_deleted:
            return error_reply(410, [Fault("this image was deleted")], (("Cache-Control", "no-store"),))
        tag = f'"{found.id}{"-" + THUMBNAIL if variant else ""}"'
        headers = (
            IMMUTABLE, ("ETag", tag), ("X-Content-Type-Options", "nosniff"), ("Cross-Origin-Resource-Policy", "cross-origin"),
            ("Content-Security-Policy", "default-src 'none'"),
        )
        if _matches(call.headers.get("if-none-match"), tag):
            return Reply(304, b"", headers=headers)
        content = await self._objects.get(found.object_key + (SMALL if variant else ""))
        kind = image_type(content) if variant else None
        return Reply(200, content, kind.media_type if kind else found.media_type, headers)

    def _shape(self, image: Image) -> dict[str, object]:
        url = f"{self._base_url}/i/{image.id}"
        return {
            "id": image.id, "filename": image.filename, "alt_text": image.alt_text, "folder": image.folder, "content_type": image.media_type,
            "size": image.size_bytes, "width": image.width, "height": image.height, "url": url, "thumbnail_url": f"{url}?variant={THUMBNAIL}",
            "created_at": datetime.fromtimestamp(int(image.created_at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def _add(txn: Txn, call: Call, made: Image) -> None:
    store.add_image(txn, call.caller.tenant_id, made)
    _note(txn, call, "image.create", made.id, {"filename": made.filename, "folder": made.folder})


def _change(txn: Txn, call: Call, changes: dict[str, str | None]) -> Image:
    after = store.change_image(txn, call.caller.tenant_id, _image_id(call), changes)
    _note(txn, call, "image.change", after.id, dict(changes))
    return after


def _delete(txn: Txn, call: Call) -> Image:
    gone = store.delete_image(txn, call.caller.tenant_id, _image_id(call), call.now_s)
    _note(txn, call, "image.delete", gone.id, {"filename": gone.filename})
    return gone


def _note(txn: Txn, call: Call, action: str, image_id: str, change: dict[str, object]) -> None:
    record(txn, call, call.caller.tenant_id, action=action, resource=image_id, change=change)


def _read_form(form: dict[str, FormPart]) -> tuple[FormPart, str | None, str]:
    """The file, its alternative text and its folder. Raises: Invalid, TooLarge."""
    file = form.get("file")
    if file is None or not file.content:
        raise Invalid("The file parameter is required.", "file")
    if len(file.content) > LARGEST:
        raise TooLarge("content too large", "file", f"An image may have at most {LARGEST} bytes.")
    faults: list[Fault] = []
    texts: list[str | None] = []
    for name in ("alt_text", "folder"):
        part = form.get(name)
        text = part.text() if part is not None else None
        if text is not None and (said := text_fault(name, text, 0, LONGEST_NAME)):
            faults.append(Fault(said, name))
        texts.append(text)
    finish(faults)
    return file, texts[0] or None, texts[1] or ""


def _filename(given: str | None, known: ImageType) -> str:
    """The last part of the name that was given, without what could be anything but a name."""
    name = "".join([letter for letter in (given or "").replace("\\", "/").rpartition("/")[2] if letter.isprintable()])
    return name[-LONGEST_NAME:] or f"image.{known.media_type.removeprefix('image/')}"


def _image_id(call: Call) -> str:
    """The id of the path, fit to be compared with a column. Raises: NotFound when it can be none."""
    image_id = call.path["image_id"]
    if not image_id.isascii() or len(image_id) > 64:
        raise NotFound("image not found")
    return image_id


def _matches(header: str | None, tag: str) -> bool:
    """RFC 9110 13.1.2, by weak comparison."""
    return header is not None and (header.strip() == "*" or tag in [each.strip().removeprefix("W/") for each in header.split(",")])
