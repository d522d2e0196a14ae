"""/v3/templates in SendGrid's shapes: templates, their versions, and a preview, which is ours."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import orjson

from scaisend.content import templates_store as store
from scaisend.content.handlebars.errors import TemplateDataError
from scaisend.content.template_parts import Parts, compile_parts
from scaisend.content.template_request import (
    VersionChange,
    check_dynamic,
    read_generations,
    read_name,
    read_new_template,
    read_page_size,
    read_version,
    warnings_of,
)
from scaisend.content.templates_store import DYNAMIC, Template, Version
from scaisend.faults import Conflict, Fault, Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.paging import base_url, cursor, read_cursor
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.administration import record
from scaisend.ids import IdMaker
from scaisend.shape import Reader, finish
from scaisend.storage.database import Database, Txn

MOST_TEMPLATES = 300
MOST_VERSIONS = 300
LARGEST_BODY = 8_000_000
READ, WRITE, DELETE = "templates.read", "templates.write", "templates.delete"
ONE = "/v3/templates/<template_id>"
VERSION = f"{ONE}/versions/<version_id>"
# Fields of a version whose change the audit log names; what is in them stays out of it.
NOTED = ("active", "name", "subject", "html_content", "plain_content", "generate_plain_content", "editor", "test_data")
Shape = dict[str, object]


class TemplatesApi:
    """The templates of the caller's tenant. `in_thread` runs what compiles and previews beside the reactor."""

    def __init__(self, *, database: Database, ids: IdMaker, in_thread: Callable[[Callable[[], object]], Awaitable[object]]) -> None:
        self._database = database
        self._ids = ids
        self._in_thread = in_thread

    def routes(self) -> list[Route]:
        write = {"permission": WRITE}
        return [
            get("/v3/templates", self.show_all, permission=READ, summary="The tenant's templates"),
            post("/v3/templates", self.create, **write, summary="Make a template"),
            get(ONE, self.show, permission=READ, summary="A template with its versions"),
            patch(ONE, self.rename, **write, summary="Rename a template"),
            delete(ONE, self.delete, permission=DELETE, summary="Delete a template and its versions"),
            post(ONE, self.duplicate, **write, summary="Copy a template with its versions"),
            get(f"{ONE}/versions", self.show_versions, permission=READ, summary="The versions of a template"),
            post(f"{ONE}/versions", self.create_version, **write, body_limit=LARGEST_BODY, summary="Add a version to a template"),
            get(VERSION, self.show_version, permission=READ, summary="A version of a template"),
            patch(VERSION, self.change_version, **write, body_limit=LARGEST_BODY, summary="Change a version"),
            delete(VERSION, self.delete_version, permission=DELETE, summary="Delete a version"),
            post(f"{VERSION}/activate", self.activate, **write, summary="Make a version the one that is sent"),
            post(f"{VERSION}/preview", self.preview, permission=READ, body_limit=LARGEST_BODY, summary="Render a version with test data"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """`{"templates": […]}`, or with `page_size` a page as `{"result": […], "_metadata": {…}}`."""
        generations, size = read_generations(call), read_page_size(call)
        offset = _offset(call) if size else 0
        found, count = await self._database.read(_page, call.caller.tenant_id, generations, size or MOST_TEMPLATES, offset)
        if size is None:
            return json_reply({"templates": found})
        return json_reply({"result": found, "_metadata": _metadata(call, size, offset, count)})

    async def create(self, call: Call) -> Reply:
        name, generation = read_new_template(call.json())
        made = Template(self._template_id(call, generation), name, generation, call.now_s)
        await self._database.run(_create, call, made)
        return json_reply(_shape(made, ()), 201)

    async def show(self, call: Call) -> Reply:
        return json_reply(await self._database.read(_show, call.caller.tenant_id, call.path["template_id"]))

    async def rename(self, call: Call) -> Reply:
        name = read_name(call.json()) or ""
        return json_reply(await self._database.run(_rename, call, name))

    async def delete(self, call: Call) -> Reply:
        await self._database.run(_delete, call)
        return no_content()

    async def duplicate(self, call: Call) -> Reply:
        name = read_name(call.json(), required=False) if call.body.strip() else None
        new_ids = {DYNAMIC: self._template_id(call, DYNAMIC), store.LEGACY: self._template_id(call, store.LEGACY)}
        version_ids = [self._uuid(call) for _ in range(MOST_VERSIONS)]
        made = await self._database.run(_duplicate, call, name, new_ids, version_ids)
        return json_reply(made, 201)

    async def show_versions(self, call: Call) -> Reply:
        shown = await self._database.read(_show, call.caller.tenant_id, call.path["template_id"])
        return json_reply({"versions": shown["versions"]})

    async def create_version(self, call: Call) -> Reply:
        """The first version of a template is active whatever it says."""
        change, template = read_version(call.json(), is_new=True), await self._template(call)
        empty = Version(self._uuid(call), template.id, False, "", "", True, "code", call.now_s, "", "", None)
        made = await self._checked(change, empty, template, call.now_s)
        made = await self._database.run(_add_version, call, made)
        return json_reply(_with_warnings(made, template), 201)

    async def show_version(self, call: Call) -> Reply:
        return json_reply(_whole(await self._version(call)))

    async def change_version(self, call: Call) -> Reply:
        change, template, before = read_version(call.json(), is_new=False), await self._template(call), await self._version(call)
        changed = await self._checked(change, before, template, call.now_s)
        await self._database.run(_change_version, call, before, changed, "change")
        return json_reply(_with_warnings(changed, template))

    async def delete_version(self, call: Call) -> Reply:
        await self._database.run(_delete_version, call)
        return no_content()

    async def activate(self, call: Call) -> Reply:
        before = await self._version(call)
        changed = replace(before, active=True, updated_at=call.now_s)
        await self._database.run(_change_version, call, before, changed, "activate")
        return json_reply(_whole(changed))

    async def preview(self, call: Call) -> Reply:
        """The parts rendered with the body's `test_data` (an object, or JSON as text), or with the version's own."""
        version, template = await self._version(call), await self._template(call)
        data = _test_data(call, version)
        parts = Parts(version.subject, version.html_content or "", version.plain_content or "")

        def rendered() -> object:
            return compile_parts(parts, generates_plain=version.generate_plain_content).render(data)

        try:
            shown = await self._in_thread(rendered) if template.generation == DYNAMIC else parts
        except TemplateDataError as error:
            raise Invalid(str(error), "test_data", "The template was saved, these data do not fit it.") from None
        assert isinstance(shown, Parts)
        return json_reply({"subject": shown.subject, "html_content": shown.html, "plain_content": shown.plain})

    async def _template(self, call: Call) -> Template:
        return await self._database.read(_known, call.caller.tenant_id, call.path["template_id"])

    async def _version(self, call: Call) -> Version:
        found = await self._database.read(store.version, call.caller.tenant_id, call.path["template_id"], call.path["version_id"])
        if found is None:
            raise NotFound("resource not found")
        return found

    async def _checked(self, change: VersionChange, before: Version, template: Template, now_s: float) -> Version:
        """The version with the change, compiled once to see that it can be. Raises: Invalid."""

        def apply() -> object:
            changed = change.applied(before, now_s)
            if template.generation == DYNAMIC:
                check_dynamic(changed)
            return changed

        changed = await self._in_thread(apply)
        assert isinstance(changed, Version)
        return changed

    def _template_id(self, call: Call, generation: str) -> str:
        return f"d-{self._ids.number(call.caller.tenant_id):032x}" if generation == DYNAMIC else self._uuid(call)

    def _uuid(self, call: Call) -> str:
        digits = f"{self._ids.number(call.caller.tenant_id):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _page(txn: Txn, tenant_id: str, generations: Sequence[str], limit: int, offset: int) -> tuple[list[Shape], int]:
    found = store.templates(txn, tenant_id, generations, limit=limit, offset=offset)
    versions = store.versions(txn, tenant_id, [each.id for each in found])
    return [_shape(each, [_outline(one) for one in versions.get(each.id, ())]) for each in found], store.template_count(txn, tenant_id, generations)


def _create(txn: Txn, call: Call, made: Template, copied_from: str | None = None) -> None:
    tenant_id = call.caller.tenant_id
    if store.template_count(txn, tenant_id, (DYNAMIC, store.LEGACY)) >= MOST_TEMPLATES:
        raise Invalid(f"You have reached the limit of {MOST_TEMPLATES} templates.")
    store.insert_template(txn, tenant_id, made)
    copied = {"copied_from": copied_from} if copied_from else {}
    _note(txn, call, "template.create", made.id, {"name": made.name, "generation": made.generation, **copied})


def _known(txn: Txn, tenant_id: str, template_id: str, *, lock: bool = False) -> Template:
    found = store.template(txn, tenant_id, template_id, lock=lock)
    if found is None:
        raise NotFound("resource not found")
    return found


def _show(txn: Txn, tenant_id: str, template_id: str) -> Shape:
    found = _known(txn, tenant_id, template_id)
    return _shape(found, [_whole(each) for each in store.versions(txn, tenant_id, [found.id], whole=True).get(found.id, ())])


def _rename(txn: Txn, call: Call, name: str) -> Shape:
    tenant_id, template_id = call.caller.tenant_id, call.path["template_id"]
    before = _known(txn, tenant_id, template_id, lock=True)
    store.rename_template(txn, tenant_id, template_id, name, call.now_s)
    _note(txn, call, "template.change", template_id, {"name": {"before": before.name, "after": name}})
    return _show(txn, tenant_id, template_id)


def _delete(txn: Txn, call: Call) -> None:
    tenant_id, template_id = call.caller.tenant_id, call.path["template_id"]
    found = _known(txn, tenant_id, template_id, lock=True)
    store.delete_template(txn, tenant_id, template_id)
    _note(txn, call, "template.delete", template_id, {"name": found.name})


def _duplicate(txn: Txn, call: Call, name: str | None, new_ids: dict[str, str], version_ids: Sequence[str]) -> Shape:
    tenant_id, now = call.caller.tenant_id, call.now_s
    found = _known(txn, tenant_id, call.path["template_id"], lock=True)
    copy = Template(new_ids[found.generation], name or f"Duplicate: {found.name}"[:100], found.generation, now)
    _create(txn, call, copy, found.id)
    versions = store.versions(txn, tenant_id, [found.id], whole=True).get(found.id, [])
    store.insert_versions(
        txn, tenant_id, [replace(each, id=new_id, template_id=copy.id, updated_at=now) for each, new_id in zip(versions, version_ids, strict=False)]
    )
    return _show(txn, tenant_id, copy.id)


def _add_version(txn: Txn, call: Call, made: Version) -> Version:
    tenant_id = call.caller.tenant_id
    _known(txn, tenant_id, made.template_id, lock=True)
    count = store.version_count(txn, tenant_id, made.template_id)
    if count >= MOST_VERSIONS:
        raise Invalid(f"You have reached the limit of {MOST_VERSIONS} versions of this template.")
    made = replace(made, active=made.active or count == 0)
    store.insert_versions(txn, tenant_id, [made])
    if made.active:
        store.rest_versions(txn, tenant_id, made.template_id, made.id)
    store.touch_template(txn, tenant_id, made.template_id, made.updated_at)
    _note(txn, call, "template_version.create", made.template_id, {"version_id": made.id, "name": made.name, "active": made.active})
    return made


def _change_version(txn: Txn, call: Call, before: Version, changed: Version, verb: str) -> None:
    """The change, unless the version went or changed meanwhile."""
    tenant_id = call.caller.tenant_id
    _known(txn, tenant_id, changed.template_id, lock=True)
    found = store.version(txn, tenant_id, changed.template_id, changed.id)
    if found is None:
        raise NotFound("resource not found")
    if replace(found, active=before.active) != before:
        raise Conflict("the version was changed by another request at the same time, please try again")
    store.change_version(txn, tenant_id, changed)
    if changed.active:
        store.rest_versions(txn, tenant_id, changed.template_id, changed.id)
    store.touch_template(txn, tenant_id, changed.template_id, changed.updated_at)
    fields = [name for name in NOTED if getattr(found, name) != getattr(changed, name)]
    _note(txn, call, f"template_version.{verb}", changed.template_id, {"version_id": changed.id, "active": changed.active, "changed": fields})


def _delete_version(txn: Txn, call: Call) -> None:
    tenant_id, template_id, version_id = call.caller.tenant_id, call.path["template_id"], call.path["version_id"]
    _known(txn, tenant_id, template_id, lock=True)
    if not store.delete_version(txn, tenant_id, template_id, version_id):
        raise NotFound("resource not found")
    store.touch_template(txn, tenant_id, template_id, call.now_s)
    _note(txn, call, "template_version.delete", template_id, {"version_id": version_id})


def _note(txn: Txn, call: Call, action: str, template_id: str, change: dict[str, object]) -> None:
    record(txn, call, call.caller.tenant_id, action=action, resource=template_id, change=change)


def _offset(call: Call) -> int:
    token = call.one("page_token")
    if not token:
        return 0
    offset = read_cursor(token, (int,), field="page_token")[0]
    if not isinstance(offset, int) or not 0 <= offset <= 1_000_000:
        raise Invalid("The page_token is not one that was given out here.", "page_token")
    return offset


def _metadata(call: Call, size: int, offset: int, count: int) -> Shape:
    """`next` and `prev` are absent at the ends."""
    begin = f"{base_url(call) or 'http://localhost'}/v3/templates?"

    def url(place: int) -> str:
        return begin + urlencode({"generations": call.one("generations") or store.LEGACY, "page_size": size, "page_token": cursor([place])})

    links: Shape = {"self": url(offset), "count": count}
    if offset + size < count:
        links["next"] = url(offset + size)
    if offset > 0:
        links["prev"] = url(max(0, offset - size))
    return links


def _test_data(call: Call, version: Version) -> object:
    given = call.json() if call.body.strip() else {}
    faults: list[Fault] = []
    reader = Reader(given, faults)
    reader.refuse_unknown(("test_data",))
    finish(faults)
    data = reader.value("test_data") if reader.has("test_data") else version.test_data
    if not isinstance(data, str):
        return {} if data is None else data
    try:
        return orjson.loads(data) if data.strip() else {}
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The test_data is not JSON: {error}", "test_data") from None


def _shape(each: Template, versions: Sequence[Shape]) -> Shape:
    return {"id": each.id, "name": each.name, "generation": each.generation, "updated_at": _moment(each.updated_at), "versions": versions}


def _outline(each: Version) -> Shape:
    return {
        "id": each.id, "template_id": each.template_id, "active": int(each.active), "name": each.name, "subject": each.subject,
        "updated_at": _moment(each.updated_at), "generate_plain_content": each.generate_plain_content, "editor": each.editor, "thumbnail_url": "",
    }


def _whole(each: Version) -> Shape:
    return {**_outline(each), "html_content": each.html_content or "", "plain_content": each.plain_content or "", "test_data": each.test_data or ""}


def _with_warnings(each: Version, template: Template) -> Shape:
    warnings = warnings_of(each, template.generation)
    return {**_whole(each), "warnings": [{"message": message} for message in warnings]} if warnings else _whole(each)


def _moment(at: float) -> str:
    """As SendGrid writes it here: UTC, without a zone."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
