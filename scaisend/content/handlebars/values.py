"""How values of data are looked up, printed and compared: as JavaScript does, for dict, list, text, number, boolean and null.

Nothing here reads an attribute that a template names. None stands for null and for what is missing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

is_special = re.compile("[&<>\"'`=]").search
_SPECIAL = re.compile("[&<>\"'`=]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "`": "&#x60;", "=": "&#x3D;"}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|0[xX][0-9a-fA-F]+", re.ASCII)
_EXACT = 2**53
# What a null context is to the helpers called in it.
NULL_CONTEXT: Mapping[str, object] = {}
DEEPEST_LIST = 64
LONGEST_NUMBER = 400


def lookup(value: object, name: str) -> object:
    """What is under the name: a dict's entry, a list's or text's element or `length`; None when there is none."""
    if value.__class__ is dict:
        return value.get(name)
    if isinstance(value, list | str):
        if name == "length":
            return length(value)
        if len(name) < 10 and name.isascii() and name.isdigit() and (name[0] != "0" or name == "0"):
            place = int(name)
            return value[place] if place < len(value) else None
    return None


def length(value: object) -> int:
    """Elements of a list, UTF-16 units of a text, else 0."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-16-le", "surrogatepass")) // 2
    return len(value) if isinstance(value, list) else 0


def is_true(value: object) -> bool:
    """False for null, false, 0, the empty text and the empty list."""
    return bool(value) or isinstance(value, dict)


def is_empty(value: object) -> bool:
    """As `not is_true`, but 0 is not empty."""
    return not is_true(value) and (isinstance(value, bool) or not isinstance(value, int | float))


def text(value: object) -> str:
    """The value as it is printed, not escaped.

    Raises: RecursionError when lists are nested too deep.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    return _list_text(value, 0) if isinstance(value, list) else "[object Object]"


def escape(value: str) -> str:
    """The text for HTML."""
    return _SPECIAL.sub(_escape, value)


def number_text(value: int | float) -> str:
    """The number as JavaScript prints it (ECMA-262, Number::toString)."""
    if isinstance(value, int):
        if -_EXACT < value < _EXACT:
            return str(value)
        try:
            value = float(value)
        except OverflowError:
            return "Infinity" if value > 0 else "-Infinity"
    word = repr(value)
    if "e" not in word and word[-1].isdigit() and value:
        # Python's own form differs only in a final ".0", and from where it writes an exponent.
        return word[:-2] if word.endswith(".0") else word
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, point = _digits(value)
    if not digits:
        return "0"
    count = len(digits)
    if count <= point <= 21:
        return f"{sign}{digits}{'0' * (point - count)}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    mantissa = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{sign}{mantissa}e{point - 1:+d}"


def number(value: object) -> float:
    """The value as a number, NaN when it is none."""
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, list):
        return 0.0 if not value else number(text(value[0])) if len(value) == 1 and not isinstance(value[0], list) else float("nan")
    if not isinstance(value, str):
        return float("nan")
    word = value.strip()
    if not word:
        return 0.0
    if len(word) > LONGEST_NUMBER or not _NUMBER.fullmatch(word):
        return float("nan")
    return float(int(word, 16)) if word[:2] in ("0x", "0X") else float(word)


def equal(one: object, other: object) -> bool:
    """Scalars by their text, lists and dicts when they are the same one, null only to null."""
    if one is None or other is None:
        return one is other
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return one is other
    return text(one) == text(other)


def loosely_equal(one: object, other: object) -> bool:
    """JavaScript's `==`."""
    if one is None or other is None:
        return one is other
    if isinstance(one, list | dict) and isinstance(other, list | dict):
        return one is other
    if isinstance(one, list | dict):
        one = text(one)
    if isinstance(other, list | dict):
        other = text(other)
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return number(one) == number(other)


def entries(value: Mapping[str, object]) -> Sequence[tuple[str, object]]:
    """The entries in JavaScript's order: keys that are array indexes first, by number, then the others as they came."""
    if not any(_is_index(key) for key in value):
        return list(value.items())
    first = sorted((key for key in value if _is_index(key)), key=int)
    return [*((key, value[key]) for key in first), *((key, each) for key, each in value.items() if not _is_index(key))]


def _is_index(key: str) -> bool:
    return key[:1].isdigit() and key.isascii() and key.isdigit() and len(key) <= 10 and (key[0] != "0" or key == "0") and int(key) < 2**32 - 1


def _list_text(value: list[object], depth: int) -> str:
    if depth > DEEPEST_LIST:
        raise RecursionError("lists are nested too deep")
    return ",".join([_list_text(each, depth + 1) if isinstance(each, list) else text(each) for each in value])


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES[found[0]]


def _digits(value: float) -> tuple[str, str, int]:
    """Sign, the shortest digits that mean this number, and the place of the point counted from the first of them."""
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    point = len(whole) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    return sign, stripped.rstrip("0"), point


def weight(values: Iterator[object] | Sequence[object]) -> int:
    """How much work texts and lists may be, in steps."""
    return sum([len(each) >> 6 for each in values if each.__class__ is str or each.__class__ is list])
