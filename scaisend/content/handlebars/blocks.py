"""Blocks → closures: what an `each`, `with`, section or condition writes."""

from collections.abc import Callable
from dataclasses import dataclass

from scaisend.content.handlebars.paths import Get
from scaisend.content.handlebars.scope import Loop, Output, Scope
from scaisend.content.handlebars.values import NULL_CONTEXT, entries, is_empty, loosely_equal

Write = Callable[[Scope, Output], None]


@dataclass(frozen=True, slots=True)
class Body:
    """A compiled program: how many steps and how much text one run is at most, its loops apart; whether it uses `../`."""

    write: Write
    steps: int
    characters: int
    climbs: bool
    has_params: bool = False


def condition(test: Get, main: Write, other: Write) -> Write:
    """One of two, by whether the value is true."""

    def write(scope: Scope, out: Output) -> None:
        value = test(scope, out)
        if value or value.__class__ is dict:
            main(scope, out)
        else:
            other(scope, out)

    return write


def condition_with_zero(test: Get, main: Write, other: Write) -> Write:
    """`includeZero=true`: 0 is true too."""

    def write(scope: Scope, out: Output) -> None:
        (other if is_empty(test(scope, out)) else main)(scope, out)

    return write


def with_block(get: Get, main: Body, other: Write) -> Write:
    """The value as context, when it is not empty."""

    def write(scope: Scope, out: Output) -> None:
        value = get(scope, out)
        if is_empty(value):
            other(scope, out)
        else:
            main.write(_within(scope, value, main), out)

    return write


def each_block(get: Get, main: Body, other: Write) -> Write:
    """The body for each element of a list, or entry of an object."""
    rounds = _rounds(main)

    def write(scope: Scope, out: Output) -> None:
        value = get(scope, out)
        if value and (value.__class__ is list or value.__class__ is dict):
            rounds(value, scope, out)
        else:
            other(scope, out)

    return write


def section(get: Get, main: Body, other: Write) -> Write:
    """`{{#name}}`: as `each` for a list, as `if` for a boolean, null and what is missing, as `with` for all else."""
    rounds = _rounds(main)

    def write(scope: Scope, out: Output) -> None:
        value = get(scope, out)
        if value is True:
            main.write(scope, out)
        elif value is None or value is False or value == []:
            other(scope, out)
        elif value.__class__ is list:
            rounds(value, scope, out)
        else:
            main.write(_within(scope, value, main, None), out)

    return write


def _rounds(main: Body) -> Callable[[object, Scope, Output], None]:
    run, steps, characters, climbs, has_params = main.write, main.steps + 1, main.characters, main.climbs, main.has_params

    def begin(inner: Scope, scope: Scope, each: object, key: int | str) -> None:
        if climbs:
            inner.up = scope if is_deeper(each, scope.this) else scope.up
        if has_params:
            inner.params = ((each, key), scope.params)

    is_plain = not climbs and not has_params

    def rounds(value: object, scope: Scope, out: Output) -> None:
        assert isinstance(value, list | dict)
        count = len(value)
        out.spend(count * steps, count * characters)
        loop = Loop(scope.loop.root, scope.loop, count - 1)
        inner = Scope(None, scope, loop, scope.params)
        if isinstance(value, list):
            for loop.index, inner.this in enumerate(value):
                if not is_plain:
                    begin(inner, scope, inner.this, loop.index)
                run(inner, out)
            return
        for loop.index, (loop.key, inner.this) in enumerate(entries(value)):
            if not is_plain:
                begin(inner, scope, inner.this, loop.key or "")
            run(inner, out)

    return rounds


def is_deeper(value: object, this: object) -> bool:
    """Whether `../` in the value's context leads to this one: a context that equals its parent adds no level."""
    if value.__class__ is dict and this.__class__ is dict:
        return value is not this
    if this is None and value is NULL_CONTEXT:
        return False
    return not loosely_equal(value, this)


def _within(scope: Scope, value: object, main: Body, given: tuple[object, ...] | None = ()) -> Scope:
    up = scope if not main.climbs or is_deeper(value, scope.this) else scope.up
    params = ((value,) if given is not None else (), scope.params) if main.has_params else scope.params
    return Scope(value, up, scope.loop, params)
