"""Rewrites the links of a mail; every byte outside of them stays as it was.

HTML is read as browsers read it (WHATWG HTML 13.2.5): comments, raw text such as scripts, and the values of attributes hold no links. Where
a tag or comment never ends, browsers show nothing more, and nothing more is rewritten.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from html import escape, unescape
from html.entities import html5
from typing import NamedTuple
from urllib.parse import quote_plus

MOST_LINKS = 1_000
MOST_PUNCTUATION = 20
# Where links stand is remembered of so many texts of at most so many characters.
KEPT = 128
KEPT_LENGTH = 65_536
CROWD = 3  # so many comments and raw texts, and the rest of a mail is read tag by tag
UTM = ("utm_source", "utm_medium", "utm_term", "utm_content", "utm_campaign")

# What becomes of a link: the new URL, or None where it stays. The first argument is the URL, the second its number among the links.
Change = Callable[[str, int], str | None]

_ATTRIBUTE = r"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+|(?=>))|(?!\s*+=))"""
_REST = rf"(?:[\s/]++|{_ATTRIBUTE})*+>"
_RAW = r"(?:script|style|textarea|title|xmp|iframe|noembed|noframes|noscript)"
_COMMENT = re.compile(r"<!--(?:-?>|[^-]*+(?:-(?!-!?>)[^-]*+)*+--!?>)")
_OTHER = rf"(?!(?i:a|{_RAW}|plaintext)[\s/>])[a-zA-Z]"
# The tags that mails are full of, told from links and raw text by two letters, with their attributes in double or single quotes: read in
# a fourth of the time that a tag takes which may be anything.
_PLAIN = (
    r"(?:[b-hj-moqru-wyzB-HJ-MOQRU-WYZ]|[tT][abdrhABDRH]|[sS](?:[pmuPMU]|[tT][rR])|[iI][mM]|[pP](?=[\s>]))[a-zA-Z0-9]*+"
    r"""(?:\s++[a-zA-Z-]++=(?:"[^"]*+"|'[^']*+'))*+[\s/]*+>"""
)
# Everything that holds no link: text, other tags, comments, declarations, and a < that begins nothing.
_PASSED = re.compile(
    rf"[^<]*+(?:<(?:/[a-zA-Z][a-zA-Z0-9]*+>|{_PLAIN}|{_COMMENT.pattern[1:]}|(?:{_OTHER}|/[a-zA-Z])[^\s/>]*+{_REST}|(?!!--)[!?][^>]*+>"
    r"|/(?![a-zA-Z])[^>]*+>|(?![a-zA-Z/!?]))[^<]*+)*+"
)
_ANCHOR = re.compile(rf"<[aA](?=[\s/>]){_REST}")
# What may begin something special, for a search that leaves most tags at their first two letters; and what does.
_OPENING = re.compile(
    r"<(?:[aA](?=[\s/>])|[!sStTiInNpPxX][-cCtTiIeEfFoOlLmM](?:-|[rR][iI][pP]|[yY][lL]|[tT][lL]|[xX][tT]|[pP]|[rR][aA]|[eEfFsS][mMrRcC]|[aA][iI]))"
)
_SPECIAL = re.compile(rf"<(?:!--|(?:a|{_RAW}|plaintext)(?=[\s/>]))", re.IGNORECASE)
_RAW_START = re.compile(rf"<({_RAW})(?=[\s/>]){_REST}", re.IGNORECASE)
_ONE = re.compile(r"""([^\s/>][^\s/>=]*+)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+|(?=>)))?""")
_WEB = re.compile(r"\s*https?://", re.IGNORECASE)
_IN_TEXT = re.compile(r"""\bhttps?://[^\s<>"\x00-\x1f]+""", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[xX]?[0-9a-fA-F]+;?|[a-zA-Z][a-zA-Z0-9]*(?:;|(?![a-zA-Z0-9=])))")
_LINE_ENDS = re.compile(r"[\t\r\n]")


class Place(NamedTuple):
    """Where the value of an href stands, quotes and all, and its http or https URL; without one, what goes away: a clicktracking=off."""

    start: int
    end: int
    url: str | None


def rewrite_html(html: str, change: Change, *, most: int = MOST_LINKS, recurs: bool = False) -> str:
    """The HTML with the href of each `<a>` that is http or https as `change` wants it, and at most `most` of them asked for.

    A link with clicktracking=off is let alone, and the attribute taken away. Where the links of an HTML that `recurs` stand is remembered.
    """
    pieces: list[str] = []
    done = number = 0
    for place in _kept_places(html) if recurs and len(html) <= KEPT_LENGTH else _places(html):
        if place.url is None:
            pieces.append(html[done : place.start])
            done = place.end
        elif number < most:
            changed = change(place.url, number)
            number += 1
            if changed is not None and changed != place.url:
                pieces += (html[done : place.start], f'"{escape(changed)}"')
                done = place.end
    if not pieces:
        return html
    pieces.append(html[done:])
    return "".join(pieces)


def rewrite_text(text: str, change: Change, *, most: int = MOST_LINKS) -> str:
    """The plain text with each http or https URL as `change` wants it; punctuation behind a URL is none of it."""
    number = 0

    def changed(match: re.Match[str]) -> str:
        nonlocal number
        if number >= most:
            return match[0]
        url = _bare(match[0])
        new = change(url, number)
        number += 1
        return match[0] if new is None else new + match[0][len(url) :]

    return _IN_TEXT.sub(changed, text)


