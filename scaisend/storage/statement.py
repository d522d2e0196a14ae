"""SQL text with `:name` parameters, taken apart once per text."""

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"""
    '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*`      # literals and quoted names: a colon in them is a colon
    | --[^\n]* | /\*.*?\*/                         # comments
    | ::                                           # a cast is no parameter
    | :(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    """,
    re.VERBOSE | re.DOTALL,
)
_ROW_BEFORE_IN = re.compile(r"\((?P<columns>[^()]*)\)\s*(?:NOT\s+)?IN\s*$", re.IGNORECASE)
_NOT_IN = re.compile(r"\bNOT\s+IN\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a parameter stands: its name, the columns on the left of its IN (1 where there is no row value), and `NOT IN`."""

    name: str
    width: int
    negated: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """`texts[0] places[0] texts[1] … texts[n]`."""

    texts: tuple[str, ...]
    places: tuple[Place, ...]


@lru_cache(maxsize=4096)
def take_apart(sql: str) -> Statement:
    """The text between the parameters, and the parameters, of a statement written with `:name`."""
    texts: list[str] = []
    places: list[Place] = []
    start = 0
    for token in _TOKEN.finditer(sql):
        name = token["name"]
        if name is None:
            continue
        text = sql[start:token.start()]
        row = _ROW_BEFORE_IN.search(text)
        places.append(Place(name, row["columns"].count(",") + 1 if row else 1, _NOT_IN.search(text) is not None))
        texts.append(text)
        start = token.end()
    texts.append(sql[start:])
    return Statement(tuple(texts), tuple(places))
