"""/v3/verified_senders: single addresses to send from, each proven by a link in a mail to it.

Programs of the tenant may follow the link's token at /v3/verified_senders/verify/<token>. The link itself leads to a page whose
button confirms, for scanners follow the links of mails before anybody reads them.
"""

from collections.abc import Awaitable
from html import escape
from typing import Protocol

import orjson

from scaisend.domains import verified_senders_store as store
from scaisend.domains.store import domains
from scaisend.domains.verified_senders import (
    DISTRUSTED,
    Proof,
    confirmation,
    make_token,
    read_sender,
    read_token,
    shape,
)
from scaisend.domains.verified_senders_store import VerifiedSender
from scaisend.domains.whitelabel import read_id
from scaisend.faults import NotFound
from scaisend.http.call import Call
from scaisend.http.paging import whole
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.audit_store import record_act
from scaisend.storage.database import Database, Txn

READ, WRITE = "domains.read", "domains.write"
ALL = "/v3/verified_senders"
ONE = f"{ALL}/<sender_id>"
PAGE = "/verify-sender/<token>"
GONE = "This link is no longer good. Ask for a new one where you asked for this."
PAGE_HEADERS = (
    ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"),
)


class SendsOwn(Protocol):
    """Sends a mail of the service's own in the tenant's name."""

    def __call__(self, tenant_id: str, partner_id: str, body: bytes) -> Awaitable[object]: ...


class VerifiedSendersApi:
    """The senders of the caller's tenant. `base_url` is where the link leads, `own_address` who the mail with it is from."""

    def __init__(
        self, *, database: Database, key: bytes, send: SendsOwn, base_url: str, own_address: str,
    ) -> None:
        self._database, self._key, self._send = database, key, send
        self._base_url, self._own_address = base_url.rstrip("/"), own_address

    def routes(self) -> list[Route]:
        return [
            get(ALL, self.show_all, permission=READ, summary="Addresses to send from"),
            post(ALL, self.add, permission=WRITE, limit="writes", summary="Add an address; a link to confirm it is mailed there"),
            get(f"{ALL}/domains", self.distrusted, permission=READ, summary="Domains whose mail from elsewhere is refused"),
            get(f"{ALL}/steps_completed", self.steps, permission=READ, summary="Whether there is a verified sender or domain"),
            get(f"{ALL}/verify/<token>", self.verify, permission=WRITE, summary="Confirm an address by the token of its link"),
            post(f"{ALL}/resend/<sender_id>", self.resend, permission=WRITE, limit="writes", summary="Mail the link again"),
            patch(ONE, self.change, permission=WRITE, limit="writes", summary="Change a sender; another address must be confirmed"),
            delete(ONE, self.remove, permission=WRITE, summary="Delete a sender"),
            get(PAGE, self.page, public=True, limit=None, summary="The page that a link to confirm an address leads to"),
            post(PAGE, self.confirm, public=True, limit=None, summary="Confirm an address"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """Senders by id, above `lastSeenID`; `id` chooses one."""
        most = whole(call, "limit", least=1, most=store.MOST_SENDERS, default=store.MOST_SENDERS)
        after = whole(call, "lastSeenID", least=0, most=2**31 - 1, default=0)
        found = await self._database.read(store.senders, call.caller.tenant_id)
        only = call.one("id")
        wanted = [each for each in found if each.id > after and (not only or str(each.id) == only)]
        return json_reply({"results": [_shape(each) for each in wanted[:most]]})

    async def add(self, call: Call) -> Reply:
        """201 with the sender, which may not send until its link was followed."""
        made = await self._database.run(_add, call, read_sender(call.json(), is_new=True))
        await self._mail_link(call, made)
        return json_reply(_shape(made), 201)

    async def change(self, call: Call) -> Reply:
        """The sender as it is now."""
        changed, is_moved = await self._database.run(_change, call, read_sender(call.json(), is_new=False))
        if is_moved:
            await self._mail_link(call, changed)
        return json_reply(_shape(changed))

    async def remove(self, call: Call) -> Reply:
        """204; mail from the address is refused from now on, unless its domain is verified."""
        await self._database.run(_remove, call)
        return no_content()

    async def resend(self, call: Call) -> Reply:
        """204; nothing is sent for a sender that is verified."""
        found = await self._database.read(_found, call)
        if not found.is_verified:
            await self._mail_link(call, found)
        return no_content()

    async def distrusted(self, call: Call) -> Reply:
        """Consumer domains with DMARC."""
        return json_reply({"results": {name: list(names) for name, names in DISTRUSTED.items()}})

    async def steps(self, call: Call) -> Reply:
        """Whether any sender, and any domain, is verified."""
        return json_reply({"results": await self._database.read(_steps, call.caller.tenant_id)})

    async def verify(self, call: Call) -> Reply:
        """204; the token must be of the caller's tenant. Raises: NotFound."""
        proof = read_token(self._key, call.path["token"], call.now_s)
        if proof is None or proof.tenant_id != call.caller.tenant_id or not await self._database.run(_verify, call, proof):
            raise NotFound("not found", "token")
        return no_content()

    async def page(self, call: Call) -> Reply:
        """A page with a button; looking at it changes nothing."""
        proof = read_token(self._key, call.path["token"], call.now_s)
        if proof is None:
            return _page(404, f"<p>{GONE}</p>")
        button = '<form method="post"><button>Confirm</button></form>'
        return _page(200, f"<p>May mail be sent from <b>{escape(proof.email)}</b> with this service?</p>{button}")

    async def confirm(self, call: Call) -> Reply:
        """The address is verified."""
        proof = read_token(self._key, call.path["token"], call.now_s)
        if proof is None or not await self._database.run(_verify, call, proof):
            return _page(404, f"<p>{GONE}</p>")
        return _page(200, f"<p>Mail may now be sent from <b>{escape(proof.email)}</b>.</p>")

    async def _mail_link(self, call: Call, sender: VerifiedSender) -> None:
        token = make_token(self._key, Proof(call.caller.tenant_id, sender.id, sender.email), call.now_s)
        request = confirmation(
            sender=self._own_address, to=str(sender.profile["from_email"]), link=f"{self._base_url}{PAGE.replace('<token>', token)}",
        )
        await self._send(call.caller.tenant_id, call.caller.partner_id, orjson.dumps(request))


def _shape(sender: VerifiedSender) -> dict[str, object]:
    return shape(sender.id, str(sender.profile.get("from_email", sender.email)), sender.profile, is_verified=sender.is_verified)


def _page(status: int, inner: str) -> Reply:
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>Confirm an address</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}"
        f"button{{font:inherit;padding:.4rem 1.2rem}}</style></head><body>{inner}</body></html>"
    )
    return Reply(status, body.encode(), "text/html; charset=utf-8", PAGE_HEADERS)


