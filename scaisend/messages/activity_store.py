"""SQL of Email Activity: recipients that match a condition, newest message first, with how often they opened and clicked."""

from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.address import fold
from scaisend.messages import event as events
from scaisend.messages.activity_query import FIELDS, Compare, Condition, Either, Every, Has, Not
from scaisend.messages.read_store import category_texts
from scaisend.messages.search import CLOCK_SLACK_S, id_bound, read_activity_id
from scaisend.messages.status import BOUNCED, CANCELLED, DELIVERED, DROPPED, FAILED
from scaisend.messages.store import US, micros
from scaisend.storage.database import Txn, Value

NOT_DELIVERED = (BOUNCED, FAILED, DROPPED, CANCELLED)
REQUEST_ID_LENGTH = 22
_COLUMNS = {
    "template_id": "m.template_id", "from_email": "m.from_email", "to_email": "r.email", "subject": "m.subject", "last_event_time": "r.updated_at",
    "api_key_id": "(SELECT q.credential_id FROM mail_requests q WHERE q.id = m.request_id)",
    "clicks": "(SELECT COUNT(*) FROM events c WHERE c.message_id = m.id AND c.recipient_id = r.id AND c.type = 'click')",
}
_STATUS = (
    f"CASE WHEN r.status = '{DELIVERED}' THEN 'delivered' WHEN r.status IN ({', '.join(map(repr, NOT_DELIVERED))}) THEN 'not_delivered' "
    "ELSE 'processed' END"
)


@dataclass(frozen=True, slots=True)
class Activity:
    """One recipient of one message."""

    request_id: str
    message_id: str
    number: int
    from_email: str
    subject: str | None
    to_email: str
    status: str
    updated_at: float
    opens: int
    clicks: int


def matching(txn: Txn, tenant_id: str, condition: Condition, limit: int) -> list[Activity]:
    """The newest `limit` recipients that match."""
    where = _Where(txn.dialect.name)
    text = where.of(condition)
    bound = _latest(condition)
    if bound is not None:
        text += " AND m.id < " + where.add(id_bound(bound + CLOCK_SLACK_S))
    rows = txn.rows(
        "SELECT m.request_id, m.id, r.number, m.from_email, m.subject, r.email, r.status, r.updated_at, r.id FROM messages m "
        f"{_join(condition, txn.dialect.name)} recipients r ON r.message_id = m.id AND r.tenant_id = m.tenant_id "
        f"WHERE m.tenant_id = :tenant_id AND r.tenant_id = :tenant_id AND ({text}) ORDER BY m.id DESC LIMIT :limit",
        {**where.parameters, "tenant_id": tenant_id, "limit": limit},
    )
    counts = _counts(txn, tenant_id, sorted({row[1] for row in rows})) if rows else {}
    return [
        Activity(*(*row[:7], row[7] / US, counts.get((row[8], events.OPEN), 0), counts.get((row[8], events.CLICK), 0)))
        for row in sorted(rows, key=lambda row: (row[1], -row[2]), reverse=True)
    ]


def _join(condition: Condition, dialect: str) -> str:
    """Without an address or id to begin with, messages are walked newest first until enough match: no database sorts them all for that."""
    if _is_pinned(condition):
        return "JOIN"
    return "STRAIGHT_JOIN" if dialect == "mysql" else "CROSS JOIN"


def _is_pinned(condition: Condition) -> bool:
    if isinstance(condition, Every):
        return any(map(_is_pinned, condition.inner))
    if isinstance(condition, Either):
        return all(map(_is_pinned, condition.inner))
    if not isinstance(condition, Compare) or condition.field not in ("msg_id", "to_email"):
        return False
    return condition.operator != "LIKE" or (condition.field == "msg_id" and "%" not in str(condition.values[0])[:REQUEST_ID_LENGTH])


def _counts(txn: Txn, tenant_id: str, message_ids: Sequence[str]) -> dict[tuple[str, str], int]:
    rows = txn.rows(
        "SELECT recipient_id, type, COUNT(*) FROM events WHERE message_id IN :ids AND tenant_id = :tenant_id AND type IN ('open', 'click') "
        "GROUP BY recipient_id, type",
        {"ids": message_ids, "tenant_id": tenant_id},
    )
    return {(row[0], row[1]): int(row[2]) for row in rows}


