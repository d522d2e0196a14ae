"""White space that a template's author did not mean: beside `~`, and around blocks, comments and else alone on their line.

The rules are handlebars.js's, order and all: what is tested is the text as written, what is taken is what is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.content.handlebars.nodes import Block, Comment, Content, Mustache, Node, Program, Strip

_NONE = Strip()
# As tags.SPACE, with its range written out, for strip().
_SPACES = "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def trim(program: Program, *, is_root: bool = True) -> None:
    """The contents of the program, and of the programs in it, are without the white space that tags take."""
    body = program.body
    for place, node in enumerate(body):
        if isinstance(node, Content):
            continue
        taken = _taken(node)
        before = _ends_line(body, place, is_root)
        after = _begins_line(body, place, is_root)
        if taken.strip.close:
            _take_right(body, place + 1, whole=True)
        if taken.strip.open:
            _take_left(body, place - 1, whole=True)
        if taken.is_inline and before and after:
            _take_right(body, place + 1)
            _take_left(body, place - 1)
        if isinstance(node, Block):
            if taken.opens_alone and before:
                _take_right(_first(node.program, node.inverse).body, 0)
                _take_left(body, place - 1)
            if taken.closes_alone and after:
                _take_right(body, place + 1)
                last = _first(node.inverse, node.program).body
                _take_left(last, len(last) - 1)


@dataclass(frozen=True, slots=True)
class _Taken:
    strip: Strip
    is_inline: bool = False
    opens_alone: bool = False
    closes_alone: bool = False


def _taken(node: Node) -> _Taken:
    if isinstance(node, Block):
        return _block(node)
    if isinstance(node, Comment):
        return _Taken(node.strip, is_inline=True)
    return _Taken(node.strip if isinstance(node, Mustache) else _NONE)


def _block(block: Block) -> _Taken:
    """What is within the block is trimmed; what it takes around itself."""
    for each in (block.program, block.inverse):
        if each is not None:
            trim(each, is_root=False)
    main = _first(block.program, block.inverse)
    other = block.inverse if block.program else None
    first = last = other
    if other is not None and other.is_chained:
        link = other.body[0]
        assert isinstance(link, Block)
        first = last = link.program
    taken = _Taken(
        Strip(block.open_strip.open, block.close_strip.close),
        opens_alone=_begins_line(main.body, -1, False), closes_alone=_ends_line((first or main).body, len((first or main).body), False),
    )
    if block.open_strip.close:
        _take_right(main.body, 0, whole=True)
    if first is None or last is None:
        if block.close_strip.open:
            _take_left(main.body, len(main.body) - 1, whole=True)
        return taken
    if block.inverse_strip.open:
        _take_left(main.body, len(main.body) - 1, whole=True)
    if block.inverse_strip.close:
        _take_right(first.body, 0, whole=True)
    if block.close_strip.open:
        _take_left(last.body, len(last.body) - 1, whole=True)
    if _ends_line(main.body, len(main.body), False) and _begins_line(first.body, -1, False):
        _take_left(main.body, len(main.body) - 1)
        _take_right(first.body, 0)
    return taken


def _first(one: Program | None, other: Program | None) -> Program:
    found = one or other
    assert found is not None
    return found


def _ends_line(body: Sequence[Node], place: int, is_root: bool) -> bool:
    """Whether only white space stands between the place and the line end before it, or the template's beginning."""
    if place == 0:
        return is_root
    before = body[place - 1]
    if not isinstance(before, Content):
        return False
    rest = before.original.rstrip(_SPACES)
    return "\n" in before.original[len(rest) :] or (not rest and is_root and place == 1)


def _begins_line(body: Sequence[Node], place: int, is_root: bool) -> bool:
    """Whether only white space stands between the place and the line end after it, or the template's end."""
    if place + 1 >= len(body):
        return is_root
    after = body[place + 1]
    if not isinstance(after, Content):
        return False
    rest = after.original.lstrip(_SPACES)
    return "\n" in after.original[: len(after.original) - len(rest)] or (not rest and is_root and place + 2 >= len(body))


def _take_right(body: Sequence[Node], place: int, *, whole: bool = False) -> None:
    """The beginning of the content at the place is taken: white space up to the line end, or the `whole` of it."""
    node = body[place] if 0 <= place < len(body) else None
    if not isinstance(node, Content) or (not whole and node.right_stripped):
        return
    before = node.value
    if whole:
        node.value = before.lstrip(_SPACES)
    else:
        rest = before.lstrip(" \t")
        node.value = rest.removeprefix("\r\n") if rest.startswith("\r\n") else rest.removeprefix("\r") if rest.startswith("\r") else rest.removeprefix("\n")
    node.right_stripped = node.value != before


def _take_left(body: Sequence[Node], place: int, *, whole: bool = False) -> None:
    """The end of the content at the place is taken: blanks, or the `whole` white space."""
    node = body[place] if 0 <= place < len(body) else None
    if not isinstance(node, Content) or (not whole and node.left_stripped):
        return
    before = node.value
    node.value = before.rstrip(_SPACES) if whole else before.rstrip(" \t")
    node.left_stripped = node.value != before
