"""Our endpoints: /v3/user/webhooks, each with its list of event types, its secret, its deliveries and their replay."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from scaisend.faults import Conflict, Fault, Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.paging import cursor, only, read_cursor, whole
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.audit_store import record_act
from scaisend.ids import IdMaker
from scaisend.messages.moments import iso, read_since
from scaisend.reporting import deliveries_store, events_store
from scaisend.reporting import webhooks_store as store
from scaisend.reporting.deliveries_store import Delivery
from scaisend.reporting.signature import make_hmac_secret
from scaisend.reporting.sweep_worker import Pushes, batches
from scaisend.reporting.webhook import ENDPOINT, MOST_WEBHOOKS, TOLD, OAuth, Secrets, Webhook, seal, unseal
from scaisend.reporting.webhook_request import Asked, Targets, check_whole, read_endpoint
from scaisend.sealing import Sealer
from scaisend.shape import Reader, finish
from scaisend.storage.database import Database, Txn

BASE = "/v3/user/webhooks"
ONE = f"{BASE}/<webhook_id>"
READ, WRITE = "webhooks.read", "webhooks.write"
UNKNOWN = "webhook not found"
STATUSES = (deliveries_store.QUEUED, deliveries_store.DELIVERED, deliveries_store.FAILED)
REPLAYED_MOST = 25_000


@dataclass(frozen=True, slots=True)
class _Replayed:
    delivery_ids: list[str]
    events: int
    last_event_id: str | None


class WebhooksApi:
    """The endpoints of the caller's tenant."""

    def __init__(
        self, *, database: Database, ids: IdMaker, sealer: Sealer, random_bytes: Callable[[int], bytes], targets: Targets, pushing: Pushes,
    ) -> None:
        self._database, self._ids, self._sealer, self._random_bytes = database, ids, sealer, random_bytes
        self._targets, self._pushing = targets, pushing

    def routes(self) -> list[Route]:
        return [
            get(BASE, self.show_all, permission=READ, summary="Webhook endpoints"),
            post(BASE, self.make, permission=WRITE, limit="writes", summary="Make a webhook endpoint; the answer holds its signing secret"),
            get(ONE, self.show, permission=READ, summary="A webhook endpoint"),
            patch(ONE, self.change, permission=WRITE, summary="Change a webhook endpoint, or switch it on again"),
            delete(ONE, self.delete, permission=WRITE, summary="Delete a webhook endpoint and its deliveries"),
            get(f"{ONE}/signing_secret", self.secret, permission=WRITE, summary="The secret that its posts are signed with"),
            post(f"{ONE}/signing_secret", self.new_secret, permission=WRITE, limit="writes", summary="Make a new signing secret"),
            get(f"{ONE}/deliveries", self.deliveries, permission=READ, summary="Its deliveries, newest first"),
            post(f"{ONE}/deliveries/<delivery_id>/replay", self.replay, permission=WRITE, summary="Post a delivery again"),
            post(f"{ONE}/replay", self.replay_range, permission=WRITE, summary="Post the events of a time range again"),
        ]

    async def show_all(self, call: Call) -> Reply:
        found = await self._database.read(store.webhooks_of, call.caller.tenant_id, ENDPOINT)
        return json_reply({"webhooks": [shape(each) for each in found]})

    async def make(self, call: Call) -> Reply:
        asked = read_endpoint(call.json(), self._targets, needs_url=True)
        secrets = Secrets(hmac_secret=make_hmac_secret(self._random_bytes(32)))
        made = await self._database.run(self._make, call, asked, secrets)
        return json_reply(shape(made) | {"signing_secret": secrets.hmac_secret}, 201)

    async def show(self, call: Call) -> Reply:
        return json_reply(shape(await self._database.read(_find, call)))

    async def change(self, call: Call) -> Reply:
        asked = read_endpoint(call.json(), self._targets, needs_url=False)
        if asked.url == "":
            raise Invalid("'' is not a valid url", "url")
        changed = await self._database.run(self._edit, call, lambda webhook, secrets: asked.applied(webhook, secrets, call.now_s))
        return json_reply(shape(changed))

    async def delete(self, call: Call) -> Reply:
        await self._database.run(_delete, call)
        return no_content()

    async def secret(self, call: Call) -> Reply:
        webhook = await self._database.read(_find, call)
        return json_reply({"signing_secret": unseal(self._sealer, webhook.sealed_secret).hmac_secret})

    async def new_secret(self, call: Call) -> Reply:
        """Posts are signed with it from now on; the old one is gone."""
        secret = make_hmac_secret(self._random_bytes(32))
        await self._database.run(self._edit, call, lambda webhook, secrets: (webhook, replace(secrets, hmac_secret=secret)), "webhook.new_secret")
        return json_reply({"signing_secret": secret}, 201)

    async def deliveries(self, call: Call) -> Reply:
        """`{"deliveries": […], "next": cursor or null}`; `status` chooses queued, delivered or failed ones."""
        only(call, "status", "limit", "cursor")
        status, most = call.one("status"), whole(call, "limit", least=1, most=500, default=100)
        if status is not None and status not in STATUSES:
            raise Invalid(f"The status must be one of {', '.join(STATUSES)}.", "status")
        given = call.one("cursor")
        below = str(read_cursor(given, (str,), field="cursor")[0]) if given else None
        found = await self._database.read(_deliveries, call, status, below, most)
        following = cursor([found[-1].id]) if len(found) == most else None
        return json_reply({"deliveries": [delivery_shape(each) for each in found], "next": following})

    async def replay(self, call: Call) -> Reply:
        """202: it is posted again with the same events, and as many attempts as a new one."""
        again = await self._database.run(_replay, call)
        self._pushing.push([again.id])
        return json_reply(delivery_shape(again), 202)

    async def replay_range(self, call: Call) -> Reply:
        """202 with how many events are posted again; `next_since` when there are more of them than fit into one call."""
        since, until = _range(call)
        done = await self._database.run(self._replay_range, call, since, until)
        self._pushing.push(done.delivery_ids)
        following = cursor([done.last_event_id]) if done.last_event_id and done.events == REPLAYED_MOST else None
        return json_reply({"events": done.events, "deliveries": len(done.delivery_ids), "next": following}, 202)

    def _make(self, txn: Txn, call: Call, asked: Asked, secrets: Secrets) -> Webhook:
        tenant_id = call.caller.tenant_id
        if len(store.webhooks_of(txn, tenant_id, ENDPOINT, lock=True)) >= MOST_WEBHOOKS:
            raise Invalid(f"There may be at most {MOST_WEBHOOKS} webhook endpoints.")
        blank = Webhook(
            id=self._ids.new("wh", tenant_id), tenant_id=tenant_id, model=ENDPOINT, url="", is_enabled=True, events=TOLD, friendly_name="",
            sealed_secret=None, oauth=OAuth(), public_key="", failures=0, disabled_reason=None, created_at=call.now_s, updated_at=call.now_s,
        )
        webhook, secrets = asked.applied(blank, secrets, call.now_s)
        webhook = replace(webhook, sealed_secret=seal(self._sealer, secrets))
        store.add_webhook(txn, tenant_id, webhook)
        _note(txn, call, "webhook.create", webhook)
        return webhook

    def _edit(self, txn: Txn, call: Call, edit: Callable[[Webhook, Secrets], tuple[Webhook, Secrets]], action: str = "webhook.update") -> Webhook:
        found = _find(txn, call, lock=True)
        webhook, secrets = edit(found, unseal(self._sealer, found.sealed_secret))
        check_whole(webhook)
        webhook = replace(webhook, sealed_secret=seal(self._sealer, secrets), updated_at=call.now_s)
        store.save_webhook(txn, call.caller.tenant_id, webhook)
        _note(txn, call, action, webhook)
        return webhook

    def _replay_range(self, txn: Txn, call: Call, since: str, until: str) -> _Replayed:
        webhook = _enabled(txn, call)
        tenant_id = call.caller.tenant_id
        found = events_store.event_ids_after(txn, tenant_id, after=since, before=until, types=webhook.events, most=REPLAYED_MOST)
        new = batches(self._ids, tenant_id, webhook.id, found)
        deliveries_store.add_deliveries(txn, tenant_id, new, call.now_s)
        _note(txn, call, "webhook.replay", webhook, replayed_events=len(found))
        return _Replayed([each.id for each in new], len(found), found[-1] if found else None)


