"""Paths → closures that look a value up."""

from collections.abc import Callable

from scaisend.content.handlebars.nodes import Path
from scaisend.content.handlebars.scope import Loop, Output, Scope
from scaisend.content.handlebars.values import NULL_CONTEXT, lookup

Get = Callable[[Scope, Output], object]


def from_context(path: Path, *, in_block: bool) -> Get:
    """Looks the path up from `this` or a context above; `in_block`: a null context of a helper's block is an empty object."""
    if path.depth:
        return _above(path.depth, path.parts)
    if not path.parts:
        return _this_or_object if in_block else _this
    if len(path.parts) == 1:
        return _one(path.parts[0])
    return _many(path.parts)


def from_data(path: Path) -> Get:
    """Looks up `@root.a`, `@index`, `@../key`."""
    name, rest, depth = path.parts[0], path.parts[1:], path.depth

    def get(scope: Scope, out: Output) -> object:
        loop: Loop | None = scope.loop
        for _ in range(depth):
            loop = loop.up if loop else None
        value = _of_loop(loop, name)
        for each in rest:
            value = lookup(value, each)
        return value

    return get


def from_params(level: int, place: int, rest: tuple[str, ...]) -> Get:
    """Looks up the block parameter at the place of the level-th block outward, and what is in it."""

    def get(scope: Scope, out: Output) -> object:
        params = scope.params
        for _ in range(level):
            params = params[1] if params else None
        value = params[0][place] if params and place < len(params[0]) else None
        for name in rest:
            value = value.get(name) if value.__class__ is dict else lookup(value, name)
        return value

    return get


def _this(scope: Scope, out: Output) -> object:
    return scope.this


def _this_or_object(scope: Scope, out: Output) -> object:
    return NULL_CONTEXT if scope.this is None else scope.this


def _one(name: str) -> Get:
    def get(scope: Scope, out: Output) -> object:
        this = scope.this
        return this.get(name) if this.__class__ is dict else lookup(this, name)

    return get


def _many(names: tuple[str, ...]) -> Get:
    def get(scope: Scope, out: Output) -> object:
        value = scope.this
        for name in names:
            value = value.get(name) if value.__class__ is dict else lookup(value, name)
        return value

    return get


def _above(depth: int, names: tuple[str, ...]) -> Get:
    def get(scope: Scope, out: Output) -> object:
        above: Scope | None = scope
        for _ in range(depth):
            above = above.up if above else None
        value = above.this if above else None
        for name in names:
            value = lookup(value, name)
        return value

    return get


def _of_loop(loop: Loop | None, name: str) -> object:
    if loop is None:
        return None
    if name == "root":
        return loop.root
    if not loop.is_loop:
        return None
    match name:
        case "index":
            return loop.index
        case "key":
            return loop.index if loop.key is None else loop.key
        case "first":
            return loop.index == 0
        case "last":
            return loop.index == loop.last
    return None
