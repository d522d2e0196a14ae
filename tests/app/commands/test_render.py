import json

from scaisend.app.commands.render import answers
from tests.base import PlainTestCase


class RenderCommand(PlainTestCase):
    def ask(self, *lines: bytes) -> list[dict[str, object]]:
        return [json.loads(line) for line in answers(lines)]

    def test_a_line_for_each(self) -> None:
        """Each line is answered by its text, or by what is wrong and where; blank ones are not answered."""
        asked = [b'{"template": "Hi {{n}}", "data": {"n": "Ann"}}', b"\n", b'{"template": "a\\n{{#if}}", "data": {}}', b'{"template": "{{formatDate d \'Y\'}}", "data": {"d": "x"}}', b'{"template": "a"}']
        self.assertEqual(self.ask(*asked), [
            {"output": "Hi Ann"}, {"error": "the block if is not closed", "line": 2, "column": 1},
            {"error": "formatDate: 'x' is not a date as ISO 8601 writes it", "line": 1, "column": 3}, {"output": "a"},
        ])

    def test_wrong_lines(self) -> None:
        """A line that is no JSON, or asks for nothing, is answered too."""
        for answer in self.ask(b"{", b"[]", b'{"template": 5}', b'"\xff"'):
            self.assertEqual((set(answer), answer["line"]), ({"error", "line", "column"}, None))
