"""Text parts made from HTML."""

from time import process_time

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.content.plain_text import plain_text
from tests.base import PlainTestCase


class PlainText(PlainTestCase):
    def test_blocks_become_lines(self) -> None:
        """Paragraphs are apart, rows and list items on lines of their own, white space is one space."""
        html = "<h1>Hi\n  there</h1><p>One<br>two &amp; <b>three</b></p><ul><li>a</li><li>b</li></ul><table><tr><td>x</td><td>y</td></tr></table>"
        self.assertEqual(plain_text(html), "Hi there\n\nOne\ntwo & three\n\n- a\n- b\n\nx y")

    def test_links_and_images(self) -> None:
        """A link shows its address, once; an image its alt text."""
        html = '<a href="https://example.com/a?b=1&amp;c=2">Shop</a> <a href="https://example.com">https://example.com</a> <a href="#top">top</a> <img alt="Logo" src="x">'
        self.assertEqual(plain_text(html), "Shop (https://example.com/a?b=1&c=2) https://example.com top Logo")
        self.assertEqual(plain_text('<a href="https://example.com/"><img src="x"></a>'), "https://example.com/")

    def test_nothing_hidden_shows(self) -> None:
        """Styles, scripts, titles and comments leave no trace, closed or not."""
        html = "<html><head><title>T</title><style>p{}</style></head><body><!-- c --><script>x()</script><p>Hello</p></body></html>"
        self.assertEqual(plain_text(html), "Hello")
        self.assertEqual(plain_text("<head><style>p{}</style><body>Hello"), "Hello")

    def test_preformatted(self) -> None:
        """Preformatted text keeps its lines."""
        self.assertEqual(plain_text("<p>x</p><pre>a\n  b</pre>"), "x\n\na\n  b")

    @settings(deadline=None)
    @given(st.lists(st.sampled_from(["<p>", "</p>", "<a href='http://x'>", "</a>", "<pre>", "</pre>", "<head>", "</head>", "<li", "x", " ", "\n", "&amp;", "<!--", "]]>"]), max_size=30).map("".join))
    def test_any_soup_gives_text(self, html: str) -> None:
        """Broken HTML raises nothing, and three line ends never follow each other."""
        self.assertNotIn("\n\n\n", plain_text(html))

    def test_work_is_bounded(self) -> None:
        """Whatever is left open, the time grows with the length alone."""
        for piece in ("<!--", "<a ", '<a x="', "<![CDATA[", "</", "<a>x", "<head>", "<a href='x"):
            for end in ("", ">", "</a>" * 30_000, "</style>" * 30_000, "-->", '">'):
                began = process_time()
                plain_text(piece * 30_000 + end)
                self.assertLess(process_time() - began, 5.0, piece)

    def test_left_open(self) -> None:
        """What is never closed is text, and nothing before it is lost."""
        self.assertEqual(plain_text("<p>a</p><!-- b"), "a\n\n<!-- b")
        self.assertEqual(plain_text("<b>a</b> 1 < 2"), "a 1 < 2")
        self.assertEqual(plain_text("<a href='https://x.test'>x <a href='https://y.test'>y</a>"), "x y (https://y.test)")
