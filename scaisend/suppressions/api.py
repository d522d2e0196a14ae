"""/v3/suppression/*: the lists as SendGrid shows them, additions and CSV import (ours); /api/admin/suppressions: why, and undo."""

from collections.abc import Awaitable, Callable, Sequence
from io import BytesIO

import orjson

from scaisend.address import fold
from scaisend.faults import Fault, Invalid, NotFound, UnsupportedType
from scaisend.http.call import Call
from scaisend.http.paging import Page, array_reply, offset_page
from scaisend.http.reply import Reply, data_reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, post
from scaisend.identity.audit_store import record_act
from scaisend.shape import Reader, finish
from scaisend.storage.database import Database, Txn
from scaisend.suppressions import store
from scaisend.suppressions.csv_import import Report, import_csv, write_csv
from scaisend.suppressions.erased import Erasure, with_names
from scaisend.suppressions.lists import BLOCKS, BOUNCES, INVALID_EMAILS, LISTS, SPAM_REPORTS, UNSUBSCRIBES
from scaisend.suppressions.requested import read_additions, read_deletion, read_wanted
from scaisend.suppressions.store import Entry, Evidence, Listed

READ, WRITE = "suppressions.read", "suppressions.write"
FILE_BYTES = 100_000_000
CSV_PAGE = 100_000
AT_ONCE = 1_000
UNDO_AT_ONCE = 50_000
CSV_TYPES = ("text/csv", "application/csv", "application/vnd.ms-excel", "text/plain", "application/octet-stream")
# What SendGrid shows of each list's entries.
SHOWN = {
    BOUNCES: ("created", "email", "reason", "status"),
    BLOCKS: ("created", "email", "reason", "status"),
    INVALID_EMAILS: ("created", "email", "reason"),
    SPAM_REPORTS: ("created", "email", "ip"),
    UNSUBSCRIBES: ("created", "email"),
}


class SuppressionsApi:
    """The lists of the caller's tenant. `parse_moment` reads unix seconds or ISO 8601, or raises ValueError."""

    def __init__(self, *, database: Database, parse_moment: Callable[[str], float], erasure: Erasure | None = None) -> None:
        self._erasure = erasure
        self._database = database
        self._parse_moment = parse_moment

    def routes(self) -> list[Route]:
        lists = [OneList(name, database=self._database, parse_moment=self._parse_moment, erasure=self._erasure) for name in LISTS]
        return [
            *(route for each in lists for route in each.routes()),
            get("/api/admin/suppressions", self.explain, permission=READ, summary="The lists that an address is on, and why"),
            post("/api/admin/suppressions/undo", self.undo, permission=WRITE, summary="Take off all addresses that one rule listed"),
        ]

    async def explain(self, call: Call) -> Reply:
        """Every list that the address is on, with reason, rule and the event behind it."""
        email = call.one("email")
        if not email:
            raise Invalid("The email parameter is required.", "email")
        found = await self._database.read(store.evidence, call.caller.tenant_id, fold(email))
        return data_reply([_explained(each) for each in found])

    async def undo(self, call: Call) -> Reply:
        """How many were taken off; mail to them goes out again."""
        faults: list[Fault] = []
        body = call.json()
        reader = Reader(body, faults)
        reader.refuse_unknown(("rule", "since"))
        rule = reader.text("rule", required=True, least=1, most=64)
        since = self._since(body, reader)
        finish(faults)
        tenant_id, removed = call.caller.tenant_id, 0
        while numbers := await self._database.run(store.numbers_by_rule, tenant_id, rule or "", since, lists=LISTS, most=UNDO_AT_ONCE):
            for start in range(0, len(numbers), AT_ONCE):
                removed += await self._database.run(store.unlist_numbers, tenant_id, numbers[start : start + AT_ONCE])
        await self._database.run(_record, call, "suppressions.undo", rule, {"since": since, "removed": removed})
        return data_reply({"removed": removed})

    def _since(self, body: object, reader: Reader) -> float:
        given = body.get("since") if isinstance(body, dict) else None
        if isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given < 1e11:
            return float(given)
        try:
            return self._parse_moment(given if isinstance(given, str) else "")
        except ValueError:
            reader.fault("The since must be unix seconds or an ISO 8601 moment.", "since")
            return 0.0


