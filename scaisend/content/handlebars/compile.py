"""Nodes → closures, once for a template.

What is wrong with a call whatever the data are (an unknown helper, a wrong number of parameters) is a problem of the
template; rendering fails only when it comes to the place, since a branch that is never taken does no harm.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scaisend.content.handlebars import blocks
from scaisend.content.handlebars.blocks import Body, Write
from scaisend.content.handlebars.errors import TemplateDataError, TemplateSyntaxError, place
from scaisend.content.handlebars.helpers import BLOCKS, COUNTING, FUNCTIONS, Function
from scaisend.content.handlebars.nodes import Block, Content, Expression, Invocation, Literal, Mustache, Path, Program
from scaisend.content.handlebars.paths import Get, from_context, from_data, from_params
from scaisend.content.handlebars.scope import Output, Scope
from scaisend.content.handlebars.values import weight
from scaisend.content.handlebars.writers import (
    constant,
    write_escaped,
    write_name,
    write_raw,
    write_sequence,
    write_words,
)

MOST_PROBLEMS = 20


@dataclass(slots=True)
class _Names:
    """What a block's body is compiled under: block parameters by level, innermost first; None marks those never given."""

    params: tuple[tuple[str, ...] | None, ...] = ()
    unset: frozenset[str] = frozenset()
    in_block: bool = False


