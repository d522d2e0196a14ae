"""One transaction that accepts a group of requests: after its commit every one of them is safe.

Order: who may send, what the requests name, idempotency, suppressions, then one INSERT a table for the whole group. A request
that is refused leaves nothing behind. Rows are written in id order, so that two groups never wait for each other in a circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from scaisend.address import fold
from scaisend.caller import Caller
from scaisend.domains.store import verified_domains
from scaisend.domains.verified_senders_store import verified_across_tenants
from scaisend.faults import Conflict, Fault, Forbidden, Invalid, ScaiSendError
from scaisend.identity.keys_store import check_callers
from scaisend.identity.limits import Quota
from scaisend.ids import IdMaker
from scaisend.messages import event as events
from scaisend.messages import status as states
from scaisend.messages import waiting
from scaisend.messages.record import first_events, write_events
from scaisend.messages.store import EventRow, micros
from scaisend.sending import batches_store, store
from scaisend.sending.quotas import spend
from scaisend.sending.request import PersonalMessage, SendRequest
from scaisend.storage.database import Txn, Value
from scaisend.suppressions.erased import Erasure
from scaisend.suppressions.groups_store import left_across_tenants
from scaisend.suppressions.lists import GROUP, group_stops, reason_of, stopped_by
from scaisend.suppressions.store import listed_across_tenants

NO_TEMPLATE = "The Template ID must be a valid template id for your account. You provided {}."
NO_ACTIVE_VERSION = "The template {} has no active version: add one, or activate one of those that it has."
UNVERIFIED_SENDER = (
    "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved. Visit "
    "https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see the Sender Identity requirements"
)
HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."

_SENDS = frozenset({"mail.send"})
_SCHEDULES = frozenset({"mail.send", "mail.schedule"})

Drops = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Submission:
    """A request that is ready to be accepted: ids made, payload encoded, attachments stored.

    `is_ours`: this service wrote the mail, from an address of its own, so the tenant need not have its domain.
    """

    caller: Caller
    request: SendRequest
    request_id: str
    message_ids: tuple[str, ...]
    payload: str
    attachment_bytes: int
    accepted_at: float
    idempotency_key: str | None = None
    digest: bytes = b""
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer: status, X-Message-Id, the messages' ids, which of them a worker can start on now, and what is left of the tenant's quota."""

    status: int
    request_id: str
    message_ids: tuple[str, ...]
    ready: tuple[str, ...] = ()
    is_replay: bool = False
    quota: Quota | None = None


@dataclass(slots=True)
class _Rows:
    messages: list[Sequence[Value]]
    recipients: list[Sequence[Value]]
    events: list[EventRow]


def accept(txn: Txn, ids: IdMaker, submissions: Sequence[Submission], erasure: Erasure | None = None) -> list[Accepted | Exception]:
    """One answer or refusal a submission; all that are answered are written."""
    now = max(each.accepted_at for each in submissions)
    refusals: list[ScaiSendError | None] = check_callers(
        txn, [each.caller for each in submissions], now, [_SCHEDULES if each.request.scheduled else _SENDS for each in submissions]
    )
    _check_senders(txn, submissions, refusals)
    paused = _check_names(txn, submissions, refusals, now)
    replays = _claim_keys(txn, submissions, refusals, now)
    quotas = _spend(txn, submissions, refusals, replays, now)
    writing = [
        each for number, each in enumerate(submissions) if refusals[number] is None and number not in replays
    ]
    writing.sort(key=lambda each: each.request_id)
    drops = _dropped(txn, writing, erasure)
    rows = _Rows([], [], [])
    known = store.insert_requests(txn, [_request_row(each) for each in writing]) if writing else set()
    ready = {each.request_id: _write(_Rows([], [], []) if each.request_id in known else rows, ids, each, drops, paused) for each in writing}
    if rows.messages:
        store.insert_messages(txn, rows.messages)
        store.insert_recipients(txn, rows.recipients)
        if rows.events:
            write_events(txn, rows.events, now)
    return [
        refusals[number] or replays.get(number)
        or Accepted(200 if each.request.sandbox else 202, each.request_id, each.message_ids, ready[each.request_id], quota=quotas.get(number))
        for number, each in enumerate(submissions)
    ]


