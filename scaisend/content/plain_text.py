"""HTML → the text part that a reader without HTML is given."""

import re
from html.parser import HTMLParser

# Elements that stand on lines of their own; those of _PARAGRAPHS have an empty line around them.
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre", "dl", "hr"})
_LINES = frozenset({
    "div", "tr", "li", "dt", "dd", "section", "article", "header", "footer", "main", "address", "center", "form", "fieldset", "figure", "caption",
})
_HIDDEN = frozenset({"head", "style", "script", "title", "template", "noscript", "svg"})
LINKS = ("http://", "https://", "mailto:", "tel:")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_LINE_SPACE = re.compile(r" *\n *")
_EMPTY_LINES = re.compile(r"\n{3,}")


def plain_text(html: str, links: tuple[str, ...] = LINKS) -> str:
    """The words of the HTML, in lines as its blocks are; links as `text (address)`, images as their alt text.

    Addresses that begin otherwise than `links` are left out.
    Nothing of styles, scripts and comments remains. Ends without a line end.
    """
    reader = _Reader(links)
    reader.feed(_closed(html))
    reader.close()
    text = _LINE_SPACE.sub("\n", reader.text()).replace("\xa0", " ")
    return _EMPTY_LINES.sub("\n\n", text).strip()


def _closed(html: str) -> str:
    """The HTML with what begins after the last end as text: the parser would look for its end again from each beginning."""
    for beginning, end in (("<!--", "-->"), ("<![", "]"), ("<", ">")):
        at = html.rfind(end) + 1
        if html.find(beginning, at) >= 0:
            html = html[:at] + html[at:].replace(beginning, "&lt;" + beginning[1:])
    return html


class _Reader(HTMLParser):
    """Collects text; white space is one space, but in `pre`."""

    def __init__(self, links: tuple[str, ...]) -> None:
        super().__init__(convert_charrefs=True)
        self._shown = links
        self._pieces: list[str] = []
        self._hidden: list[str] = []
        self._pre = 0
        self._links: list[tuple[str, int]] = []

    def text(self) -> str:
        return "".join(self._pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN and tag not in self._hidden:
            self._hidden.append(tag)
        if self._hidden:
            if tag == "body":
                self._hidden.clear()
            return
        self._break(tag)
        if tag == "li":
            self._pieces.append("- ")
        elif tag == "hr":
            self._pieces.append("---\n\n")
        elif tag in ("td", "th"):
            self._pieces.append(" ")
        elif tag == "img":
            self._pieces.append(_value(attrs, "alt"))
        elif tag == "a":
            # Links do not nest: one that was left open ends here.
            self._links = [(_value(attrs, "href"), len(self._pieces))]
        elif tag == "pre":
            self._pre += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            while tag in self._hidden:
                self._hidden.pop()
            return
        if self._hidden:
            return
        if tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag == "pre" and self._pre:
            self._pre -= 1
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._pre:
            # Spaces that stay are no-break spaces until the end.
            self._pieces.append(data.replace("\r\n", "\n").replace(" ", "\xa0"))
            return
        data = _SPACE.sub(" ", data)
        if data[:1] == " " and (not self._pieces or self._pieces[-1][-1:] in ("\n", " ")):
            data = data[1:]
        if data:
            self._pieces.append(data)

    def _break(self, tag: str) -> None:
        if tag == "br":
            self._pieces.append("\n")
        elif tag in _PARAGRAPHS:
            self._pieces.append("\n\n")
        elif tag in _LINES and self._pieces and self._pieces[-1][-1:] != "\n":
            self._pieces.append("\n")

    def _end_link(self, href: str, at: int) -> None:
        shown = "".join(self._pieces[at:]).strip()
        if href.startswith(self._shown) and href.removeprefix("mailto:").removeprefix("tel:") != shown:
            self._pieces.append(f" ({href})" if shown else href)


def _value(attrs: list[tuple[str, str | None]], name: str) -> str:
    return next((value.strip() for key, value in attrs if key == name and value), "")
