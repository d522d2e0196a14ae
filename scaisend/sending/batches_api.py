"""Mail batches and scheduled sends: /v3/mail/batch makes the ids, /v3/user/scheduled_sends pauses, cancels and resumes."""

from scaisend.faults import Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.administration import record
from scaisend.ids import IdMaker
from scaisend.sending import batches_store as store
from scaisend.sending.batches_store import CANCEL, OPEN, PAUSE, VALID_FOR_S, Batch
from scaisend.sending.expiry import BATCH as EXPIRED_AT_ONCE
from scaisend.sending.expiry import discard_expired
from scaisend.sending.request_fields import is_batch_id
from scaisend.storage.database import Database, Txn

MOST_STOPPED = 100
INVALID = "invalid batch id"
NOT_FOUND = "batch id not found"
EXISTS = "a status for this batch id exists, try PATCH to update the status"


class BatchesApi:
    """The doors of batches."""

    def __init__(self, *, database: Database, ids: IdMaker) -> None:
        self._database = database
        self._ids = ids

    def routes(self) -> list[Route]:
        one = "/v3/user/scheduled_sends/<batch_id>"
        return [
            post("/v3/mail/batch", self.make, permission="mail.schedule", summary="Make a batch id"),
            get("/v3/mail/batch/<batch_id>", self.show, permission="mail.schedule", summary="A batch and its messages by status"),
            get("/v3/user/scheduled_sends", self.stopped, permission="mail.cancel", summary="Paused and cancelled batches"),
            post("/v3/user/scheduled_sends", self.stop, permission="mail.cancel", summary="Pause or cancel a batch"),
            get(one, self.status, permission="mail.cancel", summary="The status of a batch, if it is paused or cancelled"),
            patch(one, self.change, permission="mail.cancel", summary="Pause a cancelled batch, or cancel a paused one"),
            delete(one, self.resume, permission="mail.cancel", summary="Resume a batch"),
        ]

    async def make(self, call: Call) -> Reply:
        batch_id = self._ids.new("batch", call.caller.tenant_id)
        await self._database.run(store.make, call.caller.tenant_id, batch_id, call.now_s)
        return json_reply({"batch_id": batch_id}, 201)

    async def show(self, call: Call) -> Reply:
        """Beside SendGrid's `batch_id`: the status, and the number of messages in each state."""
        batch_id = _batch_id(call.path["batch_id"])
        batch, counts = await self._database.read(_with_counts, call.caller.tenant_id, batch_id, call.now_s)
        return json_reply({"batch_id": batch.id, "status": batch.status, "status_counts": counts})

    async def stopped(self, call: Call) -> Reply:
        batches = await self._database.read(store.stopped, call.caller.tenant_id, MOST_STOPPED, call.now_s)
        return json_reply([_shape(each) for each in batches])

    async def stop(self, call: Call) -> Reply:
        given = _object(call)
        batch_id, status = _batch_id(given.get("batch_id")), _status(given)
        await self._database.run(_stop, call, batch_id, status)
        return json_reply({"batch_id": batch_id, "status": status}, 201)

    async def status(self, call: Call) -> Reply:
        """An array of one, or empty when the batch is neither paused nor cancelled."""
        batch = await self._database.read(store.get, call.caller.tenant_id, _batch_id(call.path["batch_id"]))
        return json_reply([_shape(batch)] if batch and batch.status != OPEN else [])

    async def change(self, call: Call) -> Reply:
        batch_id, status = _batch_id(call.path["batch_id"]), _status(_object(call))
        await self._change_to(call, batch_id, status)
        return no_content()

    async def resume(self, call: Call) -> Reply:
        """Mails that are due go at once; those that were held too long are discarded first."""
        await self._change_to(call, _batch_id(call.path["batch_id"]), OPEN)
        return no_content()

    async def _change_to(self, call: Call, batch_id: str, status: str) -> None:
        while not await self._database.run(_change, self._ids, call, batch_id, status):
            pass


def _with_counts(txn: Txn, tenant_id: str, batch_id: str, now_s: float) -> tuple[Batch, dict[str, int]]:
    batch = store.get(txn, tenant_id, batch_id)
    if batch is None or batch.made_at + VALID_FOR_S <= now_s:
        raise NotFound(NOT_FOUND)
    return batch, store.counts(txn, tenant_id, batch_id)


def _stop(txn: Txn, call: Call, batch_id: str, status: str) -> None:
    """An open batch is paused or cancelled."""
    tenant_id, now_s = call.caller.tenant_id, call.now_s
    batch = store.get(txn, tenant_id, batch_id, lock=True)
    if batch is None:
        raise Invalid(INVALID)
    if batch.status != OPEN:
        raise Invalid(EXISTS)
    if len(store.stopped(txn, tenant_id, MOST_STOPPED, now_s)) >= MOST_STOPPED:
        raise Invalid("max limit reached")
    store.set_status(txn, tenant_id, batch_id, status, now_s)
    _note(txn, call, batch, status)


def _change(txn: Txn, ids: IdMaker, call: Call, batch_id: str, status: str) -> bool:
    """Whether a paused or cancelled batch has got the status; False while it holds more expired mails than one transaction discards."""
    tenant_id = call.caller.tenant_id
    batch = store.get(txn, tenant_id, batch_id, lock=True)
    if batch is None or batch.status == OPEN:
        raise NotFound(NOT_FOUND)
    if status == OPEN and discard_expired(txn, ids, call.now_s, batch_id) == EXPIRED_AT_ONCE:
        return False
    store.set_status(txn, tenant_id, batch_id, status, call.now_s)
    _note(txn, call, batch, status)
    return True


def _note(txn: Txn, call: Call, before: Batch, status: str) -> None:
    change: dict[str, object] = {"status": {"before": before.status, "after": status}}
    record(txn, call, call.caller.tenant_id, action="batch.change", resource=before.id, change=change)


def _shape(batch: Batch) -> dict[str, str]:
    return {"batch_id": batch.id, "status": batch.status}


def _object(call: Call) -> dict[str, object]:
    given = call.json()
    if not isinstance(given, dict):
        raise Invalid("Bad Request")
    return given


def _batch_id(given: object) -> str:
    if not isinstance(given, str) or not is_batch_id(given):
        raise Invalid(INVALID)
    return given


def _status(given: dict[str, object]) -> str:
    status = given.get("status")
    if status not in (PAUSE, CANCEL):
        raise Invalid("the status must be pause or cancel", "status")
    return str(status)