def _open(submissions: Sequence[Submission], refusals: Sequence[ScaiSendError | None]) -> Iterable[tuple[int, Submission]]:
    return ((number, each) for number, each in enumerate(submissions) if refusals[number] is None)


def _check_senders(txn: Txn, submissions: Sequence[Submission], refusals: list[ScaiSendError | None]) -> None:
    """Refuses requests from a domain that is not verified, unless each address of it is a verified sender."""
    checked = [(number, each) for number, each in _open(submissions, refusals) if not each.caller.is_test and not each.is_ours]
    wanted = {(each.caller.tenant_id, domain) for _, each in checked for domain in each.request.from_domains}
    verified = verified_domains(txn, sorted(wanted)) if wanted else set()
    if wanted <= verified:
        return
    asked: dict[str, set[str]] = {}
    left: list[tuple[int, str, set[str]]] = []
    for number, each in checked:
        tenant_id = each.caller.tenant_id
        emails = {fold(message.from_email) for message in each.request.messages if (tenant_id, message.from_domain) not in verified}
        if emails:
            left.append((number, tenant_id, emails))
            asked.setdefault(tenant_id, set()).update(emails)
    senders = verified_across_tenants(txn, {tenant_id: sorted(emails) for tenant_id, emails in asked.items()})
    for number, tenant_id, emails in left:
        if any((tenant_id, email) not in senders for email in emails):
            refusals[number] = Forbidden(UNVERIFIED_SENDER, "from")


def _check_names(txn: Txn, submissions: Sequence[Submission], refusals: list[ScaiSendError | None], now: float) -> set[tuple[str, str]]:
    """Refuses requests that name a template, group, batch or pool that the tenant has not; the (tenant, batch) pairs that are paused."""
    named = [
        (number, each) for number, each in _open(submissions, refusals)
        if each.request.template_id or each.request.batch_id or each.request.asm_group_id is not None or each.request.ip_pool_name
    ]
    if not named:
        return set()
    templates = store.templates_known(txn, {(s.caller.tenant_id, s.request.template_id) for _, s in named if s.request.template_id})
    batches = batches_store.statuses(txn, sorted({(s.caller.tenant_id, s.request.batch_id) for _, s in named if s.request.batch_id}), valid_at=now)
    pools = store.pools_known(txn, {(s.caller.tenant_id, s.request.ip_pool_name) for _, s in named if s.request.ip_pool_name})
    groups = store.groups_known(txn, {(s.caller.tenant_id, group) for _, s in named for group in _groups(s.request)})
    for number, each in named:
        tenant_id, request, faults = each.caller.tenant_id, each.request, []
        if request.template_id and not templates.get((tenant_id, request.template_id)):
            is_there = (tenant_id, request.template_id) in templates
            faults.append(_fault("template_id", (NO_ACTIVE_VERSION if is_there else NO_TEMPLATE).format(request.template_id)))
        if request.batch_id and (tenant_id, request.batch_id) not in batches:
            faults.append(_fault("batch_id", f"The batch_id must be one that POST /v3/mail/batch made for your account. You provided {request.batch_id}."))
        if request.ip_pool_name and (tenant_id, request.ip_pool_name) not in pools:
            faults.append(_fault("ip_pool_name", f"The IP Pool name must be a valid pool name for your account. You provided {request.ip_pool_name}."))
        if request.asm_group_id is not None and (tenant_id, request.asm_group_id) not in groups:
            faults.append(_fault("asm.group_id", f"The ASM group ID must be a valid Group ID on your account. You provided {request.asm_group_id}."))
        unknown = [str(group) for group in request.asm_groups_to_display if (tenant_id, group) not in groups]
        if unknown:
            shown = ", ".join(unknown)
            faults.append(_fault("asm.groups_to_display", f"All ASM groups to display must be valid ASM groups IDs on your account. You provided {shown}."))
        if faults:
            refusals[number] = Invalid(faults)
    paused = sorted(pair for pair, status in batches.items() if status == batches_store.PAUSE)
    # Read again under a lock: a resume that is being committed would not see the messages that are held here, and they would wait for ever.
    return {pair for pair, status in batches_store.statuses(txn, paused, lock=True).items() if status == batches_store.PAUSE}


