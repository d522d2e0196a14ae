"""A template as a tree; `at` is an offset in its text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Strip:
    """Whether a tag's `~` takes the white space before it (`open`) and after it (`close`)."""

    open: bool = False
    close: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """`../a.b`: depth 1, parts a and b. `original` is as written; `is_scoped` paths (`this.a`, `./a`) never name a helper."""

    at: int
    parts: tuple[str, ...]
    original: str
    depth: int = 0
    is_data: bool = False
    is_scoped: bool = False

    @property
    def is_simple(self) -> bool:
        """Whether it may name a helper: a single part of its own context."""
        return len(self.parts) == 1 and not self.is_scoped and not self.depth


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, boolean, null or undefined."""

    at: int
    value: str | int | float | bool | None
    original: str


@dataclass(frozen=True, slots=True)
class Invocation:
    """What stands in a tag or in parentheses: a path with parameters and named ones, in their order."""

    at: int
    path: Path
    params: "Sequence[Expression]" = ()
    named: "Mapping[str, Expression]" = field(default_factory=dict)


Expression = Path | Literal | Invocation


@dataclass(slots=True)
class Content:
    """Text between tags: `original` as written, `value` what is left of it."""

    original: str
    value: str
    left_stripped: bool = False
    right_stripped: bool = False


@dataclass(frozen=True, slots=True)
class Comment:
    strip: Strip


@dataclass(frozen=True, slots=True)
class Mustache:
    """`{{a}}`, or with three braces or & unescaped."""

    call: Invocation
    is_escaped: bool
    strip: Strip


@dataclass(slots=True)
class Program:
    """A sequence of nodes; `params` are the names after `as`. An `{{else if}}` is a chained program of one block."""

    body: "list[Node]" = field(default_factory=list)
    params: tuple[str, ...] = ()
    is_chained: bool = False


@dataclass(slots=True)
class Block:
    """`{{#a}}…{{else}}…{{/a}}`; of `{{^a}}` the programs are exchanged, and the first may be absent."""

    call: Invocation
    program: Program | None
    open_strip: Strip
    inverse: Program | None = None
    inverse_strip: Strip = field(default_factory=Strip)
    close_strip: Strip = field(default_factory=Strip)
    is_inverted: bool = False


Node = Content | Comment | Mustache | Block
