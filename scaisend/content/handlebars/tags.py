"""What stands between braces → tokens and expressions.

A token is (kind, text, offset). The order of the alternatives is the language's: the first that fits wins.
"""

import re
from typing import NoReturn

from scaisend.content.handlebars.errors import TemplateSyntaxError, place
from scaisend.content.handlebars.nodes import Expression, Invocation, Literal, Path
from scaisend.content.handlebars.values import number_text

DEEPEST_EXPRESSION = 50
# JavaScript's white space, which differs from Python's.
SPACE = "\t\n\v\f\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_ID = "[^" + SPACE + r"""!"#%&'()*+,./;<=>@\[\\\]^`{|}~]+"""
_AFTER = f"(?=[~}}){SPACE}])"
_EQUALS = re.compile(f"[{SPACE}]*=")
_TOKEN = re.compile(
    rf"""(?P<RAW>}}}}}}}})|(?P<OPEN>\()|(?P<END>\))|(?P<EQUALS>=)|(?P<ID>\.\.|\.(?=[=~}}/.)|{SPACE}]))|(?P<SEP>[/.])|(?P<SPACE>[{SPACE}]+)"""
    rf"""|(?P<CLOSE3>}}~?}}}})|(?P<CLOSE>~?}}}})|(?P<STRING>"(?:\\"|[^"])*"|'(?:\\'|[^'])*')|(?P<DATA>@)"""
    rf"""|(?P<WORD>(?:true|false|undefined|null){_AFTER})|(?P<NUMBER>-?[0-9]+(?:\.[0-9]+)?{_AFTER})"""
    rf"""|(?P<AS>as[{SPACE}]+\|)|(?P<BAR>\|)|(?P<NAME>{_ID}(?=[=~}}/.)|{SPACE}]))|(?P<SEGMENT>\[(?:\\\]|[^\]])*\])"""
)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "undefined": None, "null": None}
_SCOPED = re.compile(r"^\.|this\b", re.ASCII)
_IDS = ("ID", "NAME", "SEGMENT")

Token = tuple[str, str, int]


class Tag:
    """Reads what follows an opening brace."""

    def __init__(self, source: str, at: int) -> None:
        self._source = source
        self.at = at
        self._next = self._read()

    def invocation(self) -> Invocation:
        """A path and its parameters."""
        return self._invocation(self._next[2], 0)

    def name(self) -> Path:
        """What a closing tag names."""
        return self._callee()

    def block_params(self) -> tuple[str, ...]:
        """The names of `as |a b|`, or none."""
        if self._next[0] != "AS":
            return ()
        self._take()
        names = []
        while self._next[0] in _IDS:
            names.append(_unbracketed(self._take()))
        if self._next[0] != "BAR" or not names:
            self._unexpected()
        self._take()
        return tuple(names)

    def close(self, kind: str) -> bool:
        """The tag ends here, with `kind` (CLOSE or CLOSE3); whether with a `~`."""
        if self._next[0] != kind:
            self._unexpected()
        return "~" in self._next[1]

    def _invocation(self, at: int, depth: int) -> Invocation:
        path = self._callee()
        params: list[Expression] = []
        named: dict[str, Expression] = {}
        while self._next[0] in (*_IDS, "STRING", "NUMBER", "WORD", "DATA", "OPEN"):
            if self._next[0] in _IDS and _EQUALS.match(self._source, self.at):
                key = _unbracketed(self._take())
                self._take()
                named[key] = self._expression(depth)
            elif named:
                self._unexpected()
            else:
                params.append(self._expression(depth))
        return Invocation(at, path, tuple(params), named)

    def _callee(self) -> Path:
        found = self._operand()
        if isinstance(found, Path):
            return found
        # A literal in this place is a key of the context.
        return Path(found.at, (found.original,), found.original, is_scoped=bool(_SCOPED.search(found.original)))

    def _expression(self, depth: int) -> Expression:
        if self._next[0] != "OPEN":
            return self._operand()
        if depth >= DEEPEST_EXPRESSION:
            self._fail("parentheses are nested too deep", self._next[2])
        at = self._take()[2]
        found = self._invocation(at, depth + 1)
        if self._next[0] != "END":
            self._unexpected()
        self._take()
        return found

    def _operand(self) -> Path | Literal:
        kind, text, at = self._next
        if kind == "STRING":
            self._take()
            value = text[1:-1].replace("\\" + text[0], text[0])
            return Literal(at, value, value)
        if kind == "NUMBER":
            self._take()
            if len(text) > 300:
                self._fail("the number is too long", at)
            number = float(text) if "." in text else int(text)
            return Literal(at, number, number_text(number))
        if kind == "WORD":
            self._take()
            return Literal(at, _WORDS[text], text)
        if kind == "DATA":
            self._take()
            return self._path(at, is_data=True)
        return self._path(at, is_data=False)

    def _path(self, at: int, *, is_data: bool) -> Path:
        original, parts, depth, separator = "@" if is_data else "", list[str](), 0, ""
        while True:
            kind, text, _ = self._next
            # A number after a point is a place in a list, which handlebars.js only reads in brackets.
            if kind not in _IDS and not (kind == "NUMBER" and separator):
                self._unexpected()
            part = _unbracketed(self._take())
            original += separator + part
            if kind != "SEGMENT" and part in ("..", ".", "this"):
                if parts:
                    self._fail(f"the path {original} is not valid: {part} may only stand at its beginning", at)
                depth += part == ".."
            else:
                parts.append(part)
            if self._next[0] != "SEP":
                break
            separator = self._take()[1]
        return Path(at, tuple(parts), original, depth, is_data, bool(_SCOPED.search(original)))

    def _take(self) -> Token:
        token, self._next = self._next, self._read()
        return token

    def _read(self) -> Token:
        """The next token, without white space; its end is `self.at`."""
        while True:
            found = _TOKEN.match(self._source, self.at)
            if found is None:
                return ("END_OF_TEXT" if self.at >= len(self._source) else "WRONG", self._source[self.at : self.at + 1], self.at)
            at, self.at = self.at, found.end()
            if found.lastgroup != "SPACE":
                return (str(found.lastgroup), found[0], at)

    def _unexpected(self) -> NoReturn:
        kind, text, at = self._next
        if kind in ("END_OF_TEXT", "WRONG") and "}}" not in self._source[at:]:
            self._fail("the template ends within a tag", at)
        if kind == "RAW" or (kind == "CLOSE3" and len(text) == 3):
            self._fail("the tag is closed with more braces than it was opened with", at)
        if kind in ("CLOSE", "CLOSE3"):
            self._fail("the tag ends too early", at)
        self._fail(f"{text[:40]!r} is not expected here", at)

    def _fail(self, message: str, at: int) -> NoReturn:
        raise TemplateSyntaxError(message, *place(self._source, at))


def _unbracketed(token: Token) -> str:
    return re.sub(r"\\([\\\]])", r"\1", token[1])[1:-1] if token[0] == "SEGMENT" else token[1]
