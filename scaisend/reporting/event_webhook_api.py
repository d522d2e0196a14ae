"""SendGrid's Event Webhook settings: /v3/user/webhooks/event/…, with an id or, for the oldest webhook, without one."""

from collections.abc import Callable
from dataclasses import replace

from scaisend.faults import Fault, Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.audit_store import record_act
from scaisend.ids import IdMaker
from scaisend.messages.moments import iso_seconds
from scaisend.reporting import webhooks_store as store
from scaisend.reporting.post_client import PostClient
from scaisend.reporting.samples import samples
from scaisend.reporting.signature import make_ecdsa_key
from scaisend.reporting.webhook import (
    ACCOUNT_STATUS,
    MOST_WEBHOOKS,
    SENDGRID,
    SWITCHES,
    OAuth,
    Secrets,
    Webhook,
    seal,
    unseal,
)
from scaisend.reporting.webhook_request import (
    Asked,
    Targets,
    check_whole,
    read_event_webhook,
    read_signed,
    read_test,
)
from scaisend.sealing import Sealer
from scaisend.shape import Reader, finish
from scaisend.storage.database import Database, Txn

BASE = "/v3/user/webhooks/event/settings"
UNKNOWN = "Invalid id provided."
TOO_MANY = "You have reached the maximum number of webhooks per your current billing plan."
READ, WRITE = "webhooks.read", "webhooks.write"
Edit = Callable[[Webhook, Secrets], tuple[Webhook, Secrets]]


class EventWebhookApi:
    """The Event Webhooks of the caller's tenant."""

    def __init__(self, *, database: Database, ids: IdMaker, sealer: Sealer, posts: PostClient, targets: Targets) -> None:
        self._database, self._ids, self._sealer, self._posts, self._targets = database, ids, sealer, posts, targets

    def routes(self) -> list[Route]:
        return [
            get(BASE, self.show, permission=READ, summary="The oldest Event Webhook"),
            patch(BASE, self.change, permission=WRITE, summary="Change the oldest Event Webhook, or make the first"),
            post(BASE, self.make, permission=WRITE, limit="writes", summary="Make an Event Webhook"),
            get(f"{BASE}/all", self.show_all, permission=READ, summary="All Event Webhooks"),
            get(f"{BASE}/signed", self.signed, permission=READ, summary="The key that verifies its posts"),
            patch(f"{BASE}/signed", self.sign, permission=WRITE, summary="Sign its posts, or no longer"),
            get(f"{BASE}/signed/<webhook_id>", self.signed, permission=READ, summary="The key that verifies an Event Webhook's posts"),
            patch(f"{BASE}/signed/<webhook_id>", self.sign, permission=WRITE, summary="Sign an Event Webhook's posts, or no longer"),
            get(f"{BASE}/<webhook_id>", self.show, permission=READ, summary="An Event Webhook"),
            patch(f"{BASE}/<webhook_id>", self.change, permission=WRITE, summary="Change an Event Webhook"),
            delete(f"{BASE}/<webhook_id>", self.delete, permission=WRITE, summary="Delete an Event Webhook"),
            post("/v3/user/webhooks/event/test", self.test, permission=WRITE, limit="writes", summary="Post one sample of each event type to a URL"),
        ]

    async def show(self, call: Call) -> Reply:
        webhook = await self._database.read(_find, call.caller.tenant_id, call.path.get("webhook_id"))
        return json_reply(shape(webhook or _blank(call, ""), with_account_status=_with_account_status(call)))

    async def show_all(self, call: Call) -> Reply:
        webhooks = await self._database.read(store.webhooks_of, call.caller.tenant_id, SENDGRID)
        shapes = [shape(each, with_account_status=_with_account_status(call)) for each in webhooks]
        return json_reply({"max_allowed": MOST_WEBHOOKS, "webhooks": shapes})

    async def make(self, call: Call) -> Reply:
        asked = read_event_webhook(call.json(), self._targets, needs_url=True)
        made = await self._database.run(self._make, call, asked)
        return json_reply(shape(made), 201)

    async def change(self, call: Call) -> Reply:
        asked = read_event_webhook(call.json(), self._targets, needs_url=False)
        changed = await self._database.run(self._edit, call, lambda webhook, secrets: asked.applied(webhook, secrets, call.now_s))
        return json_reply(shape(changed))

    async def delete(self, call: Call) -> Reply:
        await self._database.run(_delete, call)
        return no_content()

    async def signed(self, call: Call) -> Reply:
        webhook = await self._database.read(_find, call.caller.tenant_id, call.path.get("webhook_id"))
        return json_reply({"id": webhook.id if webhook else "", "public_key": webhook.public_key if webhook else ""})

    async def sign(self, call: Call) -> Reply:
        """Turning it on makes a key if there is none; turning it off throws the key away."""
        wanted = read_signed(call.json())
        key, public = make_ecdsa_key()

        def edit(webhook: Webhook, secrets: Secrets) -> tuple[Webhook, Secrets]:
            if not wanted:
                return replace(webhook, public_key=""), replace(secrets, ecdsa_key=b"")
            if secrets.ecdsa_key:
                return webhook, secrets
            return replace(webhook, public_key=public), replace(secrets, ecdsa_key=key)

        changed = await self._database.run(self._edit, call, edit)
        return json_reply({"id": changed.id, "public_key": changed.public_key})

    async def test(self, call: Call) -> Reply:
        """204 for whatever the URL answers, as at SendGrid; signed if `id` names a webhook that signs."""
        given = call.json()
        asked = read_test(given, self._targets)
        faults: list[Fault] = []
        named = Reader(given, faults).text("id")
        finish(faults)
        found = await self._database.read(_find, call.caller.tenant_id, named) if named else None
        blank = _blank(call, "")
        webhook, secrets = found or blank, unseal(self._sealer, found.sealed_secret if found else None)
        webhook, secrets = asked.applied(webhook, secrets, call.now_s)
        webhook = replace(webhook, sealed_secret=seal(self._sealer, secrets))
        await self._posts.post(webhook, samples(call.caller.tenant_id, call.now_s))
        return no_content()

    def _make(self, txn: Txn, call: Call, asked: Asked) -> Webhook:
        webhook, secrets = asked.applied(_blank(call, self._ids.new("wh", call.caller.tenant_id)), Secrets(), call.now_s)
        if asked.is_enabled is None:
            webhook = replace(webhook, is_enabled=True)
        return self._add(txn, call, webhook, secrets)

    def _add(self, txn: Txn, call: Call, webhook: Webhook, secrets: Secrets) -> Webhook:
        others = store.webhooks_of(txn, call.caller.tenant_id, SENDGRID, lock=True)
        _check_url(others, webhook)
        if len(others) >= MOST_WEBHOOKS:
            raise Invalid(TOO_MANY)
        check_whole(webhook)
        webhook = replace(webhook, sealed_secret=seal(self._sealer, secrets))
        store.add_webhook(txn, call.caller.tenant_id, webhook)
        _note(txn, call, "webhook.create", webhook)
        return webhook

    def _edit(self, txn: Txn, call: Call, edit: Edit) -> Webhook:
        """The webhook that the path names, or the oldest, or, when there is none, a new one, is as `edit` makes it."""
        tenant_id, webhook_id = call.caller.tenant_id, call.path.get("webhook_id")
        all_of_them = store.webhooks_of(txn, tenant_id, SENDGRID, lock=True)
        found = next((each for each in all_of_them if webhook_id in (None, each.id)), None)
        if found is None:
            if webhook_id is not None:
                raise NotFound(UNKNOWN)
            return self._add(txn, call, *edit(_blank(call, self._ids.new("wh", tenant_id)), Secrets()))
        webhook, secrets = edit(found, unseal(self._sealer, found.sealed_secret))
        if webhook.url != found.url:
            _check_url([each for each in all_of_them if each.id != found.id], webhook)
        check_whole(webhook)
        webhook = replace(webhook, sealed_secret=seal(self._sealer, secrets), updated_at=call.now_s)
        store.save_webhook(txn, tenant_id, webhook)
        _note(txn, call, "webhook.update", webhook)
        return webhook


