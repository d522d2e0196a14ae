"""What an account at SendGrid holds becomes a tenant's: groups, suppressions, templates, domains.

Every step may run twice: what is there already stays as it is, under the same ids, so that applications need not be changed. The marks say how
far an earlier run came; they save requests, nothing depends on them.
"""

import time
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from scaisend.address import fold, is_valid
from scaisend.app.sendgrid_client import SendGridAccount
from scaisend.content import templates_store
from scaisend.content.template_request import check_dynamic, read_version
from scaisend.content.templates_store import DYNAMIC, Template, Version
from scaisend.domains.domains import Doer, Domains
from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.storage.database import Database, Txn
from scaisend.suppressions import groups_store
from scaisend.suppressions.store import Entry, list_across_tenants

GROUPS, TEMPLATES, DOMAINS = "groups", "templates", "domains"
LISTS = ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
PARTS = (GROUPS, *LISTS, TEMPLATES, DOMAINS)
MEMBERS_AT_ONCE = 2_000
MOST_FAULTS = 1_000
DONE = "done"


@dataclass(slots=True)
class Count:
    """Of one part: found in the source, made here, there already, and not taken."""

    found: int = 0
    made: int = 0
    kept: int = 0
    faults: int = 0


@dataclass(slots=True)
class Report:
    """The counts by part, and the first MOST_FAULTS sentences about what was not taken."""

    counts: dict[str, Count] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def of(self, part: str) -> Count:
        return self.counts.setdefault(part, Count())

    def fault(self, part: str, sentence: str) -> None:
        self.of(part).faults += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(f"{part}: {sentence}")


