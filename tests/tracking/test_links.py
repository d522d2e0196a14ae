import re
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.tracking import links
from scaisend.tracking.links import rewrite_html, rewrite_text, with_utm
from tests.base import PlainTestCase


def marked(url: str, number: int) -> str:
    return f"https://t.test/{number}?u={url}"


def rewritten(html: str) -> str:
    return rewrite_html(html, marked)


class Links(HTMLParser):
    """Another reader's view: all that is no href of a link, and the hrefs."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self.rest: list[object] = []
        self.hrefs: list[tuple[str, bool]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            kept = [each for each in attrs if each[0] != "clicktracking"]
            at = next((number for number, (name, _) in enumerate(kept) if name == "href"), None)
            if at is not None:
                self.hrefs.append((kept[at][1] or "", len(kept) < len(attrs)))
                kept[at] = ("href", None)
            attrs = kept
        self.rest.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.rest.append(("/", tag))

    def handle_data(self, data: str) -> None:
        self.rest.append(data)

    handle_comment = handle_decl = handle_pi = handle_entityref = handle_charref = unknown_decl = handle_data


URLS = st.sampled_from([
    "https://shop.test/a?b=1&amp;c=2", "http://x.test", "HTTPS://X.test/#y", "mailto:a@x.test", "#top", "/here", "tel:1", "javascript:void(0)",
    "https://x.test/?q=a b&amp;quot", "https://x.test/ü?a=&#38;", "",
])
TEXTS = st.sampled_from(["Hello", " it's \"so\" = ", "1 > 0", "a < b", "&amp; &copy;", "\n", "<br/>", "<img alt=\"a > b\" src='x'>", "<p class=x>", "</p>"])
ELEMENTS = st.sampled_from([
    "<!-- <a href=\"https://no.test\">no</a> -->", "<style>a > b { content: \"<a href='https://no.test'>\" }</style>", "<!DOCTYPE html>",
    "<script>var x = '<a href=\"https://no.test\">'</script>", "<strong>", "<i title='<a href=\"https://no.test\">'>",
    "<!--[if mso]><a href=\"https://no.test\">v</a><![endif]-->",
])


@st.composite
def anchors(draw: st.DrawFn) -> str:
    url, mark = draw(URLS), draw(st.sampled_from(["\"", "'"]))
    before = draw(st.sampled_from(["", "class=\"a>b\"", "data-x='<a href=\"https://no.test\">'", "target=_blank", "hidden"]))
    after = draw(st.sampled_from(["", "clicktracking=off", "CLICKTRACKING=\"off\"", "rel='x'", "href=\"https://second.test\""]))
    space = draw(st.sampled_from([" ", "\n", "  "]))
    name = draw(st.sampled_from(["a", "A"]))
    return f"<{name}{space}{before}{space}href={mark}{url}{mark}{space}{after}>text</{name}>"


HTML = st.lists(st.one_of(TEXTS, ELEMENTS, anchors()), max_size=12).map("".join)
SOUP = st.lists(st.sampled_from(["<", ">", "a", "A", " ", "\n", "=", "\"", "'", "/", "!", "--", "href", "https://x.test", "script", "<a ", "<a href=", "<b ", "<b x=", "</", "style", "&", "é"]), max_size=40).map("".join)

CROWDS = st.sampled_from(["", "<!-- -->" * links.CROWD])
# Tags such as mails are full of, and such as only look so.
TAGS = st.lists(st.tuples(
    st.sampled_from(["<b", "<td", "<tr", "<te", "<strong", "<st", "<img", "<if", "<p", "<pl", "<p:", "</a", "</p", "<a", "<title", "<nobr", "<span\n"]),
    st.lists(st.sampled_from([
        " x=\"a\"", " x='a'", " x=a", " x", "x=\"<a href=https://x.test>\"", " x='>'", " x= \">\"", " =\">\"", "/", " / ", "=\">\"", "x=\"\"y='>'", " x\"=\">\"", " href=https://x.test", "\n",
    ]), max_size=3).map("".join), st.sampled_from([">", "/>", " >", "", "<"]), st.sampled_from(["", "text", "'", "\"", "<a href='https://x.test'>"]),
).map("".join), max_size=6).map("".join)


class HtmlTests(PlainTestCase):
    @settings(deadline=None, max_examples=300)
    @given(HTML)
    def test_nothing_but_links(self, html: str) -> None:
        """Python's own parser sees the same document afterwards but for the links, and in them just what was wanted."""
        before, after = Links(html), Links(rewritten(html))
        self.assertEqual(before.rest, after.rest)
        number, wanted = 0, []
        for href, is_off in before.hrefs:
            if not is_off and re.match(r"\s*https?://", href, re.IGNORECASE):
                wanted.append((marked(href.strip(), number), False))
                number += 1
            else:
                wanted.append((href, False))
        self.assertEqual(after.hrefs, wanted)

    @settings(deadline=None, max_examples=800)
    @given(st.tuples(CROWDS, st.one_of(SOUP, HTML, TAGS, st.tuples(HTML, SOUP).map("".join))).map("".join))
    def test_the_short_ways_are_sure(self, html: str) -> None:
        """What the look back, and what the short way through plain tags find is what reading every attribute finds, whatever the text is, and
        however many comments are before it; unchanged links change no byte.
        """
        self.assertEqual(rewritten(html), read_throughout(html))
        if "clicktracking" not in html.lower():
            self.assertEqual(rewrite_html(html, lambda url, number: None), html)

    @settings(deadline=None)
    @given(HTML)
    def test_what_recurs(self, html: str) -> None:
        """A text that came before is rewritten as the first time, with each mail's own changes."""
        self.assertEqual(rewrite_html(html, marked, recurs=True), rewritten(html))
        self.assertEqual(rewrite_html(html, lambda url, number: f"https://other.test/{number}", recurs=True), rewrite_html(html, lambda url, number: f"https://other.test/{number}"))

    def test_raw_text_in_any_case(self) -> None:
        """No link is seen in what is no HTML, however its name is written, and the one behind it is seen."""
        names = ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript")
        for name in (*names, *[name.upper() for name in names], *[name.title() for name in names]):
            html = f'<{name}><a href="https://x.test"></{name}><a href="https://y.test">'
            self.assertEqual(rewritten(html), html.replace("https://y.test", "https://t.test/0?u=https://y.test"))
        for comment in ("<!-->", "<!--->", "<!---->", "<!-- a -- b --!>", "<!--!-->", "<!----!>"):
            self.assertEqual(rewritten(comment + '<a href="https://y.test">'), comment + '<a href="https://t.test/0?u=https://y.test">')
        for comment in ("<!--!>", "<!---!>", "<!-- --!", "<!-- -- >"):
            self.assertEqual(rewritten(comment + '<a href="https://y.test">'), comment + '<a href="https://y.test">')

    def test_rows(self) -> None:
        """Each form of a link, and what is none."""
        for html, wanted in (
            ('<a href="https://x.test/">', '<a href="https://t.test/0?u=https://x.test/">'),
            ("<a class='b' href='http://x.test/?a=1&amp;b=2'>", "<a class='b' href=\"https://t.test/0?u=http://x.test/?a=1&amp;b=2\">"),
            ("<a href=http://x.test/a/>", '<a href="https://t.test/0?u=http://x.test/a/">'),
            ('<A\nHREF = "https://x.test"\n>', '<A\nHREF = "https://t.test/0?u=https://x.test"\n>'),
            ('<a href="https://x.test/?a=1&copy=2&lt">', '<a href="https://t.test/0?u=https://x.test/?a=1&amp;copy=2&lt;">'),
            ('<a href=" https://x.test/\n a">', '<a href="https://t.test/0?u=https://x.test/ a">'),
            ('<a href="https://x.test" clicktracking=off>', '<a href="https://x.test">'),
            ("<a clicktracking='OFF' href=\"https://x.test\">", '<a href="https://x.test">'),
            ('<a href="https://x.test" href="https://y.test">', '<a href="https://t.test/0?u=https://x.test" href="https://y.test">'),
        ):
            self.assertEqual(rewritten(html), wanted)
        for same in (
            '<a href="mailto:a@x.test">', '<a href="tel:12">', '<a href="#x">', '<a href="//x.test">', '<a href="ftp://x.test">', "<a href>", "<a name=x>",
            '<abbr href="https://x.test">', '<link href="https://x.test">', '<img src="https://x.test">', '<area href="https://x.test">',
            '<!-- <a href="https://x.test"> -->', '<script><a href="https://x.test"></script>', '<TEXTAREA><a href="https://x.test"></textareas></TEXTAREA>',
            '<img alt="<a href=\'https://x.test\'>">', '<a href="https://x.test', '<!-- <a href="https://x.test">', '<title><a href="https://x.test">',
            '<b x=">"<a href="https://x.test">', '<plaintext><a href="https://x.test">', '<b<a href="https://x.test">', "text https://x.test",
        ):
            self.assertEqual(rewritten(same), same)

    def test_most(self) -> None:
        """The thousand and first link stays."""
        html = '<a href="https://x.test">' * 1_001
        done = rewritten(html)
        self.assertEqual((done.count("t.test"), done.endswith('>' + '<a href="https://x.test">')), (1_000, True))

    def test_hostile_texts(self) -> None:
        """Long texts made to be slow are not: this would take minutes if anything were tried twice."""
        for piece in ("<a ", "<a href=", "<!--", "<a href='", "<script>", "<a href=\"https://x.test\" ", "a='", "<s", "= ", "<a href= ", "\"<a ", "<!---", "<!-- --!", "<!----!>"):
            rewritten(piece * (200_000 // len(piece)))


class TextTests(PlainTestCase):
    def test_rows(self) -> None:
        """URLs are found as readers of plain text find them: punctuation behind one is none of it."""
        for text, wanted in (
            ("See https://x.test/a?b=1.", "See <https://x.test/a?b=1>."),
            ("(https://x.test/a_(b)) and HTTP://Y.test!", "(<https://x.test/a_(b)>) and <HTTP://Y.test>!"),
            ("<https://x.test/a>,\nhttps://y.test", "<<https://x.test/a>>,\n<https://y.test>"),
            ("mailto:a@x.test xhttps://x.test ftp://x.test", "mailto:a@x.test xhttps://x.test ftp://x.test"),
        ):
            self.assertEqual(rewrite_text(text, lambda url, number: f"<{url}>"), wanted)
        self.assertEqual(rewrite_text("https://a.test https://b.test", marked, most=1), "https://t.test/0?u=https://a.test https://b.test")
        rewrite_text("https://x.test" + ")" * 200_000 + "https://" * 50_000, marked)


class UtmTests(PlainTestCase):
    def test_rows(self) -> None:
        """Parameters go before the fragment; those that a link has stay its own."""
        utm = {"utm_source": "my shop", "utm_campaign": "a&b"}
        for url, wanted in (
            ("https://x.test", "https://x.test?utm_source=my+shop&utm_campaign=a%26b"),
            ("https://x.test/?a=1#top", "https://x.test/?a=1&utm_source=my+shop&utm_campaign=a%26b#top"),
            ("https://x.test/?utm_source=x&", "https://x.test/?utm_source=x&utm_campaign=a%26b"),
            ("https://x.test/?#", "https://x.test/?utm_source=my+shop&utm_campaign=a%26b#"),
            ("https://x.test/?utm_source=x&utm_campaign=", "https://x.test/?utm_source=x&utm_campaign="),
        ):
            self.assertEqual(with_utm(url, utm), wanted)


# Tags that hold no links, each read attribute by attribute; and all else that holds none.
LONG_WAY = re.compile(
    rf"(?:[^<]++|<(?!(?i:a|{links._RAW}|plaintext)[\s/>])/?[a-zA-Z][^\s/>]*+{links._REST}|<!--(?:-?>|.*?--!?>)|<(?!!--)[!?][^>]*+>"
    r"|</(?![a-zA-Z])[^>]*+>|<(?![a-zA-Z/!?]))*+",
    re.DOTALL,
)


def read_throughout(html: str) -> str:
    """The same without the look back, and by the long way."""
    kept = links._is_outside, links._PASSED
    links._is_outside, links._PASSED = (lambda *_: False), LONG_WAY
    try:
        return rewritten(html)
    finally:
        links._is_outside, links._PASSED = kept
