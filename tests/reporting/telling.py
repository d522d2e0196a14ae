"""What the tests of this room share: a tenant with mails, events and webhooks in an inline database."""

import json
import random
from collections.abc import Sequence
from typing import Any

from scaisend.caller import Caller
from scaisend.http.reply import Reply
from scaisend.ids import IdMaker
from scaisend.messages import event as events
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from scaisend.reporting.webhook import ENDPOINT, SENDGRID, SWITCHES, TOLD, OAuth, Secrets, Webhook, seal
from scaisend.reporting.webhooks_store import add_webhook
from scaisend.sealing import Sealer
from tests.world.inline_database import InlineDatabase, inline_database
from tests.world.messages import Made, To, insert_message
from tests.world.tenants import NOW, call_by, id_maker, make_a_tenant, now

PERMISSIONS = frozenset({"webhooks.read", "webhooks.write", "stats.read"})


class World:
    """Two tenants; `caller` is the first's. The clock stands at `now` until it is moved; ids are made by it."""

    def __init__(self) -> None:
        self.database: InlineDatabase = inline_database()
        self.now = NOW
        self.ids = IdMaker(now_s=lambda: self.now, random_bits=Random().bits)
        maker = id_maker()
        self.tenant, self.other = make_a_tenant(self.database, maker, "Acme"), make_a_tenant(self.database, maker, "Other")
        self.caller, self.stranger = caller(self.tenant.id), caller(self.other.id)
        self.sealer = Sealer(b"k" * 32, lambda size: b"\x07" * size)

    def mail(self, *recipients: To, tenant_id: str = "", payload: object = None, own: object = None, **more: Any) -> Made:
        """A mail whose first events are on its timeline; `payload` and `own` are what it was sent with."""
        made = self.database.now(insert_message, self.ids, tenant_id or self.tenant.id, list(recipients), accepted_at=self.now, **more)
        if payload is not None:
            self.database.connection.execute("UPDATE mail_requests SET payload = ? WHERE id = ?", (json.dumps(payload), made.request_id))
        if own is not None:
            self.database.connection.execute("UPDATE messages SET personalization = ? WHERE id = ?", (json.dumps(own), made.id))
        return made

    def happen(self, made: Made, kind: str, place: int = 0, tenant_id: str = "", **detail: object) -> str:
        """Something happened to a recipient; the id of its event."""
        event = Event(kind, tenant_id or self.tenant.id, made.id, made.recipients[place], self.now, detail)
        assert self.database.now(record, self.ids, [Change(event)], self.now) == [True]
        return str(self.database.rows("SELECT id FROM events WHERE message_id = ? ORDER BY seq DESC LIMIT 1", made.id)[0][0])

    def webhook(
        self, url: str = "https://hooks.example.com/in", model: str = ENDPOINT, tenant_id: str = "", told: Sequence[str] | None = None, oauth: OAuth | None = None,
        secrets: Secrets | None = None, is_enabled: bool = True, failures: int = 0,
    ) -> Webhook:
        """A webhook that is told everything unless said otherwise."""
        owner = tenant_id or self.tenant.id
        webhook = Webhook(
            id=self.ids.new("wh", owner), tenant_id=owner, model=model, url=url, is_enabled=is_enabled,
            events=tuple(told if told is not None else TOLD if model == ENDPOINT else SWITCHES), friendly_name="", sealed_secret=seal(self.sealer, secrets or Secrets(hmac_secret="whsec_test")),
            oauth=oauth or OAuth(), public_key="", failures=failures, disabled_reason=None, created_at=self.now, updated_at=self.now,
        )
        self.database.now(add_webhook, owner, webhook)
        return webhook

    def delivered_mail(self, **more: Any) -> tuple[Made, str]:
        """A mail of one recipient and the id of its `delivered`."""
        made = self.mail(To(status="sending"), **more)
        return made, self.happen(made, events.DELIVERED, response="250 OK", tenant_id=more.get("tenant_id", ""))


class Random:
    """Random bits that count up, so that ids made in one millisecond are in order."""

    def __init__(self) -> None:
        self._next = random.Random(0).getrandbits(40)

    def bits(self, count: int) -> int:
        self._next += 1
        return self._next


def caller(tenant_id: str) -> Caller:
    return Caller(tenant_id=tenant_id, partner_id="prt_1", credential_id=f"key_{tenant_id[-4:]}", permissions=PERMISSIONS)


def ask(case: Any, what: Any, who: Caller, body: object = None, now_s: float = NOW, query: dict[str, list[str]] | None = None, **path: str) -> Reply:
    """A handler's reply."""
    reply: Reply = now(case, what(call_by(who, body=b"" if body is None else json.dumps(body).encode(), path=path, query=query, now_s=now_s)))
    return reply


__all__ = ["ENDPOINT", "NOW", "SENDGRID", "World", "ask", "caller"]