class Importer:
    """Brings the parts of one account to one tenant; with `is_dry` nothing is written, and all is counted as found."""

    def __init__(
        self, *, account: SendGridAccount, database: Database, domains: Domains, tenant_id: str, doer: Doer, is_dry: bool,
        marks: MutableMapping[str, Any], save: Callable[[], None], told: Callable[[str], None],
    ) -> None:
        self._account = account
        self._database = database
        self._domains = domains
        self._tenant_id = tenant_id
        self._doer = doer
        self._is_dry = is_dry
        self._marks = marks
        self._save = save
        self._told = told
        self.report = Report()

    async def run(self, parts: list[str]) -> Report:
        """The parts were brought; those that an earlier run finished are passed over. Raises: what the account and the database raise."""
        for part in parts:
            if self._marks.get(part) == DONE:
                continue
            if part == GROUPS:
                await self._groups()
            elif part == TEMPLATES:
                await self._templates()
            elif part == DOMAINS:
                await self._all_domains()
            else:
                await self._list(part)
            self._mark(part, DONE)
        return self.report

    def _mark(self, part: str, how_far: object) -> None:
        if not self._is_dry:
            self._marks[part] = how_far
            self._save()
        count = self.report.of(part)
        self._told(f"{part}: {count.found} found, {count.made} new")

    async def _groups(self) -> None:
        count = self.report.of(GROUPS)
        for each in await self._account.listed("/v3/asm/groups"):
            count.found += 1
            if self._is_dry:
                continue
            try:
                is_new = await self._database.run(_keep_group, self._tenant_id, each, time.time())
            except Invalid as error:
                self.report.fault(GROUPS, f"{each.get('name')!r}: {error.faults[0].message}")
                continue
            count.made, count.kept = count.made + is_new, count.kept + (not is_new)
            await self._members(int(each["id"]))

    async def _members(self, group_id: int) -> None:
        emails = [fold(each) for each in await self._account.listed(f"/v3/asm/groups/{group_id}/suppressions") if isinstance(each, str) and is_valid(each)]
        for start in range(0, len(emails), MEMBERS_AT_ONCE):
            await self._database.run(groups_store.leave, self._tenant_id, group_id, emails[start : start + MEMBERS_AT_ONCE], time.time())

    async def _list(self, name: str) -> None:
        count, mark = self.report.of(name), self._marks.get(name)
        # The newest stand first: what came since an interrupted run moves the rest back, so nothing is passed over.
        async for page, offset in self._account.pages(f"/v3/suppression/{name}", mark if isinstance(mark, int) else 0):
            count.found += len(page)
            if not self._is_dry:
                entries = [entry for each in page if (entry := self._entry(name, each)) is not None]
                made = await self._database.run(list_across_tenants, entries)
                count.made, count.kept = count.made + made, count.kept + len(entries) - made
            self._mark(name, offset)

    def _entry(self, name: str, each: Mapping[str, Any]) -> Entry | None:
        email = each.get("email")
        if not isinstance(email, str) or not is_valid(email):
            self.report.fault(name, f"{email!r} is no address")
            return None
        created = each.get("created")
        at = min(float(created), time.time()) if isinstance(created, int) else time.time()
        reason, status, ip = (each.get(key) or None for key in ("reason", "status", "ip"))
        return Entry(self._tenant_id, name, fold(email), _text(reason), _text(status), _text(ip), None, "import", at)

    async def _templates(self) -> None:
        count = self.report.of(TEMPLATES)
        async for each in self._account.templates():
            count.found += 1
            if self._is_dry:
                continue
            template = Template(str(each["id"]), str(each["name"])[:100], str(each.get("generation", "legacy")), time.time())
            try:
                is_new = await self._database.run(_keep_template, self._tenant_id, template)
            except Conflict as error:
                self.report.fault(TEMPLATES, str(error))
                continue
            count.made, count.kept = count.made + is_new, count.kept + (not is_new)
            for outline in each.get("versions", ()):
                await self._version(template, str(outline["id"]))
            self._told(f"{TEMPLATES}: {count.found} found, {count.made} new")

    async def _version(self, template: Template, version_id: str) -> None:
        if await self._database.read(templates_store.version, self._tenant_id, template.id, version_id) is not None:
            return
        found = await self._account.version(template.id, version_id)
        empty = Version(version_id, template.id, False, "", "", True, "code", time.time(), "", "", None)
        fields = ("active", "name", "subject", "html_content", "plain_content", "generate_plain_content", "editor", "test_data")
        try:
            version = read_version({name: found[name] for name in fields if found.get(name) is not None}, is_new=True).applied(empty, time.time())
            if template.generation == DYNAMIC:
                check_dynamic(version)
        except Invalid as error:
            self.report.fault(TEMPLATES, f"{template.id}: version {found.get('name')!r} is not taken: {error.faults[0].message}")
            return
        await self._database.run(_keep_version, self._tenant_id, version)

    async def _all_domains(self) -> None:
        """Keys are new: the records must be published before the domain can send."""
        count = self.report.of(DOMAINS)
        async for page, _ in self._account.pages("/v3/whitelabel/domains"):
            for each in page:
                count.found += 1
                if self._is_dry:
                    continue
                try:
                    await self._domains.add(self._tenant_id, str(each["domain"]), self._doer)
                    count.made += 1
                except Conflict:
                    count.kept += 1
                except Invalid as error:
                    self.report.fault(DOMAINS, f"{each.get('domain')!r}: {error.faults[0].message}")


def _keep_group(txn: Txn, tenant_id: str, each: Mapping[str, Any], now: float) -> bool:
    """Whether the group is new. Raises: Invalid."""
    if groups_store.group(txn, tenant_id, int(each["id"])) is not None:
        return False
    groups_store.add_group(
        txn, tenant_id, name=str(each["name"]), description=_text(each.get("description")), is_default=bool(each.get("is_default")), now=now,
        group_id=int(each["id"]),
    )
    return True


def _keep_template(txn: Txn, tenant_id: str, template: Template) -> bool:
    """Whether the template is new. Raises: Conflict when its id is another tenant's."""
    if templates_store.template(txn, tenant_id, template.id) is not None:
        return False
    if not templates_store.insert_template(txn, tenant_id, template, ignore=True):
        raise Conflict(f"{template.id} cannot be taken under its id: another tenant has it")
    return True


def _keep_version(txn: Txn, tenant_id: str, version: Version) -> None:
    """The version is there, unless it was; an active one is the only one."""
    if templates_store.template(txn, tenant_id, version.template_id, lock=True) is None:
        raise NotFound(f"the template {version.template_id} was deleted meanwhile")
    if templates_store.version(txn, tenant_id, version.template_id, version.id) is not None:
        return
    templates_store.insert_versions(txn, tenant_id, [version])
    if version.active:
        templates_store.rest_versions(txn, tenant_id, version.template_id, version.id)


def _text(value: object) -> str | None:
    """The text as a database takes it."""
    return value.replace("\0", "").encode("utf-8", "replace").decode() or None if isinstance(value, str) else None