def _sender_id(call: Call) -> int:
    found = read_id(call.path["sender_id"])
    if found is None:
        raise _unknown()
    return found


def _unknown() -> NotFound:
    return NotFound("resource not found", "id")


def _found(txn: Txn, call: Call) -> VerifiedSender:
    found = store.sender(txn, call.caller.tenant_id, _sender_id(call))
    if found is None:
        raise _unknown()
    return found


def _add(txn: Txn, call: Call, profile: dict[str, str]) -> VerifiedSender:
    made = store.add_sender(txn, call.caller.tenant_id, profile, now_s=call.now_s)
    _note(txn, call, "verified_sender.create", made.id, {"from_email": made.email})
    return made


def _change(txn: Txn, call: Call, fields: dict[str, str]) -> tuple[VerifiedSender, bool]:
    before = _found(txn, call)
    after = store.change_sender(txn, call.caller.tenant_id, before.id, fields, now_s=call.now_s)
    if after is None:
        raise _unknown()
    _note(txn, call, "verified_sender.change", after.id, {"before": {"from_email": before.email}, "after": {"from_email": after.email}})
    return after, after.email != before.email


def _remove(txn: Txn, call: Call) -> None:
    found = _found(txn, call)
    store.delete_sender(txn, call.caller.tenant_id, found.id)
    _note(txn, call, "verified_sender.delete", found.id, {"from_email": found.email})


def _verify(txn: Txn, call: Call, proof: Proof) -> bool:
    done = store.verify_sender(txn, proof.tenant_id, proof.sender_id, proof.email, now_s=call.now_s)
    if done:
        _note(txn, call, "verified_sender.verify", proof.sender_id, {"from_email": proof.email}, tenant_id=proof.tenant_id)
    return done


def _steps(txn: Txn, tenant_id: str) -> dict[str, bool]:
    return {
        "sender_verified": any(each.is_verified for each in store.senders(txn, tenant_id)),
        "domain_verified": any(each.verified for each in domains(txn, tenant_id)),
    }


def _note(txn: Txn, call: Call, action: str, sender_id: int, change: dict[str, object], *, tenant_id: str | None = None) -> None:
    record_act(
        txn, tenant_id or call.caller.tenant_id, actor=call.caller.user_id or call.caller.credential_id or "link", action=action,
        resource=str(sender_id), change=change, source=call.remote or None, request_id=call.request_id or None, happened_at=call.now_s,
    )