def _groups(request: SendRequest) -> tuple[int, ...]:
    return request.asm_groups_to_display if request.asm_group_id is None else (request.asm_group_id, *request.asm_groups_to_display)


def _fault(field: str, message: str) -> Fault:
    return Fault(message, field, HELP + field)


def _claim_keys(txn: Txn, submissions: Sequence[Submission], refusals: list[ScaiSendError | None], now: float) -> dict[int, Accepted]:
    """Claims the idempotency keys; the first answers of those that were used before, by place in the group."""
    keyed = sorted(
        ((each.caller.tenant_id, each.idempotency_key, number) for number, each in _open(submissions, refusals) if each.idempotency_key),
        key=lambda claim: claim[:2],
    )
    if not keyed:
        return {}
    claims = [(tenant_id, key, submissions[number].digest, _answer_text(submissions[number]), now) for tenant_id, key, number in keyed]
    store.claim_idempotency_keys(txn, claims)
    kept = store.remembered(txn, sorted({(tenant_id, key) for tenant_id, key, _ in keyed}))
    replays = {}
    for tenant_id, key, number in keyed:
        mine, first = submissions[number], kept[(tenant_id, key)]
        if first.digest != mine.digest:
            refusals[number] = Conflict("this Idempotency-Key was used with another body", "Idempotency-Key", "use a new key for a new request")
        elif (answer := orjson.loads(first.answer))["x_message_id"] != mine.request_id:
            replays[number] = Accepted(answer["status"], answer["x_message_id"], tuple(answer["message_ids"]), is_replay=True)
    return replays


def _spend(
    txn: Txn, submissions: Sequence[Submission], refusals: list[ScaiSendError | None], replays: Mapping[int, Accepted], now: float
) -> dict[int, Quota]:
    """Refuses what is over a quota, and takes its idempotency key back; what is left of the quotas, by place in the group."""
    claims = [
        (number, each.caller.tenant_id, sum(len(message.recipients) for message in each.request.messages))
        for number, each in _open(submissions, refusals)
        if number not in replays and not (each.request.sandbox or each.caller.is_test or each.is_ours)
    ]
    quotas: dict[int, Quota] = {}
    for number, answer in spend(txn, claims, now).items():
        if isinstance(answer, Quota):
            quotas[number] = answer
            continue
        refusals[number] = answer
        key = submissions[number].idempotency_key
        if key:
            store.release_idempotency_key(txn, submissions[number].caller.tenant_id, key)
    return quotas


def _answer_text(each: Submission) -> str:
    answer = {"status": 200 if each.request.sandbox else 202, "x_message_id": each.request_id, "message_ids": each.message_ids}
    return orjson.dumps(answer).decode()


def _dropped(txn: Txn, writing: Sequence[Submission], erasure: Erasure | None) -> Drops:
    """Which (request id, folded address) are not mailed, and the list that says so; one query for the lists, one for the groups."""
    live = [each for each in writing if not each.request.sandbox and not each.caller.is_test]
    wanted = {(each.caller.tenant_id, fold(to.email)) for each in live for message in each.request.messages for to in message.recipients}
    if not wanted:
        return {}
    names = erasure.names(txn) if erasure else None
    listed = listed_across_tenants(txn, wanted, names)
    grouped = [each for each in live if each.request.asm_group_id is not None]
    left = (
        left_across_tenants(
            txn,
            ((each.caller.tenant_id, fold(to.email), each.request.asm_group_id) for each in grouped if each.request.asm_group_id is not None
             for message in each.request.messages for to in message.recipients),
            names,
        )
        if grouped else set()
    )
    if not listed and not left:
        return {}
    drops: dict[tuple[str, str], str] = {}
    for each in live:
        for to in (to for message in each.request.messages for to in message.recipients):
            address = fold(to.email)
            name = stopped_by(listed.get((each.caller.tenant_id, address), ()), each.request.bypass)
            if name is None and (each.caller.tenant_id, address, each.request.asm_group_id) in left and group_stops(each.request.bypass):
                name = GROUP
            if name:
                drops[(each.request_id, address)] = name
    return drops