def _latest(condition: Condition) -> float | None:
    """A moment after which nothing can match: a message is accepted before its last event."""
    if isinstance(condition, Every):
        return min((found for each in condition.inner if (found := _latest(each)) is not None), default=None)
    if isinstance(condition, Compare) and condition.field == "last_event_time" and condition.operator in ("=", "<", "<=", "BETWEEN"):
        return float(condition.values[-1])
    return None


class _Where:
    """Makes a condition SQL; values go into `parameters`."""

    def __init__(self, dialect: str) -> None:
        self._is_mysql = dialect == "mysql"
        self.parameters: dict[str, Value | list[Value]] = {}

    def add(self, value: "Value | list[Value]") -> str:
        """The parameter that stands for the value."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"

    def of(self, condition: Condition) -> str:
        """The condition; true, false or NULL."""
        if isinstance(condition, Not):
            return f"NOT COALESCE(({self.of(condition.inner)}), 0)"
        if isinstance(condition, Every):
            return "(" + " AND ".join(f"({self.of(each)})" for each in condition.inner) + ")"
        if isinstance(condition, Either):
            return "(" + " OR ".join(f"({self.of(each)})" for each in condition.inner) + ")"
        return self._has(condition) if isinstance(condition, Has) else self._compare(condition)

    def _has(self, has: Has) -> str:
        if has.field == "categories":
            texts = [text for value in has.values for text in category_texts(value)]
            return " OR ".join(f"INSTR(m.categories, {self.add(text)}) > 0" for text in texts)
        types = self.add(list(has.values))
        return f"EXISTS (SELECT 1 FROM events e WHERE e.message_id = m.id AND e.recipient_id = r.id AND e.type IN {types})"

    def _compare(self, compare: Compare) -> str:
        kind = FIELDS[compare.field]
        if kind in ("id", "text"):
            return self._text(compare, [str(value) for value in compare.values])
        if kind == "status":
            return " OR ".join(f"{_STATUS} = {self.add(str(value))}" for value in compare.values)
        column = _COLUMNS[compare.field]
        values = [micros(float(value)) if kind == "moment" else int(value) for value in compare.values]
        if compare.operator == "BETWEEN":
            return f"{column} BETWEEN {self.add(values[0])} AND {self.add(values[1])}"
        if compare.operator == "IN":
            return " OR ".join(f"{column} = {self.add(value)}" for value in values)
        return f"{column} {compare.operator} {self.add(values[0])}"

    def _text(self, compare: Compare, values: list[str]) -> str:
        """Ids are ASCII columns, which MySQL refuses to compare with other text: such a value matches nothing."""
        if FIELDS[compare.field] == "id":
            values = [value for value in values if value.isascii()]
        if not values:
            return "1 = 0"
        if compare.field == "msg_id":
            return " OR ".join(f"({self._msg_id_like(value) if compare.operator == 'LIKE' else self._msg_id(value)})" for value in values)
        column = _COLUMNS[compare.field]
        if compare.operator == "LIKE":
            return f"LOWER({column}) LIKE {self.add(_pattern(values[0].lower()))} ESCAPE '!'"
        if compare.field.endswith("_email"):
            values = list(dict.fromkeys(form for value in values for form in (value, fold(value))))
        return " OR ".join(f"{column} = {self.add(value)}" for value in values)

    def _msg_id(self, value: str) -> str:
        found = read_activity_id(value)
        if found is None:
            return "1 = 0"
        return f"m.request_id = {self.add(found.request_id)} AND r.id = {self.add(found.recipient_id)} AND m.id = {self.add(found.message_id)}"

    def _msg_id_like(self, pattern: str) -> str:
        """A pattern that begins with a whole X-Message-Id, as most do, is found by the index of requests."""
        parts = ("m.request_id", "'.'", "SUBSTR(m.id, 5)", "'-'", "r.number")
        whole = f"CONCAT({', '.join(parts)})" if self._is_mysql else f"({' || '.join(parts)})"
        like = f"{whole} LIKE {self.add(_pattern(pattern))} ESCAPE '!'"
        request_id = pattern[:REQUEST_ID_LENGTH]
        if len(request_id) == REQUEST_ID_LENGTH and "%" not in request_id and "." not in request_id:
            return f"m.request_id = {self.add(request_id)} AND {like}"
        return like


def _pattern(text: str) -> str:
    """The pattern with `%` as its only wildcard: `_` is a letter of many addresses."""
    return text.replace("!", "!!").replace("_", "!_")

