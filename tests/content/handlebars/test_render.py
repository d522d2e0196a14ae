"""The language as a whole: the project's cases, then what they leave open."""

import json
from pathlib import Path

from scaisend.content.handlebars.errors import TemplateDataError, TemplateError
from scaisend.content.handlebars.render import compile_template
from tests.base import PlainTestCase

CASES = Path(__file__).resolve().parents[2] / "fixtures" / "handlebars" / "cases.json"


def rendered(template: str, data: object = None) -> str:
    return compile_template(template).render({} if data is None else data)


class Cases(PlainTestCase):
    def test_cases(self) -> None:
        """Each case whose text handlebars.js made renders to it, and what must be refused is refused."""
        wrong = []
        for case in json.loads(CASES.read_text(encoding="utf-8"))["cases"]:
            try:
                got: str | None = rendered(case["template"], case["context"])
            except TemplateError:
                got = None
            if case.get("error"):
                good = got is None or case.get("lenient", False)
            else:
                good = got in (case["expected"], *case.get("expected_any", ()))
            if not good:
                wrong.append((case["id"], got))
        self.assertEqual(wrong, [])


class Language(PlainTestCase):
    def test_missing_is_nothing(self) -> None:
        """A value that is missing at any step is the empty text."""
        self.assertEqual(rendered("[{{a}}{{a.b.c}}{{{a}}}{{l.[9]}}{{@x.y}}{{../../a}}]", {"l": []}), "[]")

    def test_names_with_spaces_and_dashes(self) -> None:
        """Keys that are no names stand in brackets, or in quotes."""
        self.assertEqual(rendered('{{[first name]}} {{"last name"}} {{o.[a-b]}} {{x-y}}', {
            "first name": "Ann", "last name": "Lee", "o": {"a-b": "c"}, "x-y": "z",
        }), "Ann Lee c z")

    def test_places_in_lists(self) -> None:
        """An element is named by its place, with or without brackets."""
        self.assertEqual(rendered("{{l.[1]}}{{l.1}}{{l.0.a}}", {"l": [{"a": "x"}, "y"]}), "yyx")

    def test_parent_skips_helper_blocks(self) -> None:
        """One ../ leaves the each, however many conditions stand between, as delivered mail does."""
        self.assertEqual(rendered("{{#each l}}{{#if true}}{{#equals a 1}}{{../t}}{{/equals}}{{/if}}{{/each}}", {"t": "T", "l": [{"a": 1}]}), "T")

    def test_documented_length_form(self) -> None:
        """greaterThan 0 length items is true when there are items; the proper subexpression says it the other way round."""
        template = "{{#greaterThan 0 length l}}some{{else}}none{{/greaterThan}} {{#greaterThan (length l) 0}}some{{else}}none{{/greaterThan}}"
        self.assertEqual(rendered(template, {"l": [1]}), "some some")
        self.assertEqual(rendered(template, {"l": []}), "none none")
        self.assertEqual(rendered("{{#if items.length}}y{{else}}n{{/if}}"), "n")

    def test_data_named_as_a_helper(self) -> None:
        """A key with a helper's name is reached through this; the helper has its name otherwise."""
        self.assertEqual(rendered("{{this.length}} {{insert length 'd'}} {{./if}}", {"length": "9", "if": "x"}), "9 9 x")
        self.assertEqual(rendered("{{formatDate date 'YYYY'}}", {"date": "2020-05-05"}), "2020")

    def test_unescaped(self) -> None:
        """Three braces and & leave the value as it is."""
        self.assertEqual(rendered("{{a}}{{{a}}}{{&a}}", {"a": "<&>"}), "&lt;&amp;&gt;<&><&>")

    def test_whole_numbers_of_json(self) -> None:
        """Numbers, booleans and lists print as JavaScript prints them."""
        self.assertEqual(rendered("{{a}} {{b}} {{c}} {{d}}", {"a": 1.0, "b": 0.1 + 0.2, "c": False, "d": [1, [2, None], "x"]}), "1 0.30000000000000004 false 1,2,,x")

    def test_an_error_is_only_where_it_is_reached(self) -> None:
        """A call that cannot work is a problem of the template, and fails a mail only when it comes to it."""
        template = compile_template("{{#if a}}\n  {{shout a}}{{/if}}ok")
        self.assertEqual([(each.line, each.column, each.message) for each in template.problems], [(2, 5, "there is no helper shout")])
        self.assertEqual(template.render({}), "ok")
        error = self.assertRaises(TemplateDataError, template.render, {"a": 1})
        self.assertEqual((error.line, error.column), (2, 5))

    def test_wrong_parameters_are_problems(self) -> None:
        """A wrong number of parameters is found when the template is compiled."""
        for template in ("{{#if}}x{{/if}}", "{{#each a b}}x{{/each}}", "{{equals a}}", "{{#equals a b c}}x{{/equals}}", "{{formatDate a}}", "{{if a}}", "{{#or a}}{{/or}}"):
            self.assertEqual(len(compile_template(template).problems), 1, template)

    def test_refused_date(self) -> None:
        """A value that is no date ends the rendering with the place and the value."""
        error = self.assertRaises(TemplateDataError, rendered, "\n{{formatDate d 'YYYY'}}", {"d": "soon"})
        self.assertEqual((error.line, str(error)), (2, "formatDate: 'soon' is not a date as ISO 8601 writes it (line 2, column 3)"))

    def test_constant(self) -> None:
        """A text without tags is itself."""
        self.assertEqual(rendered("a } { b \\ c"), "a } { b \\ c")

    def test_block_parameters(self) -> None:
        """Names after `as` reach through inner blocks, and shadow keys; where none is given the mail fails."""
        self.assertEqual(rendered("{{#each l as |v i|}}{{#each v as |w|}}{{i}}{{w}}{{v.length}} {{/each}}{{/each}}", {"l": [["a", "b"], ["c"]]}), "0a2 0b2 1c1 ")
        self.assertEqual(rendered("{{#with o as |x|}}{{x.a}}{{#if x}}{{#x}}{{a}}{{/x}}{{/if}}{{/with}}", {"o": {"a": 1}}), "11")
        self.assertRaises(TemplateDataError, rendered, "{{#if a as |b|}}{{b}}{{/if}}", {"a": 1})
