"""What rendering may cost at most."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.content.handlebars.errors import TemplateDataError, TemplateError
from scaisend.content.handlebars.render import compile_template
from scaisend.content.handlebars.scope import LARGEST_OUTPUT
from tests.base import PlainTestCase

# Processor time: another process's work does not count.
MOST_S = 5.0
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "l", "1"]), inner, max_size=4), max_leaves=12,
)
PIECES = st.sampled_from([
    "{{#each l}}", "{{#each this}}", "{{#each .}}", "{{/each}}", "{{#with a}}", "{{/with}}", "{{this}}", "{{a}}", "{{../a}}", "{{@key}}", "{{@root}}", "{{l}}",
    "{{#a}}", "{{/a}}", "{{length l}}", "{{lookup l a}}", "{{insert a b}}", "{{formatDate a 'YYYY'}}", "{{equals a l}}", "text", "{{else}}", "{{^b}}", "{{/b}}",
])


class Bounds(PlainTestCase):
    def refused(self, template: str, data: object, word: str) -> None:
        compiled, began = compile_template(template), time.process_time()
        error = self.assertRaises(TemplateDataError, compiled.render, data)
        self.assertIn(word, str(error))
        self.assertLess(time.process_time() - began, MOST_S)

    def test_steps(self) -> None:
        """Loops within loops end after so many steps, empty bodies count too."""
        for template in ("{{#each l}}" * 5 + "{{@index}}" + "{{/each}}" * 5, "{{#each @root.l}}" * 8 + "{{/each}}" * 8, "{{#l}}" * 5 + "x" + "{{/l}}" * 5):
            data: dict[str, object] = {}
            data["l"] = [data] * 100
            self.refused(template, data, "steps")

    def test_output(self) -> None:
        """A text that grows past its bound is refused before it is made."""
        self.refused("{{#each l}}" + "x" * 100_000 + "{{/each}}", {"l": [1] * 1000}, "longer")
        self.refused("{{#each l}}{{{../s}}}{{/each}}", {"l": [1] * 1000, "s": "x" * 1_000_000}, "longer")
        self.refused("{{#each l}}{{../s}}{{/each}}", {"l": [1] * 1000, "s": "&" * 1_000_000}, "longer")
        self.refused("{{#each l}}{{../l}}{{/each}}", {"l": ["x" * 1000] * 1000}, "longer")
        self.assertEqual(len(compile_template("{{{s}}}").render({"s": "x" * (LARGEST_OUTPUT - 10)})), LARGEST_OUTPUT - 10)

    def test_work_of_helpers(self) -> None:
        """Long texts and lists that helpers or printing go through are paid for."""
        texts = {"l": [1] * 100_000, "a": "x" * 1_000_000 + "a", "b": "x" * 1_000_000 + "b", "u": "é" * 1_000_000, "e": [[]] * 100_000}
        for call in ("{{#if (equals ../a ../b)}}{{/if}}", "{{length ../u}}", "{{#if (greaterThan ../a 1)}}{{/if}}", "{{lookup . ../e}}"):
            self.refused("{{#each l}}" + call + "{{/each}}", texts, "steps")
        self.refused("{{#each l}}{{../e}}{{/each}}", {**texts, "l": [1] * 1000}, "more than")

    def test_deep_data(self) -> None:
        """Lists nested too deep are refused, not a crash."""
        deep: object = []
        for _ in range(900):
            deep = [deep]
        self.refused("{{a}}", {"a": deep}, "deep")

    @settings(deadline=None, max_examples=100)
    @given(st.lists(PIECES, max_size=14).map("".join), VALUES)
    def test_any_data(self, template: str, data: object) -> None:
        """Whatever the data, there is a text or a refusal."""
        try:
            self.assertIsInstance(compile_template(template).render(data), str)
        except TemplateError:
            pass
