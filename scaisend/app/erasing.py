"""Erasing a recipient from a tenant: each step is a transaction of its own, may be interrupted, and is done once however often it is asked for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from scaisend.address import fold
from scaisend.faults import NotFound
from scaisend.identity.audit_store import record_act
from scaisend.ids import IdMaker
from scaisend.messages.erase_store import blank_page, end_page, named_elsewhere, spellings
from scaisend.storage.database import Database, Txn
from scaisend.storage.objects import Objects
from scaisend.suppressions.erase_store import hide
from scaisend.suppressions.erased import KNOWN_AFTER_S, ErasedNames, Erasure


@dataclass(frozen=True, slots=True)
class Eraser:
    """Who has it done, for the audit log: a person's or key's id, from which address, by which request."""

    actor: str = "cli"
    source: str | None = None
    request_id: str | None = None


@dataclass(slots=True)
class Erasing:
    """What was erased: recipients, mails that were ended, entries of lists; objects deleted, and kept since other requests name them; what is left.

    `complete` is false when there were more mails than there was time for.
    """

    recipients: int = 0
    ended: int = 0
    suppressions: int = 0
    objects_deleted: int = 0
    objects_kept: int = 0
    left: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class House:
    """What erasing needs of an installation; `rest` waits for seconds."""

    database: Database
    objects: Objects
    ids: IdMaker
    erasure: Erasure
    now_s: Callable[[], float]
    rest: Callable[[float], Awaitable[None]]


async def erase(
    house: House, tenant_id: str, address: str, told: Callable[[Erasing], None] = lambda done: None, *, by: Eraser = Eraser(), most_s: float | None = None
) -> Erasing:
    """The address is gone from the tenant's mails, events and lists, as far as no worker holds a mail to it; the log says so without it.

    After `most_s` seconds no further page of mails is begun.

    Raises: Unavailable; whatever was done is done, and asking again goes on.
    """
    email, done, began = fold(address), Erasing(), house.now_s()
    names = await _names(house)
    done.suppressions = await house.database.run(hide, tenant_id, email, names.name(tenant_id, email))
    emails = [each for each in await house.database.run(spellings, tenant_id, _lowered(address, email)) if fold(each) == email]
    after: str | None = ""
    while emails and after is not None:
        page = await house.database.run(end_page, tenant_id, house.ids, emails, after, house.now_s())
        for name in page.objects:
            if await house.database.run(named_elsewhere, tenant_id, name, page.requests):
                done.objects_kept += 1
            else:
                await _delete(house.objects, name)
                done.objects_deleted += 1
        await house.database.run(blank_page, tenant_id, page)
        done.recipients += len(page.recipients)
        done.ended += page.ended
        done.left += page.left
        after = page.after
        told(done)
        if after is not None and most_s is not None and house.now_s() - began > most_s:
            done.complete = False
            break
    await house.database.run(_record, tenant_id, names.name(tenant_id, email), done, by, house.now_s())
    return done


async def _names(house: House) -> ErasedNames:
    """The names for erased addresses, which every process looks for by now: the first time of all they have to learn that there are any."""
    if await house.database.run(house.erasure.made):
        await house.rest(KNOWN_AFTER_S)
    names = await house.database.run(house.erasure.names)
    assert names is not None
    return names


def _lowered(address: str, email: str) -> list[str]:
    """How recipients of this address may be written, but for the case: with the domain in A-labels or not, the local part quoted or not."""
    local, _, domain = email.rpartition("@")
    forms = {domain}
    try:
        forms.add(domain.encode("ascii").decode("idna"))
    except UnicodeError:
        pass
    locals_ = {local, f'"{local}"'} if not local.startswith('"') else {local}
    return sorted({address.lower(), email} | {f"{each}@{form}" for each in locals_ for form in forms})


async def _delete(objects: Objects, name: str) -> None:
    try:
        await objects.delete(name)
    except NotFound:
        pass


def _record(txn: Txn, tenant_id: str, name: str, done: Erasing, by: Eraser, now: float) -> None:
    record_act(
        txn, tenant_id, actor=by.actor, action="recipient.erase", resource=name,
        change={"recipients": done.recipients, "ended": done.ended, "suppressions": done.suppressions, "left": done.left}, source=by.source,
        request_id=by.request_id, happened_at=now,
    )