def shape(webhook: Webhook) -> dict[str, object]:
    """The endpoint as it is shown, without its secrets."""
    return {
        "id": webhook.id, "url": webhook.url, "events": list(webhook.events), "enabled": webhook.is_enabled,
        "friendly_name": webhook.friendly_name, "oauth_client_id": webhook.oauth.client_id, "oauth_token_url": webhook.oauth.token_url,
        "failures": webhook.failures, "disabled_reason": webhook.disabled_reason, "created_at": iso(webhook.created_at),
        "updated_at": iso(webhook.updated_at),
    }


def delivery_shape(delivery: Delivery) -> dict[str, object]:
    """A delivery as it is shown; `last_answer` is the status of the last answer, or why there was none."""
    return {
        "id": delivery.id, "webhook_id": delivery.webhook_id, "status": delivery.status, "attempts": delivery.attempts,
        "last_answer": delivery.last_answer, "is_being_posted": delivery.is_claimed, "event_count": len(delivery.event_ids),
        "event_ids": list(delivery.event_ids), "next_attempt_at": None if delivery.is_claimed else iso(delivery.due_at),
        "created_at": iso(delivery.created_at), "updated_at": iso(delivery.updated_at),
    }


def _find(txn: Txn, call: Call, *, lock: bool = False) -> Webhook:
    webhook = store.webhook_of(txn, call.caller.tenant_id, call.path["webhook_id"], ENDPOINT, lock=lock)
    if webhook is None:
        raise NotFound(UNKNOWN)
    return webhook


