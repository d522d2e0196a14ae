"""/api/admin/inbound/unparsed: mails to our return paths that could not be read, or that speak of no mail we know."""

from scaisend.faults import Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.paging import only, whole
from scaisend.http.reply import Reply, data_reply, no_content
from scaisend.http.route import Route, delete, get
from scaisend.identity.administration import record
from scaisend.identity.people_store import tenants
from scaisend.identity.reach import sees_all
from scaisend.inbound.store import (
    KEPT_KINDS,
    UNREAD,
    KeptMail,
    drop_across_tenants,
    kept_mail,
    kept_read,
)
from scaisend.messages.moments import iso
from scaisend.storage.database import Database, Txn
from scaisend.storage.objects import Objects

ALL = "/api/admin/inbound/unparsed"
ONE = "/api/admin/inbound/unparsed/<mail_id>"


class KeptMailsApi:
    """Kept mails: the operator sees all of them (so does the only tenant there is), a tenant those whose return path was its own."""

    def __init__(self, *, database: Database, objects: Objects) -> None:
        self._database = database
        self._objects = objects

    def routes(self) -> list[Route]:
        may = "admin.settings"
        return [
            get(ALL, self.show_all, permission=may, summary="Mails that came back and could not be read"),
            get(ONE, self.show, permission=may, summary="One such mail as it arrived"),
            delete(ONE, self.remove, permission=may, summary="Forget one such mail"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """Newest first; `kind` narrows (default: other), `before` is the last id of the page before."""
        only(call, "kind", "limit", "before")
        kind = call.one("kind") or UNREAD
        if kind != "all" and kind not in KEPT_KINDS:
            raise Invalid("There is no such kind.", "kind", f"Kinds: all, {', '.join(KEPT_KINDS)}.")
        kinds = KEPT_KINDS if kind == "all" else (kind,)
        limit = whole(call, "limit", least=1, most=500, default=100)
        return data_reply([shown_mail(each) for each in await self._database.run(_page, call, kinds, limit)])

    async def show(self, call: Call) -> Reply:
        """The octets of the mail. Raises: NotFound."""
        mail = await self._database.run(_found, call)
        content = mail.content if mail.content is not None else await self._objects.get(mail.object_key or "")
        return Reply(200, content, "message/rfc822", (("Content-Disposition", "attachment"), ("X-Content-Type-Options", "nosniff")))

    async def remove(self, call: Call) -> Reply:
        """The mail is forgotten. Raises: NotFound."""
        await self._database.run(_drop, call)
        return no_content()


def shown_mail(mail: KeptMail) -> dict[str, object]:
    """A mail as operators see it in a list."""
    return {
        "id": mail.id, "kind": mail.kind, "received_at": iso(mail.received_at), "mail_from": mail.mail_from, "rcpt_to": mail.rcpt_to,
        "peer": mail.peer, "size_bytes": mail.size_bytes, "tenant_id": mail.tenant_id, "recipient_id": mail.recipient_id,
    }


def _whose(txn: Txn, call: Call) -> str | None:
    """The tenant whose mails the caller may see, None for everybody's."""
    return None if sees_all(call.caller) or len(tenants(txn, most=2)) < 2 else call.caller.tenant_id


def _page(txn: Txn, call: Call, kinds: tuple[str, ...], limit: int) -> list[KeptMail]:
    return kept_read(txn, _whose(txn, call), kinds=kinds, before=call.one("before"), most=limit)


def _found(txn: Txn, call: Call) -> KeptMail:
    mail = kept_mail(txn, _whose(txn, call), call.path["mail_id"])
    if mail is None or mail.kind not in KEPT_KINDS:
        raise NotFound("there is no such mail")
    return mail


def _drop(txn: Txn, call: Call) -> None:
    mail = _found(txn, call)
    drop_across_tenants(txn, [mail.id])
    record(txn, call, mail.tenant_id, action="inbound_mail.delete", resource=mail.id, change={"kind": mail.kind})
