"""/api/admin/bulk-jobs: operations over many queued mails. A tenant's people reach its mail alone, operators that of one tenant or of all."""

from scaisend.delivery import bulk, bulk_store
from scaisend.delivery.bulk import Queued, Wanted, may_undo, read_plan, read_wanted
from scaisend.delivery.bulk_store import Job
from scaisend.delivery.orders_api import only_operator
from scaisend.delivery.orders_store import domains_of_across_tenants
from scaisend.delivery.waiting_store import Place, tenants_after_across_tenants
from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.paging import whole
from scaisend.http.reply import Reply, data_reply
from scaisend.http.route import Route, get, post
from scaisend.identity.administration import tenant_of
from scaisend.identity.audit_store import record_act
from scaisend.identity.reach import ABOVE, SUPER_ADMIN
from scaisend.ids import IdMaker
from scaisend.messages.moments import iso
from scaisend.shape import wrong_type
from scaisend.storage.database import Database, Txn

ALL, ONE = "/api/admin/bulk-jobs", "/api/admin/bulk-jobs/<job_id>"
MAY = ("mail.cancel", ABOVE)
PAGE = 2_000
MOST_EXAMINED = 200_000
SAMPLES = 10

Json = dict[str, object]


class BulkApi:
    """Preview, begin, watch and undo bulk jobs."""

    def __init__(self, *, database: Database, ids: IdMaker) -> None:
        self._database = database
        self._ids = ids

    def routes(self) -> list[Route]:
        return [
            get(ALL, self.show_all, permission=MAY, summary="Bulk jobs, newest first"),
            post(ALL, self.begin, permission=MAY, limit="writes", summary="Fail, hold, requeue, delay or reroute all queued mail of a filter"),
            post(f"{ALL}/preview", self.preview, permission=MAY, limit="writes", summary="How much queued mail a filter means"),
            get(ONE, self.show, permission=MAY, summary="One bulk job and how far it is"),
            post(f"{ONE}/undo", self.undo, permission=MAY, limit="writes", summary="Give the mail of a bulk job back as it was"),
        ]

    async def preview(self, call: Call) -> Reply:
        """`{"count", "by_status", "sample", "complete"}` of the `filter`."""
        given = _object(call)
        tenant_id = await self._database.run(_scope, call)
        return data_reply(await preview(self._database, tenant_id, read_wanted(given.get("filter", given))))

    async def begin(self, call: Call) -> Reply:
        """202 with the job. Raises: Invalid; Forbidden for a reroute where hosts are shared with other tenants."""
        given = _object(call)
        if "filter" not in given:
            raise Invalid("The filter parameter is required.", "filter", "{} is all queued mail.")
        plan = read_plan(given, call.now_s)
        if plan.action == bulk.REROUTE:
            await self._database.run(only_operator, call)
        tenant_id = await self._database.run(_scope, call)
        by = call.caller.user_id or call.caller.credential_id
        job = await begin(self._database, self._ids, tenant_id, plan, by, call.now_s, source=call.remote or None, request_id=call.request_id or None)
        return data_reply(job_shape(job), 202)

    async def show_all(self, call: Call) -> Reply:
        """At most `limit` (100)."""
        most = whole(call, "limit", least=1, most=500, default=100)
        tenant_id = await self._database.run(_scope, call)
        return data_reply([job_shape(each) for each in await self._database.run(bulk_store.jobs_across_tenants, tenant_id, most=most)])

    async def show(self, call: Call) -> Reply:
        """The job."""
        tenant_id = await self._database.run(_scope, call)
        return data_reply(job_shape(await self._database.run(found, call.path["job_id"], tenant_id)))

    async def undo(self, call: Call) -> Reply:
        """202 with the job. Raises: Conflict when its action has begun."""
        tenant_id = await self._database.run(_scope, call)
        by = call.caller.user_id or call.caller.credential_id
        job = await undo(self._database, call.path["job_id"], tenant_id, by, call.now_s, source=call.remote or None, request_id=call.request_id or None)
        return data_reply(job_shape(job), 202)


async def preview(database: Database, tenant_id: str | None, wanted: Wanted) -> Json:
    """How much queued mail is meant, and the first of it; after MOST_EXAMINED the count is what was found so far, and `complete` false."""
    wanted = await database.run(_spread, wanted)
    by_status: dict[str, int] = {}
    sample: list[Json] = []
    examined, after = 0, ""
    while examined < MOST_EXAMINED:
        tenants = [tenant_id] if tenant_id is not None and not after else await database.run(tenants_after_across_tenants, after) if tenant_id is None else []
        if not tenants:
            break
        after = tenants[0]
        for page in (bulk_store.due_page, bulk_store.unrendered_page):
            place: Place | None = Place()
            while place is not None and examined < MOST_EXAMINED:
                rows, place = await database.read(page, after, place, PAGE)
                examined += len(rows)
                for each in filter(wanted.matches, rows):
                    by_status[each.status] = by_status.get(each.status, 0) + 1
                    if len(sample) < SAMPLES:
                        sample.append(_sample(each))
    return {"count": sum(by_status.values()), "by_status": by_status, "sample": sample, "complete": examined < MOST_EXAMINED}