def _enabled(txn: Txn, call: Call) -> Webhook:
    webhook = _find(txn, call)
    if not webhook.is_enabled:
        raise Conflict("the webhook is switched off", "enabled", "Switch it on again first: PATCH with enabled true.")
    return webhook


def _deliveries(txn: Txn, call: Call, status: str | None, below: str | None, most: int) -> list[Delivery]:
    webhook = _find(txn, call)
    return deliveries_store.deliveries_of(txn, call.caller.tenant_id, webhook.id, status=status, below=below, most=most)


def _replay(txn: Txn, call: Call) -> Delivery:
    webhook, tenant_id, delivery_id = _enabled(txn, call), call.caller.tenant_id, call.path["delivery_id"]
    delivery = deliveries_store.delivery_of(txn, tenant_id, webhook.id, delivery_id, lock=True)
    if delivery is None:
        raise NotFound("delivery not found")
    if delivery.is_claimed:
        raise Conflict("the delivery is being posted at this moment", retry_after_s=30)
    deliveries_store.queue_again(txn, tenant_id, delivery_id, call.now_s)
    _note(txn, call, "webhook.replay", webhook, delivery_id=delivery_id)
    return replace(delivery, status=deliveries_store.QUEUED, attempts=0, due_at=call.now_s, updated_at=call.now_s)


def _delete(txn: Txn, call: Call) -> None:
    webhook = _find(txn, call)
    if store.delete_webhook(txn, call.caller.tenant_id, webhook.id):
        _note(txn, call, "webhook.delete", webhook)


def _range(call: Call) -> tuple[str, str]:
    """The ids between which the events of the range are: `since` or `cursor`, and `until` (now when absent)."""
    faults: list[Fault] = []
    reader = Reader(call.json(), faults)
    given = reader.text("cursor", most=200)
    bounds = {}
    for name in ("since", "until"):
        text = reader.text(name, most=40, required=name == "since" and given is None)
        if text is not None:
            try:
                bounds[name] = read_since(text, call.now_s)
            except ValueError:
                reader.fault("This is no moment: unix seconds, ISO 8601, or so long ago (30m, 24h, 7d).", name)
    reader.refuse_unknown({"since", "until", "cursor"})
    finish(faults)
    after = str(read_cursor(given, (str,), field="cursor")[0]) if given else events_store.event_bound(bounds.get("since", 0.0))
    return after, events_store.event_bound(bounds.get("until", call.now_s))


def _note(txn: Txn, call: Call, action: str, webhook: Webhook, **more: object) -> None:
    record_act(
        txn, call.caller.tenant_id, actor=call.caller.user_id or call.caller.credential_id, action=action, resource=webhook.id,
        change={"enabled": webhook.is_enabled, "events": list(webhook.events), **more}, source=call.remote, request_id=call.request_id,
        happened_at=call.now_s,
    )
