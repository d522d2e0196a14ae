"""The functions that templates may call; `each`, `with`, `if` and `unless` are blocks of the language (compile.py)."""

from collections.abc import Callable
from dataclasses import dataclass

from scaisend.content.handlebars import values
from scaisend.content.handlebars.dates import format_date

_DEFAULT = "default="


@dataclass(frozen=True, slots=True)
class Function:
    """`call(*parameters)` with `least` to `most` of them; a `is_condition` one answers a bool and may open a block."""

    call: Callable[..., object]
    least: int
    most: int
    is_condition: bool = False
    named: tuple[str, ...] = ()


def not_equals(one: object, other: object) -> bool:
    return not values.equal(one, other)


def greater_than(one: object, other: object) -> bool:
    return values.number(one) > values.number(other)


def less_than(one: object, other: object) -> bool:
    return values.number(one) < values.number(other)


def longer_than(limit: object, _: object, counted: object) -> bool:
    """`greaterThan 0 length items`: whether there are more items than the limit."""
    return values.length(counted) > values.number(limit)


def shorter_than(limit: object, _: object, counted: object) -> bool:
    return values.length(counted) < values.number(limit)


def all_true(*conditions: object) -> bool:
    return all(map(values.is_true, conditions))


def any_true(*conditions: object) -> bool:
    return any(map(values.is_true, conditions))


def insert(value: object, fallback: object = None, *, default: object = None) -> object:
    """The value, or the fallback, written `"default=…"` or bare, when it is missing, null or the empty text."""
    if value is not None and value != "":
        return value
    if fallback is None:
        return default
    return fallback.removeprefix(_DEFAULT) if isinstance(fallback, str) else fallback


def length(value: object = None) -> int:
    return values.length(value)


def lookup(value: object, name: object) -> object:
    """The element under a name that is itself data."""
    if not values.is_true(value) and value != []:
        return value
    return values.lookup(value, values.text(name)) if not isinstance(name, list) else None


def formatted(moment: object, form: object, offset: object = None) -> str:
    """The date in the format; nothing when there is no date.

    Raises: ValueError when it is no date, format or offset.
    """
    if moment is None or moment == "":
        return ""
    if not isinstance(form, str):
        raise ValueError("formatDate needs a format such as MM/DD/YYYY")
    return format_date(moment, form, offset)


def nothing(*_: object) -> None:
    """log: messages for the author's console go nowhere."""


FUNCTIONS: dict[str, Function] = {
    "equals": Function(values.equal, 2, 2, True),
    "notEquals": Function(not_equals, 2, 2, True),
    "greaterThan": Function(greater_than, 2, 2, True),
    "lessThan": Function(less_than, 2, 2, True),
    "and": Function(all_true, 2, 50, True),
    "or": Function(any_true, 2, 50, True),
    "length": Function(length, 0, 1),
    "insert": Function(insert, 1, 2, named=("default",)),
    "formatDate": Function(formatted, 2, 3),
    "lookup": Function(lookup, 2, 2),
    "log": Function(nothing, 0, 50),
}
# With three parameters, the word `length` in the middle.
COUNTING: dict[str, Function] = {"greaterThan": Function(longer_than, 3, 3, True), "lessThan": Function(shorter_than, 3, 3, True)}
BLOCKS = frozenset({"if", "unless", "each", "with"})
