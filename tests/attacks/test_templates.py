"""Templates and data are a tenant's own text: they reach no Python object, and no time or memory but their share."""

import inspect

from scaisend.content.handlebars.errors import TemplateError
from scaisend.content.handlebars.render import compile_template
from tests.base import PlainTestCase

NAMES = sorted({
    name for kind in (dict, list, str, int, float, bool, type(None), type, object, type(lambda: 0)) for name, _ in inspect.getmembers(kind)
} | {"__globals__", "__code__", "__builtins__", "gi_frame", "f_back", "constructor", "__proto__", "prototype", "toString", "valueOf", "hasOwnProperty"})
DATA = {"s": "text", "l": ["a"], "o": {"k": "v"}, "n": 5, "f": 1.5, "b": True, "z": None}


class Templates(PlainTestCase):
    def test_no_attribute_is_reached(self) -> None:
        """No name of any Python type's attribute means anything, on any value, by path, lookup, section or loop."""
        for name in NAMES:
            for value in (*DATA, "this", "@root", "../this", "@index"):
                for template in (
                    f"{{{{{value}.[{name}]}}}}", f'{{{{lookup {value} "{name}"}}}}', f"{{{{#{value}.[{name}]}}}}x{{{{/{value}.{name}}}}}",
                    f"{{{{#each {value}.[{name}]}}}}x{{{{/each}}}}", f"{{{{@[{name}]}}}}",
                ):
                    if "lookup" in template and value == "@index":
                        continue
                    self.assertEqual(compile_template(template).render(DATA), "", template)

    def test_no_call(self) -> None:
        """Nothing of the data or of the engine can be called or named as a helper but the table's."""
        for name in ("s", "o", "l.append", "this.render", "helperMissing", "blockHelperMissing", "__import__", "eval", "print", "values", "text"):
            template = compile_template(f'{{{{{name} "x"}}}}')
            self.assertEqual(len(template.problems), 1, name)
            self.assertRaises(TemplateError, template.render, DATA)

    def test_other_languages_are_text(self) -> None:
        """What other template languages, formats and shells would run is text."""
        for text in ("%s %(a)s {0.__class__}", "${7*7} <%= 7*7 %> #{7*7}", "{% import os %}", "$(id) `id`", "{{'{{7*7}}'}}"[2:-2]):
            self.assertEqual(compile_template("{{{a}}}" + text.replace("{{", "\\{{")).render({"a": text}), text + text)

    def test_values_are_not_rendered_again(self) -> None:
        """Tags that data bring are text, in every place data can come from."""
        for template in ("{{{a}}}", '{{{insert x a}}}', "{{#each l}}{{{this}}}{{/each}}", '{{{lookup . "a"}}}', "{{#with a}}{{{this}}}{{/with}}"):
            self.assertEqual(compile_template(template).render({"a": "{{b}}{{#each l}}", "b": "no", "l": ["{{b}}{{#each l}}"]}), "{{b}}{{#each l}}")

    def test_markup_is_escaped(self) -> None:
        """No value, key, default or element brings a character of markup through a tag with two braces."""
        bad = "<script>&\"'`="
        for template in ("{{a}}", "{{insert x a}}", "{{#each o}}{{@key}}{{this}}{{/each}}", "{{l}}", "{{lookup o a}}", "{{#each l as |v|}}{{v}}{{/each}}", "{{formatDate '2020-01-01' a}}"):
            text = compile_template(template).render({"a": bad, "o": {bad: bad}, "l": [bad, [bad]]})
            self.assertNotIn("<", text)
            for letter in "\"'`=":
                self.assertNotIn(letter, text.replace("&#x3D;", ""), template)

    def test_data_are_not_changed(self) -> None:
        """Rendering leaves the data as they are."""
        data = {"l": [{"a": 1}], "o": {"b": [1]}}
        compile_template("{{#each l as |x i|}}{{x.a}}{{i}}{{@index}}{{#with ../o}}{{b}}{{/with}}{{/each}}").render(data)
        self.assertEqual(data, {"l": [{"a": 1}], "o": {"b": [1]}})
