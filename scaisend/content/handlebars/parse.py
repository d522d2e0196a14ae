"""The text of a template → its nodes."""

import re
from dataclasses import dataclass
from typing import NoReturn

from scaisend.content.handlebars.errors import TemplateSyntaxError, place
from scaisend.content.handlebars.nodes import Block, Comment, Content, Mustache, Program, Strip
from scaisend.content.handlebars.tags import SPACE, Tag

# A block within a block counts 4, a link of an {{else if}} chain 2: so much is open at once at most.
DEEPEST = 500
MOST_TAGS = 20_000
_TAG = re.compile(
    rf"(?P<RAW>{{{{{{{{)|(?P<PARTIAL>{{{{~?#?>)|(?P<DECORATOR>{{{{~?#?\*)|(?P<BLOCK>{{{{~?#)|(?P<END>{{{{~?/)"
    rf"|(?P<ELSE>{{{{~?(?:\^|[{SPACE}]*else)[{SPACE}]*~?}}}})|(?P<INVERTED>{{{{~?\^)|(?P<CHAIN>{{{{~?[{SPACE}]*else\b)"
    rf"|(?P<UNESCAPED>{{{{~?{{)|(?P<AMPERSAND>{{{{~?&)|(?P<LONG_COMMENT>{{{{~?!--)|(?P<COMMENT>{{{{~?![\s\S]*?}}}})|(?P<PLAIN>{{{{~?)",
    re.ASCII,
)
_ESCAPED_END = re.compile(r"\{\{|\\\{\{|\\\\\{\{")
_COMMENT_END = re.compile(r"--~?\}\}")
_REFUSED = {
    "RAW": "raw blocks ({{{{ }}}}) are not supported",
    "PARTIAL": "partials ({{> }}) are not supported",
    "DECORATOR": "decorators and inline partials ({{* }}) are not supported",
}


def parse(source: str) -> Program:
    """The template as a tree, white space as it was written.

    Raises: TemplateSyntaxError.
    """
    return _Parser(source).parse()


@dataclass(slots=True)
class _Open:
    """A block that waits for its end. `links` are the blocks of its `{{else if}}` chain so far."""

    block: Block
    at: int
    main: Program
    links: list[Block]
    has_else: bool = False


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._root = Program()
        self._body = self._root.body
        self._open: list[_Open] = []
        self._outer: list[Program] = []
        self._tags = 0

    def parse(self) -> Program:
        source = self._source
        if "\0" in source:
            self._fail("a NUL character is not allowed", source.index("\0"))
        while True:
            start = source.find("{{", self._at)
            if start < 0:
                break
            text = source[self._at : start]
            if text.endswith("\\") and not text.endswith("\\\\"):
                self._content(text[:-1])
                self._escaped(start)
                continue
            self._content(text[:-1] if text.endswith("\\\\") else text)
            self._tag(start)
        self._content(source[self._at :])
        if self._open:
            opened = self._open[-1]
            self._fail(f"the block {opened.block.call.path.original} is not closed", opened.at)
        return self._root

    def _content(self, text: str) -> None:
        if text:
            self._body.append(Content(text, text))

    def _escaped(self, start: int) -> None:
        """`\\{{` stands for two braces: they and what follows are text up to the next tag."""
        found = _ESCAPED_END.search(self._source, start + 2)
        self._at = found.start() if found else len(self._source)
        self._content(self._source[start : self._at])

    def _tag(self, start: int) -> None:
        self._tags += 1
        if self._tags > MOST_TAGS:
            self._fail(f"the template has more than {MOST_TAGS} tags", start)
        found = _TAG.match(self._source, start)
        assert found is not None
        kind, opening = str(found.lastgroup), found[0]
        strips_before = opening[2:3] == "~"
        if kind in _REFUSED:
            self._fail(_REFUSED[kind], start)
        if kind in ("COMMENT", "LONG_COMMENT"):
            self._comment(start, found.end(), kind == "LONG_COMMENT", strips_before)
        elif kind == "ELSE":
            self._at = found.end()
            self._else(start, Strip(strips_before, opening[-3] == "~"))
        else:
            tag = Tag(self._source, found.end())
            if kind == "END":
                self._end(start, tag, strips_before)
            elif kind in ("BLOCK", "INVERTED", "CHAIN"):
                self._block(start, tag, kind, strips_before)
            else:
                call = tag.invocation()
                closes = tag.close("CLOSE3" if kind == "UNESCAPED" else "CLOSE")
                self._body.append(Mustache(call, kind == "PLAIN", Strip(strips_before, closes)))
            self._at = tag.at

    def _comment(self, start: int, end: int, is_long: bool, strips_before: bool) -> None:
        if is_long:
            found = _COMMENT_END.search(self._source, start + 2)
            if found is None:
                self._fail("the comment is not closed with --}}", start)
            end = found.end()
        self._body.append(Comment(Strip(strips_before, self._source[end - 3] == "~")))
        self._at = end

    def _block(self, start: int, tag: Tag, kind: str, strips_before: bool) -> None:
        call, params = tag.invocation(), tag.block_params()
        strip = Strip(strips_before, tag.close("CLOSE"))
        main = Program(params=params)
        block = Block(call, main, strip, is_inverted=kind == "INVERTED")
        if kind == "CHAIN":
            self._chain(start, block, strip)
        else:
            self._check_depth(start)
            self._body.append(block)
            self._outer.append(Program(self._body))
            self._open.append(_Open(block, start, main, []))
        self._body = main.body

    def _chain(self, start: int, block: Block, strip: Strip) -> None:
        opened = self._open[-1] if self._open else None
        if opened is None or opened.has_else or opened.block.is_inverted:
            self._fail("{{else …}} is not expected here", start)
        self._check_depth(start)
        last = opened.links[-1] if opened.links else opened.block
        last.inverse, last.inverse_strip = Program([block], is_chained=True), strip
        # The white space at the end of a link is that of its own tag, but the first one's is the closing tag's.
        block.close_strip = strip
        opened.links.append(block)

    def _else(self, start: int, strip: Strip) -> None:
        opened = self._open[-1] if self._open else None
        if opened is None or opened.has_else:
            self._fail("{{else}} is not expected here", start)
        last = opened.links[-1] if opened.links else opened.block
        last.inverse, last.inverse_strip = Program(), strip
        opened.has_else = True
        self._body = last.inverse.body

    def _end(self, start: int, tag: Tag, strips_before: bool) -> None:
        name = tag.name()
        strip = Strip(strips_before, tag.close("CLOSE"))
        if not self._open:
            self._fail(f"the block {name.original} is closed, but was not opened", start)
        opened = self._open.pop()
        block = opened.block
        if block.call.path.original != name.original:
            self._fail(f"the block {block.call.path.original} is closed as {name.original}", start)
        block.close_strip = strip
        if opened.links:
            opened.links[0].close_strip = strip
        if block.is_inverted:
            block.program, block.inverse = block.inverse, block.program
        self._body = self._outer.pop().body

    def _check_depth(self, start: int) -> None:
        if sum([4 + 2 * len(each.links) for each in self._open]) >= DEEPEST:
            self._fail("blocks are nested too deep, or a chain of {{else …}} is too long", start)

    def _fail(self, message: str, at: int) -> NoReturn:
        raise TemplateSyntaxError(message, *place(self._source, at))