class OneList:
    """The endpoints of one list. The global unsubscribes are added and taken off under /v3/asm."""

    def __init__(self, name: str, *, database: Database, parse_moment: Callable[[str], float], erasure: Erasure | None) -> None:
        self._erasure = erasure
        self._name = name
        self._database = database
        self._parse_moment = parse_moment

    def routes(self) -> list[Route]:
        path, words = f"/v3/suppression/{self._name}", self._name.replace("_", " ")
        routes = [
            get(path, self.show_page, permission=READ, summary=f"The list of {words}; CSV when it is accepted"),
            post(f"{path}/import", self.take_csv, permission=WRITE, body_limit=FILE_BYTES, summary=f"Import {words} from CSV"),
        ]
        if self._name == UNSUBSCRIBES:
            return routes
        return [
            *routes,
            post(path, self.add, permission=WRITE, summary=f"Add addresses to the list of {words}"),
            delete(path, self.remove, permission=WRITE, summary=f"Take addresses off the list of {words}, or all"),
            get(f"{path}/<email>", self.show_one, permission=READ, summary=f"One of the {words}, in an array"),
            delete(f"{path}/<email>", self.remove_one, permission=WRITE, summary=f"Take one address off the list of {words}"),
        ]

    async def show_page(self, call: Call) -> Reply:
        """One page, newest first; with `Accept: text/csv` as CSV, of up to CSV_PAGE rows."""
        wanted = read_wanted(call.one("start_time"), call.one("end_time"), call.one("email"))
        if "text/csv" in call.headers.get("accept", ""):
            page = offset_page(call, default=CSV_PAGE, most=CSV_PAGE)
            text = await self._database.read(_csv_page, call.caller.tenant_id, self._name, wanted, page)
            return Reply(200, text, "text/csv; charset=utf-8", (("Content-Disposition", f'attachment; filename="{self._name}.csv"'),))
        page = offset_page(call)
        found = await self._database.read(store.listed, call.caller.tenant_id, self._name, wanted, limit=page.limit + 1, offset=page.offset)
        return array_reply(call, f"/v3/suppression/{self._name}", page, [_shown(self._name, each) for each in found])

    async def show_one(self, call: Call) -> Reply:
        """An array of the entry, or an empty one."""
        found = await self._database.read(store.listed_one, call.caller.tenant_id, self._name, fold(call.path["email"]))
        return json_reply([_shown(self._name, found)] if found else [])

    async def add(self, call: Call) -> Reply:
        """201 with how many are new, and the addresses."""
        asked = read_additions(call.json())
        entries = [
            Entry(call.caller.tenant_id, self._name, fold(email), reason, status, ip, None, "api", call.now_s) for email, reason, status, ip in asked
        ]
        added = await self._database.run(_add, call, self._name, entries)
        return json_reply({"added": added, "emails": [each[0] for each in asked]}, 201)

    async def remove(self, call: Call) -> Reply:
        """204, whether they were on the list or not."""
        emails = read_deletion(call.json())
        tenant_id = call.caller.tenant_id
        if emails is not None:
            await self._database.run(_unlist, call, self._name, emails, self._erasure)
            return no_content()
        removed = await _all(lambda: self._database.run(store.unlist_some, tenant_id, self._name, AT_ONCE))
        await self._database.run(_record, call, "suppressions.clear", self._name, {"removed": removed})
        return no_content()

    async def remove_one(self, call: Call) -> Reply:
        """204. Raises: NotFound when it was not on the list."""
        if not await self._database.run(_unlist, call, self._name, [fold(call.path["email"])], self._erasure):
            raise NotFound("not found", "email")
        return no_content()

    async def take_csv(self, call: Call) -> Reply:
        """200 with what became of the rows. The body is the file itself."""
        kind = call.headers.get("content-type", "text/csv").partition(";")[0].strip().lower()
        if kind not in CSV_TYPES:
            raise UnsupportedType("Content-Type should be text/csv", help="Send the file itself as the body.")
        report = await import_csv(
            BytesIO(call.body), database=self._database, tenant_id=call.caller.tenant_id, name=self._name, parse_moment=self._parse_moment,
            now_s=call.now_s, told=_told,
        )
        await self._database.run(_record, call, "suppressions.import", self._name, {"imported": report.imported, "skipped": report.skipped})
        return json_reply(report.shown())


def _csv_page(txn: Txn, tenant_id: str, name: str, wanted: store.Wanted, page: Page) -> bytes:
    """One page of the list as CSV, written in the pool's thread."""
    return write_csv(store.listed(txn, tenant_id, name, wanted, limit=page.limit, offset=page.offset)).encode()


def _add(txn: Txn, call: Call, name: str, entries: Sequence[Entry]) -> int:
    added = store.list_across_tenants(txn, entries)
    _record(txn, call, "suppressions.add", name, {"added": added})
    return added


def _unlist(txn: Txn, call: Call, name: str, emails: Sequence[str], erasure: Erasure | None) -> int:
    """How many were on the list. The log has numbers alone: the addresses of recipients do not belong there."""
    removed = store.unlist(txn, call.caller.tenant_id, name, with_names(erasure, txn, call.caller.tenant_id, emails))
    if removed:
        _record(txn, call, "suppressions.remove", name, {"removed": removed})
    return removed


def _record(txn: Txn, call: Call, action: str, resource: str | None, change: dict[str, object]) -> None:
    record_act(
        txn, call.caller.tenant_id, actor=call.caller.credential_id, action=action, resource=resource, change=change,
        source=call.remote or None, request_id=call.request_id or None, happened_at=call.now_s,
    )


async def _all(some: Callable[[], Awaitable[int]]) -> int:
    """How many there were: `some` was repeated until it found no more."""
    total = 0
    while found := await some():
        total += found
    return total


async def _told(report: Report) -> None:
    """Nobody watches; the pool's hops give the reactor its turns."""


def _shown(name: str, entry: Listed) -> dict[str, object]:
    values: dict[str, object] = {
        "created": int(entry.created_at), "email": entry.email, "reason": entry.reason or "", "status": entry.status or "", "ip": entry.ip or "",
    }
    return {field: values[field] for field in SHOWN[name]}


def _explained(entry: Evidence) -> dict[str, object]:
    return {
        "list": entry.list, "email": entry.email, "reason": entry.reason, "status": entry.status, "ip": entry.ip, "rule": entry.rule,
        "created": int(entry.created_at), "event_id": entry.event_id, "message_id": entry.message_id, "event_type": entry.event_type,
        "evidence": orjson.loads(entry.detail) if entry.detail else None,
    }

