from scaisend.content.handlebars.render import compile_template
from tests.base import PlainTestCase


class Whitespace(PlainTestCase):
    def check(self, template: str, expected: str) -> None:
        self.assertEqual(compile_template(template).render({"t": True, "a": "A", "l": [1, 2]}), expected, template)

    def test_tilde(self) -> None:
        """~ takes all white space on its side, of lines before and after too."""
        self.check(" \n {{~a~}} \n\t b", "Ab")
        self.check("x \xa0{{~a}}", "xA")
        self.check("{{#if t~}} \n x {{~else~}} y {{~/if}} z", "x z")

    def test_alone_on_a_line(self) -> None:
        """Blocks, else and comments alone on their line take the line with them; values never do."""
        self.check("a\n  {{#if t}}  \r\n  b\n  {{/if}}\nc", "a\n  b\nc")
        self.check("a\n {{! c }} \nb\n{{a}}\n", "a\nb\nA\n")
        self.check("{{#if f}}\nx\n {{else}} \ny\n{{/if}}", "y\n")
        self.check("{{#each l}}\n- {{this}}\n{{/each}}\n", "- 1\n- 2\n")

    def test_chains(self) -> None:
        """An else if alone on its line takes it too."""
        self.check("{{#if f}}\nx\n{{else if t}}\ny\n{{else}}\nz\n{{/if}}\nend", "y\nend")
        self.check("{{#if f}} x {{~else if t~}} y {{else}} z {{/if}}", "y ")

    def test_not_alone(self) -> None:
        """Beside other text nothing is taken."""
        self.check("a {{#if t}} b {{/if}} c", "a  b  c")
        self.check("a {{! c }}\nb", "a \nb")