def with_utm(url: str, values: Mapping[str, str]) -> str:
    """The URL with the parameters for Google Analytics; those that it has already stay. `values` are by names of UTM."""
    head, mark, fragment = url.partition("#")
    query = head.partition("?")[2]
    present = {each.partition("=")[0] for each in query.split("&")} if query else ()
    added = "&".join([f"{name}={quote_plus(value)}" for name, value in values.items() if name not in present])
    if not added:
        return url
    joint = "" if head.endswith(("?", "&")) else "&" if "?" in head else "?"
    return f"{head}{joint}{added}{mark}{fragment}"


def _places(html: str) -> tuple[Place, ...]:
    """The places of the HTML, in order."""
    found: list[Place] = []
    at = passed = 0
    while (at := _next_special(html, at) if passed < CROWD else _passed(html, at)) < len(html):
        if html[at + 1 : at + 2] in ("a", "A") and (anchor := _ANCHOR.match(html, at)) is not None:
            at = anchor.end()
            href, off = _href(html, anchor.start() + 2, at - 1)
            if off is not None:
                found.append(Place(*off, None))
            elif href is not None and (url := _url(html[href[0] : href[1]])) is not None:
                found.append(Place(*href, url))
            continue
        end = _end_of_special(html, at)
        if end is None:
            break
        at = end
        passed += 1
    return tuple(found)


_kept_places = lru_cache(maxsize=KEPT)(_places)


def _next_special(html: str, at: int) -> int:
    """Where the next link, comment or raw text begins, or the end, or what never ends; nothing is open at `at`.

    Mails are mostly so plain that a look back tells whether a place is outside of tags; else every tag is read from `at` on. A look back
    for each of many comments takes longer than to read every tag.
    """
    place = at
    while (found := _OPENING.search(html, place)) is not None:
        begin = found.start()
        if not _is_outside(html, at, begin):
            return _passed(html, at)
        if html.startswith("<!--", begin) or _SPECIAL.match(html, begin):
            return begin
        place = begin + 2
    return len(html)


def _passed(html: str, at: int) -> int:
    """The same by reading every tag."""
    return _PASSED.match(html, at).end()  # type: ignore[union-attr]  # it matches nothing at least


def _is_outside(html: str, start: int, at: int) -> bool:
    """Whether the place is surely in no tag, when nothing special lies between `start`, which is in none, and it.

    Within a quoted value the last quotation mark of its kind is the opening one and follows a `=`. Elsewhere in a tag a `<` comes after the
    last `>`, or that stands in a quoted value: then the last mark before it is an opening one, and another comes after it.
    """
    end = html.rfind(">", start, at)
    if html.find("<", end + 1 or start, at) >= 0:
        return False
    for mark in "\"'":
        last = html.rfind(mark, start, at)
        if _may_open(html, start, last) or (last > end and _may_open(html, start, html.rfind(mark, start, max(end, start)))):
            return False
    return True


def _may_open(html: str, start: int, mark: int) -> bool:
    """Whether a quotation mark stands here, and may open a value."""
    return mark >= 0 and html[max(start, mark - 20) : mark].rstrip()[-1:] in ("=", "")


def _end_of_special(html: str, at: int) -> int | None:
    """Where the comment or raw text that begins here ends; None when it is neither, or never ends."""
    if html.startswith("<!--", at):
        comment = _COMMENT.match(html, at)
        return None if comment is None else comment.end()
    raw = _RAW_START.match(html, at)
    if raw is None:
        return None
    end = re.compile(rf"</{raw[1]}(?=[\s/>])", re.IGNORECASE).search(html, raw.end())
    return None if end is None else end.start()


def _href(html: str, start: int, end: int) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Where the value of the tag's first href stands, quotes and all; and where its clicktracking=off, with the space before it."""
    href = off = None
    for match in _ONE.finditer(html, start, end):
        name = match[1].lower()
        if name == "href" and href is None and match[2]:
            href = match.span(2)
        elif name == "clicktracking" and match[2] and match[2].strip("\"'").strip().lower() == "off":
            begin = match.start()
            while html[begin - 1].isspace():
                begin -= 1
            off = (begin, match.end())
    return href, off


def _url(value: str) -> str | None:
    """The http or https URL that an attribute's value is, or None."""
    if value[0] in "\"'":
        value = value[1:-1]
    if "&" in value:
        is_plain = value.count("&amp;") == value.count("&")
        value = value.replace("&amp;", "&") if is_plain else _REFERENCE.sub(_referred, value)
    if not value.startswith(("https://", "http://")) and not _WEB.match(value):
        return None
    return value if value.isprintable() and value[0] != " " != value[-1] else _LINE_ENDS.sub("", value).strip()


def _referred(match: re.Match[str]) -> str:
    """A character reference within an attribute: a name without its semicolon counts only where it always did (HTML 13.2.5.73)."""
    reference = match[0]
    return unescape(reference) if reference[1] == "#" or reference[1:] in html5 else reference


def _bare(found: str) -> str:
    """The URL without the punctuation of the sentence around it; a bracket stays when it closes one within."""
    for _ in range(MOST_PUNCTUATION):
        last = found[-1]
        if last in ".,;:!?'*_~" or (last in ")]}" and found.count(last) > found.count("([{"[")]}".index(last)])):
            found = found[:-1]
        else:
            break
    return found
