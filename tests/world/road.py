"""The road of a mail in one thread: a tenant that may send, and whatever a test wants of accepting, rendering and delivering."""

import json
from collections.abc import Sequence
from typing import Any

import orjson
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from scaisend.caller import Caller
from scaisend.ids import IdMaker, short_form
from scaisend.messages.portion import Portion
from scaisend.messages.store import micros
from scaisend.sending import store as sending_store
from scaisend.sending.accept import Accepted, Submission, accept
from scaisend.sending.request import read_send_request
from scaisend.sending.store import ToRender
from scaisend.storage.database import Txn
from scaisend.storage.memory_queue import MemoryQueue
from tests.base import PlainTestCase
from tests.world.inline_database import InlineDatabase, inline_database
from tests.world.tenants import NOW, caller_with, id_maker, make_a_key, make_a_tenant

DOMAIN = "example.org"
LEASE_S = 40.0
WIDE = Portion(most_bytes=32_000_000, most_recipients=1_000)


def body(*to: str, **fields: object) -> bytes:
    """The body of a good send request to these addresses; `fields` replace its own."""
    request: dict[str, object] = {
        "personalizations": [{"to": [{"email": each} for each in to or ("jane@example.com",)]}],
        "from": {"email": f"shop@{DOMAIN}"}, "subject": "Your order", "content": [{"type": "text/plain", "value": "It is on its way."}], **fields,
    }
    return json.dumps(request).encode()


def submission(ids: IdMaker, caller: Caller, given: bytes, *, key: str | None = None, at: float = NOW) -> Submission:
    """What the door makes of a request; its body's bytes stand for their digest."""
    request = read_send_request(given, now_s=at)
    return Submission(
        caller=caller, request=request, request_id=short_form(ids.number(caller.tenant_id)),
        message_ids=tuple([ids.new("msg", caller.tenant_id) for _ in request.messages]), payload=orjson.dumps(request.shared).decode(),
        attachment_bytes=0, accepted_at=at, idempotency_key=key, digest=given if key else b"",
    )


def add_verified_domain(txn: Txn, tenant_id: str, name: str = DOMAIN, verified: bool = True) -> str:
    """The tenant has the domain; its id."""
    domain_id = f"dom_{tenant_id[-12:]}.{name}"
    columns = ("id", "tenant_id", "domain", "verified", "created_at", "updated_at")
    txn.insert("domains", columns, [(domain_id, tenant_id, name, int(verified), micros(NOW), micros(NOW))])
    return domain_id


class InlineThreads:
    """A thread pool, and the reactor it calls back, that do everything at once in the caller's thread."""

    def callInThreadWithCallback(self, done: Any, fn: Any, *args: Any, **kwargs: Any) -> None:
        try:
            result = fn(*args, **kwargs)
        except Exception:
            done(False, Failure())
        else:
            done(True, result)

    def callFromThread(self, fn: Any, *args: Any, **kwargs: Any) -> None:
        fn(*args, **kwargs)


class Counts:
    """Metrics that are remembered."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, object]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda what: self.seen.append((name, what))


class RoadTestCase(PlainTestCase):
    """A tenant with a verified domain, a caller that may do all that sending needs, another tenant with the same; a clock at NOW."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.clock.advance(NOW)
        self.database = self.make_database()
        self.ids = id_maker(7)
        self.queue = MemoryQueue(reactor=self.clock, new_mark=lambda: "mark")
        self.tenant, self.caller = self.make_sender("Acme")
        self.other, self.stranger = self.make_sender("Other")

    def make_database(self) -> InlineDatabase:
        return inline_database()

    def make_sender(self, name: str, *, is_test: bool = False) -> tuple[Any, Caller]:
        tenant = make_a_tenant(self.database, self.ids, name)
        self.database.now(add_verified_domain, tenant.id)
        return tenant, self.make_caller(tenant.id, is_test=is_test)

    def make_caller(self, tenant_id: str, scopes: Sequence[str] = ("mail.send", "mail.schedule"), *, is_test: bool = False) -> Caller:
        return caller_with(self.database, make_a_key(self.database, self.ids, tenant_id, scopes, is_test=is_test))

    @property
    def now_s(self) -> float:
        return self.clock.seconds()

    def submission(self, given: bytes, caller: Caller | None = None, **more: Any) -> Submission:
        return submission(self.ids, caller or self.caller, given, at=self.now_s, **more)

    def accept(self, *submissions: Submission) -> list[Accepted | Exception]:
        return self.database.now(accept, self.ids, submissions)

    def send(self, *to: str, caller: Caller | None = None, **fields: object) -> str:
        """The id of a message that was accepted for these addresses."""
        (answer,) = self.accept(self.submission(body(*to, **fields), caller))
        assert isinstance(answer, Accepted), answer
        return answer.message_ids[0]

    def claim(self, *message_ids: str, attempt_id: str = "att_1", portion: Portion = WIDE) -> tuple[list[ToRender], list[str]]:
        return self.database.now(
            sending_store.claim_messages_across_tenants, message_ids, attempt_id, self.now_s + LEASE_S, self.now_s, portion
        )

    def message(self, message_id: str, columns: str = "status") -> tuple[Any, ...]:
        return self.database.rows(f"SELECT {columns} FROM messages WHERE id = ?", message_id)[0]

    def recipients(self, message_id: str, columns: str = "status") -> list[Any]:
        """One row a recipient; bare values when one column is asked for."""
        rows = self.database.rows(f"SELECT {columns} FROM recipients WHERE message_id = ? ORDER BY number", message_id)
        return [row[0] for row in rows] if len(columns.split(",")) == 1 else rows

    def timeline(self, message_id: str) -> list[str]:
        """The message's event types in order; their numbers have no gap."""
        rows = self.database.rows("SELECT seq, type FROM events WHERE message_id = ? ORDER BY seq", message_id)
        self.assertEqual([row[0] for row in rows], list(range(1, len(rows) + 1)))
        return [row[1] for row in rows]

    def count(self, table: str) -> int:
        return int(self.database.rows(f"SELECT COUNT(*) FROM {table}")[0][0])

    def set_row(self, sql: str, *values: object) -> None:
        """A row is as a test wants it."""
        self.database.connection.execute(sql, values)
