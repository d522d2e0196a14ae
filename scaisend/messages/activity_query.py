"""SendGrid's Email Activity query language, read into conditions.

    either     = both ("OR" both)*
    both       = one ("AND" one)*
    one        = "NOT" one | "(" either ")" | "Contains" "(" field "," text ")" | field comparison
    comparison = ("=" | "!=" | "<>" | "<" | ">" | "<=" | ">=") value | ["NOT"] "IN" "(" value ("," value)* ")"
               | ["NOT"] "LIKE" text | ["NOT"] "BETWEEN" value "AND" value
    value      = text | number | "TIMESTAMP" text

Words are read in any case; texts stand in double or single quotes, a quote inside is doubled.
"""

import re
from dataclasses import dataclass

from scaisend.faults import Invalid
from scaisend.messages import event as events
from scaisend.messages.moments import read_moment

MOST_CHARACTERS = 4_096
MOST_COMPARISONS = 100
DEEPEST = 20
MOST_DIGITS = 12

STATUSES = ("processed", "delivered", "not_delivered")
# The names that Email Activity has for events, and ours.
EVENT_NAMES = {
    "processed": (events.PROCESSED,), "delivered": (events.DELIVERED,), "deferred": (events.DEFERRED,), "dropped": (events.DROPPED,),
    "bounced": (events.BOUNCE, events.BLOCKED), "blocked": (events.BLOCKED,), "opened": (events.OPEN,), "clicked": (events.CLICK,),
    "spam_report": (events.SPAM_REPORT,), "unsubscribe": (events.UNSUBSCRIBE,), "group_unsubscribe": (events.GROUP_UNSUBSCRIBE,),
    "group_resubscribe": (events.GROUP_RESUBSCRIBE,), "failed": (events.FAILED,), "cancelled": (events.CANCELLED,),
}
# Each field that can be compared, and what its values are.
FIELDS = {
    "msg_id": "id", "template_id": "id", "api_key_id": "id", "from_email": "text", "to_email": "text", "subject": "text",
    "status": "status", "last_event_time": "moment", "clicks": "number",
}
SETS = ("events", "categories")
_OPERATORS = {
    "id": ("=", "IN", "LIKE"), "text": ("=", "IN", "LIKE"), "status": ("=", "IN"), "moment": ("=", "<", ">", "<=", ">=", "BETWEEN"),
    "number": ("=", "<", ">", "<=", ">=", "BETWEEN", "IN"),
}
_TOKEN = re.compile(
    r"""\s*(?: (?P<text>"(?:[^"]|"")*"|'(?:[^']|'')*') | (?P<number>\d+) | (?P<name>[A-Za-z_][A-Za-z0-9_.]*) | (?P<sign><>|!=|<=|>=|[=<>(),]) )""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against values: one of `= < > <= >= LIKE`, two of BETWEEN, some of IN. Moments are epoch seconds."""

    field: str
    operator: str
    values: tuple[str | float, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """The field, a set, holds one of the values."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What does not match."""

    inner: "Condition"


@dataclass(frozen=True, slots=True)
class Every:
    """What matches all of them."""

    inner: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """What matches one of them."""

    inner: "tuple[Condition, ...]"


Condition = Compare | Has | Not | Every | Either


def read_query(text: str) -> Condition:
    """The condition that the query states.

    Raises: Invalid, in SendGrid's words where it has some.
    """
    if len(text) > MOST_CHARACTERS:
        raise _wrong(f"the query is longer than {MOST_CHARACTERS} characters")
    reader = _Reader(_tokens(text))
    found = reader.either(0)
    reader.end()
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    """(kind, text) of each token; kinds are text, number, name and sign."""
    tokens: list[tuple[str, str]] = []
    place, text = 0, text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise _wrong(f"unexpected {text[place:].strip()[:20]!r}")
        kind, value = match.lastgroup, match[match.lastgroup]
        if kind == "text":
            value = value[1:-1].replace(value[0] * 2, value[0])
        tokens.append((kind, value))
        place = match.end()
    return tokens


class _Reader:
    """Reads tokens from left to right, one method a rule of the grammar."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._place = 0
        self._comparisons = 0

    def either(self, depth: int) -> Condition:
        if depth > DEEPEST:
            raise _wrong(f"nested more than {DEEPEST} deep")
        found = [self._both(depth)]
        while self._word("OR"):
            found.append(self._both(depth))
        return found[0] if len(found) == 1 else Either(tuple(found))

    def end(self) -> None:
        if self._place < len(self._tokens):
            raise self._unexpected()

    def _both(self, depth: int) -> Condition:
        found = [self._one(depth)]
        while self._word("AND"):
            found.append(self._one(depth))
        return found[0] if len(found) == 1 else Every(tuple(found))

    def _one(self, depth: int) -> Condition:
        if depth > DEEPEST:
            raise _wrong(f"nested more than {DEEPEST} deep")
        if self._word("NOT"):
            return Not(self._one(depth + 1))
        if self._sign("("):
            inner = self.either(depth + 1)
            self._expect(")")
            return inner
        self._comparisons += 1
        if self._comparisons > MOST_COMPARISONS:
            raise _wrong(f"more than {MOST_COMPARISONS} comparisons")
        return self._contains() if self._word("CONTAINS") else self._comparison()

    def _contains(self) -> Condition:
        self._expect("(")
        field = self._name()
        if field not in SETS:
            raise _unknown(field)
        self._expect(",")
        value = self._take("text")
        self._expect(")")
        if field == "categories":
            return Has(field, (value,))
        if value not in EVENT_NAMES:
            raise _wrong(f"{value[:40]!r} is not a known event")
        return Has(field, EVENT_NAMES[value])

    def _comparison(self) -> Condition:
        field = self._name()
        if field not in FIELDS:
            raise _unknown(field)
        denied = self._word("NOT")
        operator, values = self._operator_and_values(field, denied)
        if operator in ("!=", "<>"):
            denied, operator = True, "="
        if operator not in _OPERATORS[FIELDS[field]]:
            raise _wrong(f"{field} cannot be compared by {operator}")
        found = Compare(field, operator, values)
        return Not(found) if denied else found

    def _operator_and_values(self, field: str, denied: bool) -> tuple[str, tuple[str | float, ...]]:
        if self._word("IN"):
            self._expect("(")
            values = [self._value(field)]
            while self._sign(","):
                values.append(self._value(field))
            self._expect(")")
            return "IN", tuple(values)
        if self._word("LIKE"):
            return "LIKE", (self._take("text"),)
        if self._word("BETWEEN"):
            first = self._value(field)
            if not self._word("AND"):
                raise self._unexpected()
            return "BETWEEN", (first, self._value(field))
        if denied:
            raise self._unexpected()
        operator = self._take("sign")
        if operator in "(),":
            raise _wrong(f"unexpected {operator!r}")
        return operator, (self._value(field),)

    def _value(self, field: str) -> str | float:
        kind = FIELDS[field]
        if kind == "number":
            return _number(self._take("number"))
        if kind == "moment":
            self._word("TIMESTAMP")
            text = self._take("text")
            try:
                return read_moment(text)
            except ValueError:
                raise _wrong(f"{text[:40]!r} is not a timestamp") from None
        text = self._take("text")
        if kind == "status" and text not in STATUSES:
            raise _wrong(f"status is one of {', '.join(STATUSES)}")
        return text

    def _name(self) -> str:
        return self._take("name").lower()

    def _word(self, word: str) -> bool:
        """Whether the next token is this word, which is then read."""
        return self._next_is("name", word)

    def _sign(self, sign: str) -> bool:
        return self._next_is("sign", sign)

    def _next_is(self, kind: str, text: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place][0] == kind and self._tokens[self._place][1].upper() == text:
            self._place += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._sign(sign):
            raise self._unexpected()

    def _take(self, kind: str) -> str:
        if self._place >= len(self._tokens) or self._tokens[self._place][0] != kind:
            raise self._unexpected()
        self._place += 1
        return self._tokens[self._place - 1][1]

    def _unexpected(self) -> Invalid:
        if self._place >= len(self._tokens):
            return _wrong("unexpected end of the query")
        return _wrong(f"unexpected {self._tokens[self._place][1][:40]!r}")


def _number(text: str) -> float:
    if len(text) > MOST_DIGITS:
        raise _wrong(f"{text[:20]} is too large")
    return float(text)


def _unknown(field: str) -> Invalid:
    return Invalid(f"invalid syntax: '{field[:60]}' is not a known field", "query")


def _wrong(what: str) -> Invalid:
    return Invalid(f"invalid syntax: {what}", "query")
