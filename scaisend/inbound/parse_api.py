"""/v3/user/webhooks/parse: hosts whose mail is posted to a URL of the tenant's, and how many mails they took.

A host is one of the tenant's verified domains or below one, so that nobody takes another one's mail.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date

from scaisend.address import a_labels
from scaisend.domains.store import domains
from scaisend.faults import Fault, Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.paging import offset_page
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.audit_store import record_act
from scaisend.inbound.parse_posts_store import received
from scaisend.inbound.parse_store import (
    ParseSetting,
    add_parse_setting,
    change_parse_setting,
    delete_parse_setting,
    parse_setting,
    parse_settings,
)
from scaisend.reporting.periods import MOST_DAYS, period_of, periods
from scaisend.reporting.statistics_api import read_span
from scaisend.shape import Reader, finish
from scaisend.storage.database import Database, Txn

READ, WRITE = "webhooks.read", "webhooks.write"
ALL = "/v3/user/webhooks/parse/settings"
ONE = f"{ALL}/<hostname>"
MOST_URL = 2_048


class ParseApi:
    """The parse settings of the caller's tenant. `url_fault` says what is wrong with a URL; `reserved` are hosts of our own."""

    def __init__(self, *, database: Database, url_fault: Callable[[str], str | None], reserved: Collection[str]) -> None:
        self._database = database
        self._url_fault = url_fault
        self._reserved = frozenset(each.lower() for each in reserved)

    def routes(self) -> list[Route]:
        return [
            get(ALL, self.show_all, permission=READ, summary="Hosts whose mail is posted to a URL"),
            post(ALL, self.add, permission=WRITE, limit="writes", summary="Let a host's mail be posted to a URL"),
            get(ONE, self.show, permission=READ, summary="Where a host's mail is posted"),
            patch(ONE, self.change, permission=WRITE, summary="Change where a host's mail is posted"),
            delete(ONE, self.remove, permission=WRITE, summary="Take no more mail for a host"),
            get("/v3/user/webhooks/parse/stats", self.stats, permission=(READ, "stats.read"), summary="Mails that the hosts took, by day, week or month"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """All settings, in the order they were made."""
        page = offset_page(call)
        found = await self._database.read(parse_settings, call.caller.tenant_id)
        return json_reply({"result": [_shape(each) for each in found[page.offset : page.offset + page.limit]]})

    async def add(self, call: Call) -> Reply:
        """201 with the setting."""
        faults: list[Fault] = []
        reader = Reader(call.json(), faults)
        hostname = reader.text("hostname", required=True, least=1) or ""
        if hostname and _name(hostname) is None:
            reader.fault("This is not a host name.", "hostname")
        url = self._read_url(reader, is_new=True)
        spam_check, send_raw = reader.flag("spam_check", default=False), reader.flag("send_raw", default=False)
        finish(faults)
        made = ParseSetting(_name(hostname) or "", url or "", bool(spam_check), bool(send_raw), call.now_s)
        if made.hostname in self._reserved:
            raise Invalid("This host takes the bounces of this service.", "hostname")
        await self._database.run(_add, call, made)
        return json_reply(_shape(made), 201)

    async def show(self, call: Call) -> Reply:
        """The host's setting."""
        return json_reply(_shape(await self._database.read(_found, call)))

    async def change(self, call: Call) -> Reply:
        """The setting as it is now; what is not given stays."""
        faults: list[Fault] = []
        reader = Reader(call.json(), faults)
        url, spam_check, send_raw = self._read_url(reader, is_new=False), reader.flag("spam_check"), reader.flag("send_raw")
        finish(faults)
        return json_reply(_shape(await self._database.run(_change, call, url, spam_check, send_raw)))

    async def remove(self, call: Call) -> Reply:
        """204; mail for the host is refused from now on."""
        await self._database.run(_remove, call)
        return no_content()

    async def stats(self, call: Call) -> Reply:
        """One element for each period, those without mail as well; `limit` and `offset` page through them."""
        span, page = read_span(call), offset_page(call, most=MOST_DAYS, default=MOST_DAYS)
        sums: Counter[date] = Counter()
        for day, count in (await self._database.read(received, call.caller.tenant_id, span.first, span.last)).items():
            sums[period_of(day, span.by)] += count
        chosen = periods(span.first, span.last, span.by)[page.offset : page.offset + page.limit]
        return json_reply([{"date": each.isoformat(), "stats": [{"metrics": {"received": sums[each]}}]} for each in chosen])

    def _read_url(self, reader: Reader, *, is_new: bool) -> str | None:
        url = reader.text("url", required=is_new, least=1, most=MOST_URL)
        if url is not None and (fault := self._url_fault(url)) is not None:
            reader.fault(f"The url {fault}.", "url")
        return url


def _name(hostname: str) -> str | None:
    try:
        return a_labels(hostname.strip().rstrip("."))
    except ValueError:
        return None


def _shape(setting: ParseSetting) -> dict[str, object]:
    return {"url": setting.url, "hostname": setting.hostname, "spam_check": setting.spam_check, "send_raw": setting.send_raw}


def _found(txn: Txn, call: Call, *, lock: bool = False) -> ParseSetting:
    name = _name(call.path["hostname"])
    found = parse_setting(txn, call.caller.tenant_id, name, lock=lock) if name else None
    if found is None:
        raise NotFound("resource not found", "hostname")
    return found


def _add(txn: Txn, call: Call, made: ParseSetting) -> None:
    ours = [each.domain for each in domains(txn, call.caller.tenant_id) if each.verified]
    if not any(made.hostname == each or made.hostname.endswith(f".{each}") for each in ours):
        raise Invalid("The hostname must belong to a domain that you have authenticated.", "hostname", "Add and validate the domain first.")
    add_parse_setting(txn, call.caller.tenant_id, made)
    _note(txn, call, "parse_setting.create", made)


def _change(txn: Txn, call: Call, url: str | None, spam_check: bool | None, send_raw: bool | None) -> ParseSetting:
    before = _found(txn, call, lock=True)
    after = replace(
        before, url=before.url if url is None else url, spam_check=before.spam_check if spam_check is None else spam_check,
        send_raw=before.send_raw if send_raw is None else send_raw,
    )
    change_parse_setting(txn, call.caller.tenant_id, after)
    _note(txn, call, "parse_setting.change", after)
    return after


def _remove(txn: Txn, call: Call) -> None:
    found = _found(txn, call, lock=True)
    delete_parse_setting(txn, call.caller.tenant_id, found.hostname)
    _note(txn, call, "parse_setting.delete", found)


def _note(txn: Txn, call: Call, action: str, setting: ParseSetting) -> None:
    record_act(
        txn, call.caller.tenant_id, actor=call.caller.user_id or call.caller.credential_id, action=action, resource=setting.hostname[:128],
        change={"url": setting.url.partition("?")[0], "spam_check": setting.spam_check, "send_raw": setting.send_raw},
        source=call.remote or None, request_id=call.request_id or None, happened_at=call.now_s,
    )
