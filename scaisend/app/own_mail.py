"""Mails that this service writes itself, as to confirm a sender."""

import time
from typing import Protocol

from scaisend.app.adapters import Adapters
from scaisend.caller import SERVICE, Caller
from scaisend.faults import Unauthenticated
from scaisend.identity.instance_store import identity_epoch
from scaisend.sending.api import SendApi

TRIES = 5


class SendsOwn(Protocol):
    """Sends a mail of the service's own in the tenant's name; a request id that was accepted before makes no second one."""

    async def __call__(self, tenant_id: str, partner_id: str, body: bytes, request_id: str | None = None) -> object: ...


def own_mail(adapters: Adapters, sending: SendApi) -> SendsOwn:
    """Sends mails that this service wrote, on the same road as all others."""

    async def send(tenant_id: str, partner_id: str, body: bytes, request_id: str | None = None) -> object:
        # Without a key the caller stands only as long as nothing changes in identity between this look and the commit.
        for tried in range(1, TRIES + 1):
            caller = Caller(
                tenant_id=tenant_id, partner_id=partner_id, credential_id=SERVICE, permissions=frozenset(("mail.send",)),
                epoch=await adapters.database.run(identity_epoch),
            )
            try:
                return await sending.send_own(caller, body, now_s=time.time(), request_id=request_id)
            except Unauthenticated:
                if tried == TRIES:
                    raise
        return None

    return send
