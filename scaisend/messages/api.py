"""/v3/messages: what became of mails, and what can still be done about them. With `query` or an id `X.rest` in SendGrid's shape."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from scaisend.address import domain_of
from scaisend.domains.store import signing_keys
from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.paging import only, whole
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get, post
from scaisend.ids import IdMaker
from scaisend.messages import read_store
from scaisend.messages.actions import CANCEL, FAIL, RETRY, Act
from scaisend.messages.actions_store import Acted, act_on
from scaisend.messages.activity import activity_detail, activity_shape
from scaisend.messages.activity_query import read_query
from scaisend.messages.activity_store import matching
from scaisend.messages.explain import Signing, explanation, way_of
from scaisend.messages.read_store import Seen, SeenDialogue, SeenEvent, SeenRecipient, SeenRequest
from scaisend.messages.search import ActivityId, is_message_id, is_request_id, next_cursor, read_activity_id, read_list
from scaisend.messages.shown import Json, dialogue_shape, events_shape, message_shape, whole_shape
from scaisend.storage.database import Database, Txn

READ = ("stats.read", "mail.send")
ONE = "/v3/messages/<message_id>"
ACTIVITY_USUAL = 10
ACTIVITY_MOST = 1_000
MOST_DESTINATIONS = 20
ACTIVITY_PARAMETERS = ("query", "limit")


# What is told of the destination of a domain or route to the tenant, or to the operator; None where nothing is known of it.
TellDestination = Callable[[Txn, str, str, float], Json | None]


class Pushes(Protocol):
    """Takes ids of work that can begin (storage/pushing.py)."""

    def push(self, ids: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Whole:
    """A message, its timeline, and, where one recipient was asked for, that recipient and the request."""

    seen: Seen
    events: Sequence[SeenEvent]
    recipient: SeenRecipient | None = None
    request: SeenRequest | None = None


class MessagesApi:
    """The messages of the caller's tenant."""

    def __init__(
        self, *, database: Database, ids: IdMaker, renders: Pushes, deliveries: Pushes, now_s: Callable[[], float], destination: TellDestination
    ) -> None:
        self._database = database
        self._ids = ids
        self._renders = renders
        self._deliveries = deliveries
        self._now_s = now_s
        self._destination = destination

    def routes(self) -> list[Route]:
        return [
            get("/v3/messages", self.find, permission=READ, limit="messages", summary="Messages and their status, newest first"),
            get(ONE, self.show, permission=READ, limit="messages", summary="One message with its timeline"),
            get(f"{ONE}/events", self.events, permission=READ, limit="messages", summary="The timeline of a message"),
            get(f"{ONE}/dialogues", self.dialogues, permission="admin.settings", limit="messages", summary="SMTP dialogues that did not deliver"),
            get(f"{ONE}/explain", self.explain, permission="stats.read", limit="messages", summary="Why it has not arrived: gate, state and limits of the destination, attempts, likely cause, cure"),
            post(f"{ONE}/cancel", self.cancel, permission="mail.cancel", summary="Cancel a message that is not being sent"),
            post(f"{ONE}/retry", self.retry, permission="mail.send", summary="Try a failed or deferred message again, now"),
            post(f"{ONE}/fail", self.fail, permission="mail.send", summary="End a message that is stuck"),
        ]

    async def find(self, call: Call) -> Reply:
        """With `query` SendGrid's Email Activity; else ours: `{"messages": […], "next": cursor or null}`."""
        query = call.one("query")
        if query is not None:
            return await self._activity(call, query)
        asked = read_list(call)
        found = await self._database.read(read_store.message_page, call.caller.tenant_id, asked)
        following = next_cursor(found[-1].message.id) if len(found) == asked.limit else None
        return json_reply({"messages": [message_shape(each) for each in found], "next": following})

    async def _activity(self, call: Call, query: str) -> Reply:
        only(call, *ACTIVITY_PARAMETERS)
        if not query.strip():
            raise Invalid("invalid syntax: the query is empty", "query")
        limit = whole(call, "limit", least=1, most=ACTIVITY_MOST, default=ACTIVITY_USUAL)
        found = await self._database.read(matching, call.caller.tenant_id, read_query(query), limit)
        return json_reply({"messages": [activity_shape(each) for each in found]})

    async def show(self, call: Call) -> Reply:
        """The message, by any of its ids; one recipient in SendGrid's shape for `X.rest`."""
        found = await self._database.read(_whole, call.caller.tenant_id, call.path["message_id"])
        if found.recipient is not None and found.request is not None:
            return json_reply(activity_detail(found.seen, found.recipient, found.events, found.request))
        return json_reply(whole_shape(found.seen, found.events))

    async def events(self, call: Call) -> Reply:
        """`{"events": […]}`, first to last; of one recipient for `X.rest`."""
        found = await self._database.read(_whole, call.caller.tenant_id, call.path["message_id"])
        events = [each for each in found.events if found.recipient is None or each.recipient_id == found.recipient.id]
        return json_reply({"events": events_shape(found.seen, events)})

    async def dialogues(self, call: Call) -> Reply:
        """`{"dialogues": […]}`, newest first."""
        seen, found = await self._database.read(_dialogues, call.caller.tenant_id, call.path["message_id"])
        emails = {each.id: each.email for each in seen.recipients}
        return json_reply({"dialogues": [dialogue_shape(each, emails) for each in found]})

    async def explain(self, call: Call) -> Reply:
        """The message explained; of one recipient for `X.rest`. Dialogues are for `admin.settings` alone."""
        told = await self._database.read(
            explained, call.caller.tenant_id, call.path["message_id"], self._now_s(), with_dialogues=call.caller.may("admin.settings"),
            destination=self._destination,
        )
        return json_reply(told)

    async def cancel(self, call: Call) -> Reply:
        """The message's waiting recipients are cancelled. Raises: Conflict when it is being sent, or was."""
        return await self._act(call, CANCEL, "cancelled by {}")

    async def retry(self, call: Call) -> Reply:
        """The message's failed and deferred recipients are tried again at once. Raises: Conflict when there are none."""
        return await self._act(call, RETRY, "retried by {}")

    async def fail(self, call: Call) -> Reply:
        """The message's waiting recipients, those in doubt included, failed. Raises: Conflict when there are none."""
        return await self._act(call, FAIL, "ended by {}")

    async def _act(self, call: Call, act: Act, reason: str) -> Reply:
        actor = call.caller.user_id or call.caller.credential_id
        acted, found = await self._database.run(
            _act, call.caller.tenant_id, call.path["message_id"], self._ids, act, reason.format(actor), actor, self._now_s()
        )
        if acted.render:
            self._renders.push(acted.render)
        if acted.deliver:
            self._deliveries.push(acted.deliver)
        return json_reply({act.done: acted.count} | whole_shape(found.seen, found.events))


