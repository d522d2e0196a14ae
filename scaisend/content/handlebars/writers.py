"""Closures that write: constant text, values, sequences. A value's closure writes the text before it too."""

from collections.abc import Callable, Sequence

from scaisend.content.handlebars.blocks import Write
from scaisend.content.handlebars.paths import Get
from scaisend.content.handlebars.scope import Output, Scope
from scaisend.content.handlebars.values import escape, is_special, lookup, text

# A shorter value is paid for by its step.
COUNTED_FROM = 50
_EXACT = 2**53


def constant(content: str) -> Write:
    """Writes what the template says."""

    def write(scope: Scope, out: Output) -> None:
        out.append(content)

    return write


def write_name(before: str, name: str) -> Write:
    """Writes the value of a key of the context, escaped: what most tags are."""

    def write(scope: Scope, out: Output) -> None:
        this = scope.this
        value = this.get(name) if this.__class__ is dict else lookup(this, name)
        out.append(before)
        if value.__class__ is not str:
            if value is None:
                return
            if value.__class__ is int and -_EXACT < value < _EXACT:
                out.append(str(value))
                return
            value = _bounded(value, out)
        if is_special(value):
            value = escape(value)
        if len(value) > COUNTED_FROM:
            out.spend(0, len(value))
        out.append(value)

    return write


def write_escaped(before: str, get: Get) -> Write:
    """Writes the value, escaped."""

    def write(scope: Scope, out: Output) -> None:
        value = get(scope, out)
        if value.__class__ is not str:
            value = _bounded(value, out)
        if is_special(value):
            value = escape(value)
        if len(value) > COUNTED_FROM:
            out.spend(0, len(value))
        out.append(before)
        out.append(value)

    return write


def write_raw(before: str, get: Get) -> Write:
    """Writes the value as it is."""

    def write(scope: Scope, out: Output) -> None:
        value = get(scope, out)
        value = value if value.__class__ is str else _bounded(value, out)
        if len(value) > COUNTED_FROM:
            out.spend(0, len(value))
        out.append(before)
        out.append(value)

    return write


def write_words(before: str, get: Get, words: Callable[[str], str]) -> Write:
    """Writes the value of a tag that would write markup, as words."""

    def markup(scope: Scope, out: Output) -> object:
        value = get(scope, out)
        value = value if value.__class__ is str else _bounded(value, out)
        return words(value) if "<" in value or "&" in value else value

    return write_raw(before, markup)


def write_sequence(writes: Sequence[Write]) -> Write:
    """Writes one after the other."""
    if len(writes) == 1:
        return writes[0]
    together = tuple(writes)

    def write(scope: Scope, out: Output) -> None:
        for each in together:
            each(scope, out)

    return write


def _bounded(value: object, out: Output) -> str:
    """The value's text; a list is paid for by its elements before they are joined."""
    if isinstance(value, list):
        out.spend(_elements(value), 0)
    return text(value)


def _elements(value: list[object]) -> int:
    """The elements of a list and of the lists in it."""
    count, waiting = 0, [value]
    while waiting:
        here = waiting.pop()
        count += len(here)
        waiting.extend(each for each in here if isinstance(each, list))
    return count >> 2