def _request_row(each: Submission) -> Sequence[Value]:
    return each.request_id, each.caller.tenant_id, each.caller.credential_id, each.payload, micros(each.accepted_at)


def _write(rows: _Rows, ids: IdMaker, each: Submission, drops: Drops, paused: set[tuple[str, str]]) -> tuple[str, ...]:
    """Adds the submission's rows; the ids of messages that can be worked on at once."""
    request, caller = each.request, each.caller
    accepted = micros(each.accepted_at)
    categories = orjson.dumps(request.categories).decode() if request.categories else None
    silent = request.sandbox or caller.is_test
    is_paused = request.batch_id is not None and (caller.tenant_id, request.batch_id) in paused
    ready = []
    for number, (message_id, message) in enumerate(zip(each.message_ids, request.messages, strict=True)):
        stage, due_at, reason = _stage(message, each, silent, is_paused)
        dropped = _add_recipients(rows, ids, each, message, message_id, drops, silent)
        if dropped == len(message.recipients):
            stage, due_at, reason = states.DROPPED, None, None
        elif due_at is not None and due_at <= each.accepted_at:
            ready.append(message_id)
        rows.messages.append((
            message_id, caller.tenant_id, each.request_id, number, message.from_email, message.subject and message.subject[:998],
            orjson.dumps(message.own).decode(), stage, reason, len(message.recipients), 0 if silent else len(message.recipients),
            len(each.payload) + each.attachment_bytes + 1024, 0, request.batch_id, request.template_id, categories, request.ip_pool_name,
            micros(message.send_at), micros(due_at), 0, accepted, accepted,
        ))
    return tuple(ready)


def _stage(message: PersonalMessage, each: Submission, silent: bool, is_paused: bool) -> tuple[str, float | None, str | None]:
    if silent:
        return states.SANDBOX, None, "sandbox_mode" if each.request.sandbox else "test key"
    if is_paused:
        return states.PAUSED, None, waiting.PAUSED
    if message.send_at is not None and message.send_at > each.accepted_at:
        return states.SCHEDULED, message.send_at, waiting.SCHEDULED
    return states.QUEUED, each.accepted_at, None


def _add_recipients(
    rows: _Rows, ids: IdMaker, each: Submission, message: PersonalMessage, message_id: str, drops: Drops, silent: bool
) -> int:
    """Adds the message's recipients and their first events; how many of them are dropped."""
    tenant_id, now = each.caller.tenant_id, micros(each.accepted_at)
    told: list[tuple[str, str, dict[str, object]]] = []
    dropped = 0
    for number, to in enumerate(message.recipients):
        recipient_id = f"{message_id}.{number}"
        name = drops.get((each.request_id, fold(to.email))) if drops else None
        state = states.SANDBOX if silent else states.QUEUED
        why: str | None = None if silent else waiting.RENDERING
        reason: str | None = None
        if name:
            dropped += 1
            reason = reason_of(name)
            state, why = states.DROPPED, None
            told.append((recipient_id, events.DROPPED, {"reason": reason, "list": name}))
        elif not silent:
            told.append((recipient_id, events.PROCESSED, {}))
        rows.recipients.append((
            recipient_id, tenant_id, message_id, number, to.kind, to.email, to.name, state, why, reason, None, None, 0, 0, 0, 0, now,
        ))
    rows.events.extend(first_events(ids, tenant_id, message_id, told, each.accepted_at))
    return dropped