async def begin(
    database: Database, ids: IdMaker, tenant_id: str | None, plan: bulk.Plan, by: str, now: float, *, source: str | None = None, request_id: str | None = None
) -> Job:
    """The job is there and on record; workers take it up."""
    return await database.run(_begin, ids.new("blk", tenant_id or ""), tenant_id, plan, by, now, source, request_id)


async def undo(
    database: Database, job_id: str, tenant_id: str | None, by: str, now: float, *, source: str | None = None, request_id: str | None = None
) -> Job:
    """The job's mail goes back as it was. Raises: NotFound; Conflict when its action has begun."""
    return await database.run(_undo, job_id, tenant_id, by, now, source, request_id)


def found(txn: Txn, job_id: str, tenant_id: str | None) -> Job:
    """The job. Raises: NotFound, for another tenant's too."""
    job = bulk_store.job_across_tenants(txn, job_id, tenant_id)
    if job is None:
        raise NotFound(f"there is no bulk job {job_id[:60]!r}", "job_id")
    return job


def job_shape(job: Job) -> Json:
    """A job as it is shown."""
    shown = job.wanted.shape()
    if "sender" in shown:
        shown["from"] = shown.pop("sender")
    shown.pop("domains", None)
    return {
        "id": job.id, "tenant_id": job.tenant_id, "action": job.action, "filter": shown, "until": iso(job.until), "route": job.route, "status": job.status,
        "gathered": job.gathered, "done": job.gathered if job.action == bulk.HOLD and job.status == bulk.DONE else job.done,
        "begins_at": iso(job.begins_at), "can_be_undone": may_undo(job.action, job.status), "reason": job.reason, "by": job.ordered_by,
        "created_at": iso(job.created_at), "updated_at": iso(job.updated_at),
    }


def _begin(txn: Txn, job_id: str, tenant_id: str | None, plan: bulk.Plan, by: str, now: float, source: str | None, request_id: str | None) -> Job:
    spread = bulk.Plan(plan.action, _spread(txn, plan.wanted), plan.undo_s, plan.until, plan.reason, plan.route)
    bulk_store.add_job_across_tenants(txn, job_id, tenant_id, spread, by, now)
    change = {"action": plan.action, "filter": plan.wanted.shape(), "until": iso(plan.until), "undo_s": plan.undo_s, "reason": plan.reason}
    if plan.action == bulk.REROUTE:
        change["route"] = plan.route
    record_act(txn, tenant_id, actor=by, action="bulk_job.begin", resource=job_id, change=change, source=source, request_id=request_id, happened_at=now)
    return found(txn, job_id, tenant_id)


def _undo(txn: Txn, job_id: str, tenant_id: str | None, by: str, now: float, source: str | None, request_id: str | None) -> Job:
    job = found(txn, job_id, tenant_id)
    if not bulk_store.undo_job_across_tenants(txn, job, now):
        why = "it is undone" if job.status in (bulk.UNDOING, bulk.UNDONE) else "its action has begun"
        raise Conflict(f"the job cannot be undone: {why}", "job_id")
    record_act(txn, job.tenant_id, actor=by, action="bulk_job.undo", resource=job_id, change={}, source=source, request_id=request_id, happened_at=now)
    return found(txn, job_id, tenant_id)


def _spread(txn: Txn, wanted: Wanted) -> Wanted:
    """With the domains that its destination takes mail of. Raises: Invalid when it takes none that is known, or not that of `to_domain`."""
    if wanted.destination is None:
        return wanted
    domains = {*domains_of_across_tenants(txn, wanted.destination), wanted.destination}
    if wanted.to_domain is not None:
        domains &= {wanted.to_domain}
    return bulk.Wanted(**{name: getattr(wanted, name) for name in wanted.__slots__ if name != "domains"}, domains=tuple(sorted(domains)))


def _scope(txn: Txn, call: Call) -> str | None:
    """The tenant whose mail the call is about; None: that of all, for who administers all and names none."""
    caller = call.caller
    if ABOVE in caller.permissions and caller.role == SUPER_ADMIN and not call.one("tenant_id") and not caller.tenant_id:
        return None
    return tenant_of(txn, call).id


def _object(call: Call) -> Json:
    given = call.json()
    if not isinstance(given, dict):
        raise Invalid(wrong_type("object", given))
    return given


def _sample(each: Queued) -> Json:
    return {
        "recipient_id": each.recipient_id, "tenant_id": each.tenant_id, "email": each.email, "from": each.sender, "subject": each.subject,
        "status": each.status, "waiting": each.waiting, "accepted_at": iso(each.accepted_at),
    }