class Compiler:
    """Compiles one template; `problems` are found on the way. `words`, for a text part, makes words of a value's markup."""

    def __init__(self, source: str, words: Callable[[str], str] | None = None) -> None:
        self._source = source
        self._words = words
        self._names = _Names()
        self._climbs = False
        self.problems: list[TemplateSyntaxError] = []

    def program(self, program: Program | None, *, in_block: bool = False, opens: bool = False) -> Body:
        """The program as one closure; `in_block`: its context is the one outside; `opens`: it is given its block parameters."""
        if program is None:
            return Body(_nothing, 0, 0, False)
        outer, was_climbing, self._climbs = self._names, self._climbs, False
        params = outer.params
        unset = outer.unset
        if program.params and opens:
            params, unset = (program.params, *params), unset - set(program.params)
        elif program.params:
            unset = unset | set(program.params)
        self._names = _Names(params, unset, in_block)
        writes, steps, characters, before = list[Write](), 0, 0, ""
        for node in program.body:
            if isinstance(node, Content):
                before += node.value
            elif isinstance(node, Mustache):
                writes.append(self._mustache(node, before))
                characters, before, steps = characters + len(before), "", steps + 1
            elif isinstance(node, Block):
                if before:
                    writes.append(constant(before))
                characters, before = characters + len(before), ""
                body = self._block(node)
                writes.append(body.write)
                steps, characters = steps + body.steps + 1, characters + body.characters
        if before:
            writes.append(constant(before))
            characters += len(before)
        body = Body(write_sequence(writes), steps, characters, self._climbs, bool(program.params) and opens)
        self._names, self._climbs = outer, was_climbing or self._climbs
        return body

    def _mustache(self, node: Mustache, before: str) -> Write:
        call = node.call
        if self._words is not None:
            get = self._called(call, is_sub=False)
            return write_raw(before, get) if node.is_escaped else write_words(before, get, self._words)
        is_value = not (call.params or call.named)
        if is_value and call.path.is_simple and not call.path.is_data and node.is_escaped and not self._is_special(call.path):
            return write_name(before, call.path.parts[0])
        return (write_escaped if node.is_escaped else write_raw)(before, self._called(call, is_sub=False))

    def _is_special(self, path: Path) -> bool:
        """Whether a single name is no key of the context: a helper, a block parameter, nothing at all."""
        name = path.parts[0]
        return not name or name in FUNCTIONS or name in BLOCKS or name in self._names.unset or any(name in (each or ()) for each in self._names.params)

    def _block(self, node: Block) -> Body:
        """Steps and characters are those of the larger branch; a loop pays for its rounds itself.

        A chain of {{else if}} is compiled from its end, as it is too long for recursion.
        """
        links = [node]
        while links[-1].inverse is not None and links[-1].inverse.is_chained:
            link = links[-1].inverse.body[0]
            assert isinstance(link, Block)
            links.append(link)
        other = self.program(links[-1].inverse, in_block=True)
        names = self._names
        self._names = _Names(names.params, names.unset, True)
        for link in reversed(links[1:]):
            other = self._link(link, other)
        self._names = names
        return self._link(node, other)

    def _link(self, node: Block, other: Body) -> Body:
        call, path = node.call, node.call.path
        name = path.parts[0] if path.is_simple and not path.is_data else ""
        if name and self._level(name) is not None:
            name = ""
        if name in BLOCKS:
            return self._language_block(node, other, name)
        if name in FUNCTIONS:
            return self._function_block(node, other, FUNCTIONS[name])
        if (call.params or call.named) and not (path.is_simple and self._level(path.parts[0]) is not None):
            return self._branches(node, other, lambda one, two: write_raw("", self._failing(call)))
        get = self._path(path)
        main = self.program(node.program, opens=True)
        write = blocks.section(get, main, other.write)
        return Body(write, max(main.steps, other.steps), max(main.characters, other.characters), False)

    def _language_block(self, node: Block, other: Body, name: str) -> Body:
        call = node.call
        if len(call.params) != 1:
            self._problem(call.at, f"#{name} needs exactly one parameter")
            return Body(write_raw("", self._raising(call.at, f"#{name} needs exactly one parameter")), 1, 0, False)
        get = self._expression(call.params[0])
        if name in ("each", "with"):
            main = self.program(node.program, opens=True)
            make = blocks.each_block if name == "each" else blocks.with_block
            steps, characters = (0, 0) if name == "each" else (main.steps, main.characters)
            return Body(make(get, main, other.write), max(steps, other.steps), max(characters, other.characters), False)
        zero = call.named.get("includeZero")

        def choose(one: Write, two: Write) -> Write:
            if name == "unless":
                one, two = two, one
            if zero is None:
                return blocks.condition(get, one, two)
            counts = self._expression(zero)
            with_zero, plain = blocks.condition_with_zero(get, one, two), blocks.condition(get, one, two)
            return blocks.condition(counts, with_zero, plain)

        return self._branches(node, other, choose)

    def _function_block(self, node: Block, other: Body, function: Function) -> Body:
        get = self._called(node.call, is_sub=True)
        if function.is_condition:
            return self._branches(node, other, lambda one, two: blocks.condition(get, one, two))
        return self._branches(node, other, lambda one, two: write_raw("", get))

    def _branches(self, node: Block, other: Body, choose: Callable[[Write, Write], Write]) -> Body:
        main = self.program(node.program, in_block=True)
        return Body(choose(main.write, other.write), max(main.steps, other.steps), max(main.characters, other.characters), False)

    def _expression(self, node: Expression) -> Get:
        if isinstance(node, Literal):
            value = node.value
            return lambda scope, out: value
        if isinstance(node, Path):
            return self._path(node)
        return self._called(node, is_sub=True)

    def _path(self, path: Path) -> Get:
        if not path.parts or not path.parts[0]:
            self._climbs = self._climbs or path.depth > 0
            return from_context(Path(path.at, (), path.original, path.depth), in_block=self._names.in_block)
        if path.is_data:
            return from_data(path)
        if not path.depth and not path.is_scoped:
            if path.parts[0] in self._names.unset:
                return self._raising(path.at, f"the block parameter {path.parts[0]} is not given a value here")
            found = self._level(path.parts[0])
            if found is not None:
                return from_params(*found, path.parts[1:])
        self._climbs = self._climbs or path.depth > 0
        return from_context(path, in_block=self._names.in_block)

    def _level(self, name: str) -> tuple[int, int] | None:
        """Where a block parameter of the name is: blocks outward, and place."""
        for level, names in enumerate(self._names.params):
            if names and name in names:
                return level, names.index(name)
        return None

    def _called(self, call: Invocation, *, is_sub: bool) -> Get:
        """What a tag or parentheses stand for: a helper's answer or a value of the data."""
        path = call.path
        if path.is_simple and not path.is_data:
            name = path.parts[0]
            if self._level(name) is not None or name in self._names.unset:
                return self._path(path)
            if name in FUNCTIONS:
                return self._function(call, name)
            if name in BLOCKS:
                return self._wrong(call.at, f"{name} must be written as a block, {{{{#{name}}}}}")
        if call.params or call.named or is_sub:
            return self._failing(call)
        return self._path(path)

    def _function(self, call: Invocation, name: str) -> Get:
        function, count = FUNCTIONS[name], len(call.params)
        if count == 3 and name in COUNTING:
            function = COUNTING[name]
        if not function.least <= count <= function.most:
            wanted = str(function.least) if function.least == function.most else f"{function.least} to {function.most}"
            return self._wrong(call.at, f"{name} needs {wanted} parameters, not {count}")
        getters = [self._expression(each) for each in call.params]
        named = {key: self._expression(each) for key, each in call.named.items() if key in function.named}
        return self._bounded(function.call, getters, named, call.at, name)

    def _bounded(self, function: Callable[..., object], getters: Sequence[Get], named: dict[str, Get], at: int, name: str) -> Get:
        """The call, paid for by the size of what it is given; its refusals with their place."""
        source = self._source

        def get(scope: Scope, out: Output) -> object:
            given = [each(scope, out) for each in getters]
            spent = weight(given)
            if spent:
                out.spend(spent, 0)
            try:
                return function(*given, **{key: each(scope, out) for key, each in named.items()})
            except ValueError as error:
                raise TemplateDataError(f"{name}: {error}", *place(source, at)) from None

        return get

    def _failing(self, call: Invocation) -> Get:
        """A call of what is no helper: with parameters it always fails, without it fails on a value that is there."""
        name = call.path.original
        if call.params:
            return self._wrong(call.at, f"there is no helper {name}")
        value, fail = self._path(call.path), self._raising(call.at, f"{name} is a value, not a helper")

        def get(scope: Scope, out: Output) -> object:
            found = value(scope, out)
            return None if not found and not isinstance(found, dict | list) else fail(scope, out)

        return get

    def _wrong(self, at: int, message: str) -> Get:
        self._problem(at, message)
        return self._raising(at, message)

    def _problem(self, at: int, message: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(TemplateSyntaxError(message, *place(self._source, at)))

    def _raising(self, at: int, message: str) -> Get:
        source = self._source

        def get(scope: Scope, out: Output) -> object:
            raise TemplateDataError(message, *place(source, at))

        return get


def _nothing(scope: Scope, out: Output) -> None:
    """An absent branch."""
