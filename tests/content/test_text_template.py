from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.content.handlebars.render import compile_template
from scaisend.content.plain_text import plain_text
from scaisend.content.template_parts import Parts, compile_parts
from scaisend.content.text_template import text_template, tidy
from tests.base import PlainTestCase

DATA = {"n": "A & B", "l": ["x", "y < z"], "o": {"u": "https://x.test/?a=1&b=2"}, "t": True, "h": "<b>bold</b> &amp; <a href='https://y.test'>link</a>", "e": ""}
BLOCKS = st.sampled_from([
    "<p>Hi {{n}}</p>", "<h1>{{missing}}</h1>\n", "{{#each l}}\n<p>{{this}}</p>\n{{/each}}\n", "<ul>{{#each l}}<li>{{this}}</li>{{/each}}</ul>",
    "{{#if t}}\n  <div>yes {{n}}</div>\n{{else}}\n  <div>no</div>\n{{/if}}\n", "{{#if e}}<p>never</p>{{/if}}", '<a href="{{o.u}}">see {{n}}</a>', "<p>{{{h}}}</p>",
    '<a href="https://x.test/{{n}}">x</a>', "<table><tr><td>{{n}}</td><td>5 &euro;</td></tr></table>", "<style>a{b:c}</style>", "words <br> more ", "{{! c }}", "{{insert e 'none'}} ",
    '<p class="{{#if t}}a{{else}}b{{/if}}">{{#unless t}}x{{/unless}}y</p>', '<img alt="{{n}}" src="{{o.u}}">',
])


def words(text: str) -> list[str]:
    return text.split()


class TextTemplate(PlainTestCase):
    def both(self, html: str) -> tuple[str, str]:
        """The text by the template's text, and by the mail's own HTML."""
        compiled = compile_parts(Parts("", html, ""), generates_plain=True)
        self.assertTrue(compiled.is_derived, html)
        return compiled.render(DATA).plain, plain_text(compile_template(html).render(DATA))

    def test_same_text(self) -> None:
        """Lines, lists, links and values are as in the text of the mail's HTML."""
        html = (
            "<h1>Hi {{n}}</h1>\n{{#if t}}\n<p>Your items:</p>\n<ul>\n{{#each l}}\n<li>{{this}}</li>\n{{/each}}\n</ul>\n{{/if}}\n"
            '<p><a href="{{o.u}}">Open</a> or <a href="{{o.u}}">{{o.u}}</a></p>{{#if e}}<p>no</p>{{/if}}<p>{{{h}}}</p>'
        )
        ours, theirs = self.both(html)
        self.assertEqual(ours, theirs)
        self.assertIn("Open (https://x.test/?a=1&b=2)", ours)

    @settings(deadline=None, max_examples=100)
    @given(st.lists(BLOCKS, min_size=1, max_size=6).map("".join))
    def test_same_words(self, html: str) -> None:
        """For any of many templates the words and links are the same, whatever the lines."""
        ours, theirs = self.both(html)
        self.assertEqual(words(ours), words(theirs))

    def test_unsure(self) -> None:
        """Where a branch could leave the HTML's elements open, or tags are part of elements, each mail's HTML is read."""
        for html in (
            "{{#if t}}<a href='x'>{{else}}<a href='y'>{{/if}}z</a>", "<{{n}}>x</{{n}}>", "\\{{n}}", "<pre>{{n}}</pre>", "&#123;&#123;n}}", "\ue0000\ue001",
        ):
            self.assertIsNone(text_template(html), html)
        halved = compile_parts(Parts("", "<head>{{#if t}}</head>x{{/if}}", ""), generates_plain=True)
        self.assertEqual((halved.is_derived, halved.render({"t": 1}).plain), (False, "x"))

    def test_tidy(self) -> None:
        """Empty lines and spaces that nothing stands between are one."""
        self.assertEqual(tidy(" a  b \n \n\n\n c\n"), "a b\n\nc")