def shape(webhook: Webhook, *, with_account_status: bool = False) -> dict[str, object]:
    """The webhook as SendGrid shows it; secrets are never in it."""
    switches = {name: name in webhook.events for name in SWITCHES}
    if with_account_status:
        switches[ACCOUNT_STATUS] = ACCOUNT_STATUS in webhook.events
    shown: dict[str, object] = {
        "id": webhook.id, "enabled": webhook.is_enabled, "url": webhook.url, **switches, "friendly_name": webhook.friendly_name,
        "oauth_client_id": webhook.oauth.client_id, "oauth_token_url": webhook.oauth.token_url,
        "created_date": iso_seconds(webhook.created_at), "updated_date": iso_seconds(webhook.updated_at),
    }
    if webhook.public_key:
        shown["public_key"] = webhook.public_key
    if webhook.disabled_reason:
        shown["disabled_reason"] = webhook.disabled_reason
    return shown


def _blank(call: Call, webhook_id: str) -> Webhook:
    return Webhook(
        id=webhook_id, tenant_id=call.caller.tenant_id, model=SENDGRID, url="", is_enabled=False, events=(), friendly_name="",
        sealed_secret=None, oauth=OAuth(), public_key="", failures=0, disabled_reason=None, created_at=call.now_s, updated_at=call.now_s,
    )


def _with_account_status(call: Call) -> bool:
    return ACCOUNT_STATUS in call.query.get("include", ())


def _find(txn: Txn, tenant_id: str, webhook_id: str | None) -> Webhook | None:
    """The webhook of this id, or the oldest. Raises: NotFound for an id that is none."""
    if webhook_id is None:
        found = store.webhooks_of(txn, tenant_id, SENDGRID)
        return found[0] if found else None
    webhook = store.webhook_of(txn, tenant_id, webhook_id, SENDGRID)
    if webhook is None:
        raise NotFound(UNKNOWN)
    return webhook


def _delete(txn: Txn, call: Call) -> None:
    webhook = _find(txn, call.caller.tenant_id, call.path["webhook_id"])
    if webhook is not None and store.delete_webhook(txn, call.caller.tenant_id, webhook.id):
        _note(txn, call, "webhook.delete", webhook)


def _check_url(others: list[Webhook], webhook: Webhook) -> None:
    if webhook.url and any(each.url == webhook.url for each in others):
        raise Invalid(f"Webhook at '{webhook.url}' already exists. Please provide a unique URL.", "url")


def _note(txn: Txn, call: Call, action: str, webhook: Webhook) -> None:
    record_act(
        txn, call.caller.tenant_id, actor=call.caller.user_id or call.caller.credential_id, action=action, resource=webhook.id,
        change={"enabled": webhook.is_enabled, "events": list(webhook.events), "signed": bool(webhook.public_key)},
        source=call.remote, request_id=call.request_id, happened_at=call.now_s,
    )