def _act(txn: Txn, tenant_id: str, given: str, ids: IdMaker, act: Act, reason: str, by: str, now: float) -> tuple[Acted, _Whole]:
    message_id, one = _resolve(txn, tenant_id, given)
    recipient_id = one.recipient_id if one else None
    acted = act_on(txn, tenant_id, ids, message_id, act, reason=reason, by=by, now=now, recipient_id=recipient_id)
    if acted is None:
        raise _not_found()
    return acted, _whole(txn, tenant_id, message_id)


def _whole(txn: Txn, tenant_id: str, given: str) -> _Whole:
    message_id, one = _resolve(txn, tenant_id, given)
    seen = read_store.seen(txn, tenant_id, message_id)
    if seen is None:
        raise _not_found()
    events = read_store.timeline(txn, tenant_id, message_id)
    if one is None:
        return _Whole(seen, events)
    recipient = next((each for each in seen.recipients if each.number == one.number), None)
    request = read_store.request_of(txn, tenant_id, message_id)
    if recipient is None or request is None or seen.message.request_id != one.request_id:
        raise _not_found()
    return _Whole(seen, events, recipient, request)


def _dialogues(txn: Txn, tenant_id: str, given: str) -> tuple[Seen, list[SeenDialogue]]:
    found = _whole(txn, tenant_id, given)
    recipients = [found.recipient] if found.recipient else found.seen.recipients
    return found.seen, read_store.dialogues(txn, tenant_id, [each.id for each in recipients])


def explained(txn: Txn, tenant_id: str, given: str, now: float, *, with_dialogues: bool, destination: TellDestination) -> Json:
    """The message, by any of its ids, explained, with MOST_DESTINATIONS destinations. Raises: NotFound; Conflict when a request has several messages."""
    found = _whole(txn, tenant_id, given)
    domain = domain_of(found.seen.message.from_email)
    selectors = tuple([f"{key.selector} ({key.algorithm})" for key in signing_keys(txn, tenant_id, domain)])
    said = read_store.dialogues(txn, tenant_id, [each.id for each in found.seen.recipients]) if with_dialogues else None
    only = found.recipient.id if found.recipient else None
    ways = {way: None for each in found.seen.recipients if only in (None, each.id) and (way := way_of(found.seen, each))}
    told = {way: known for way in list(ways)[:MOST_DESTINATIONS] if (known := destination(txn, tenant_id, way, now)) is not None}
    return explanation(found.seen, found.events, Signing(domain, selectors), now, dialogues=said, only=only, destinations=told)


def _resolve(txn: Txn, tenant_id: str, given: str) -> tuple[str, ActivityId | None]:
    """The message that one of the three forms of id names; with the recipient where the form names one.

    Raises: NotFound; Conflict when a request has several messages.
    """
    if is_message_id(given):
        return given, None
    one = read_activity_id(given)
    if one is not None:
        if one.message_id not in read_store.ids_of_request(txn, tenant_id, one.request_id):
            raise _not_found()
        return one.message_id, one
    found = read_store.ids_of_request(txn, tenant_id, given) if is_request_id(given) else []
    if not found:
        raise _not_found()
    if len(found) > 1:
        raise Conflict(f"the X-Message-Id names {len(found)} messages", "message_id", "ask for one of the ids", ids=found)
    return found[0], None


def _not_found() -> NotFound:
    return NotFound("not found", "message_id")
