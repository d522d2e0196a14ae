from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.content.handlebars.errors import TemplateError, TemplateSyntaxError
from scaisend.content.handlebars.nodes import Block, Content, Mustache
from scaisend.content.handlebars.parse import MOST_TAGS, parse
from scaisend.content.handlebars.render import compile_template
from tests.base import PlainTestCase


class Parse(PlainTestCase):
    def place_of(self, template: str) -> tuple[int | None, int | None]:
        error = self.assertRaises(TemplateSyntaxError, parse, template)
        return error.line, error.column

    def test_tree(self) -> None:
        """Text, tags and blocks follow each other as written; a chain hangs in the inverse."""
        program = parse("a{{b}}{{#if c}}d{{else if e}}f{{else}}g{{/if}}")
        text, tag, block = program.body
        assert isinstance(text, Content) and isinstance(tag, Mustache) and isinstance(block, Block)
        self.assertEqual((text.value, tag.call.path.parts), ("a", ("b",)))
        assert block.inverse is not None
        self.assertTrue(block.inverse.is_chained)
        link = block.inverse.body[0]
        assert isinstance(link, Block) and link.inverse is not None
        self.assertEqual(link.inverse.body, [Content("g", "g")])

    def test_places_of_errors(self) -> None:
        """A refusal says line and column, from 1, of what is wrong."""
        for template, place in (
            ("x\n {{#if a}}", (2, 2)), ("{{a", (1, 3)), ("\n{{/if}}", (2, 1)), ("{{#if a}}{{/each}}", (1, 10)), ("{{else}}", (1, 1)),
            ("{{#if a}}{{else}}{{else}}{{/if}}", (1, 18)), ("{{a b=}}", (1, 7)), ("é{{a|b}}", (1, 5)), ("{{a}}}", (1, 4)),
            ("{{#if (a}}x{{/if}}", (1, 9)), ('{{"a}}', (1, 3)), ("{{a.this}}", (1, 3)), ("{{!-- a", (1, 1)), ("{{}}", (1, 3)), ("a\0b", (1, 2)),
            ("{{#each a as ||}}{{/each}}", (1, 15)), ("{{a=b}}", (1, 4)), ("{{a b=1 c}}", (1, 9)), ("{{^a}}{{else if b}}{{/a}}", (1, 7)),
        ):
            self.assertEqual(self.place_of(template), place, template)

    def test_refused_language(self) -> None:
        """Partials, decorators and raw blocks are refused by name."""
        for template, word in (("{{> a}}", "partials"), ("{{#> a}}{{/a}}", "partials"), ("{{* a}}", "decorators"), ("{{#*inline 'a'}}{{/inline}}", "inline"), ("{{{{a}}}}{{{{/a}}}}", "raw blocks")):
            self.assertIn(word, str(self.assertRaises(TemplateSyntaxError, parse, template)))

    def test_bounds(self) -> None:
        """Blocks, chains and parentheses that are nested too deep are refused, and too many tags; what is within is compiled and rendered."""
        good = "{{#each l}}" * 124 + "x" + "{{/each}}" * 124
        self.assertEqual(compile_template(good).render({}), "")
        chain = "{{#equals a 0}}0" + "".join(f"{{{{else equals a {n}}}}}{n}" for n in range(1, 240)) + "{{/equals}}"
        self.assertEqual(compile_template(chain).render({"a": 239}), "239")
        for template in (
            "{{#if a}}" * 200 + "{{/if}}" * 200, "{{#if a}}" + "{{else if a}}" * 300 + "{{/if}}",
            "{{" + "(a " * 100 + "b" + ")" * 100 + "}}", "{{length " + "(length " * 60 + "b" + ")" * 60 + "}}", "{{a}}" * (MOST_TAGS + 1),
        ):
            self.assertRaises(TemplateSyntaxError, compile_template, template)

    def test_deep_and_wide(self) -> None:
        """Depth is bounded over blocks and chains together, so the stack is never used up."""
        link = "{{#if a}}x" + "{{else if a}}" * 20
        self.assertRaises(TemplateSyntaxError, compile_template, link * 60 + "{{/if}}" * 60)
        inner = "{{length (length (length a))}}"
        deep = "{{#each l}}{{#with this as |x|}}{{#if x}}{{else if y}}" * 31 + inner + "{{/if}}{{/with}}{{/each}}" * 31
        data: object = {"l": [1]}
        for _ in range(31):
            data = {"l": [data]}
        self.assertEqual(compile_template(deep).render(data), "")

    @settings(deadline=None, max_examples=150)
    @given(st.lists(st.sampled_from([
        "{{", "}}", "{{{", "}}}", "#", "/", "^", "else", "if", "a", " ", ".", "..", "(", ")", "=", "|", "as", "'", '"', "[", "]", "@", "~", "!", "--", "&",
        "1", "-", "\\", "\n", "each", "this", ">", "*", "{{#if a}}", "{{/if}}", "é", "\u2028",
    ]), max_size=30))
    def test_any_text(self, pieces: list[str]) -> None:
        """Whatever is written, it is a template or refused with a place in it."""
        source = "".join(pieces)
        try:
            compile_template(source).render({"a": [1]})
        except TemplateSyntaxError as error:
            assert error.line and error.column and error.line <= source.count("\n") + 1
        except TemplateError:
            pass
