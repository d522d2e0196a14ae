from scaisend.content.handlebars.errors import TemplateDataError
from scaisend.content.template_parts import Parts, compile_parts, faults_of
from tests.base import PlainTestCase

PARTS = Parts("Hi {{n}}", "<p>Hi {{n}}</p>", "own {{n}}")


class TemplateParts(PlainTestCase):
    def test_text_from_html(self) -> None:
        """The text is made from the rendered HTML, without its escapes, or is the version's own."""
        self.assertEqual(compile_parts(PARTS, generates_plain=True).render({"n": "A & B"}), Parts("Hi A &amp; B", "<p>Hi A &amp; B</p>", "Hi A & B"))
        self.assertEqual(compile_parts(PARTS, generates_plain=False).render({"n": 1}).plain, "own 1")
        self.assertEqual(compile_parts(Parts("s", "", "own"), generates_plain=True).render({}).plain, "own")

    def test_faults(self) -> None:
        """Faults are told by part; a text that is not used has none."""
        wrong = Parts("{{", "{{foo bar}}", "{{")
        self.assertEqual([each.field for each in faults_of(wrong, generates_plain=True)], ["subject", "html_content"])
        self.assertEqual([each.field for each in faults_of(wrong, generates_plain=False)], ["subject", "html_content", "plain_content"])
        self.assertEqual(faults_of(PARTS, generates_plain=False), [])

    def test_an_error_names_its_part(self) -> None:
        """Data that cannot be rendered are refused with part, line and column."""
        error = self.assertRaises(TemplateDataError, compile_parts(Parts("{{formatDate d 'Y'}}", "x", ""), generates_plain=True).render, {"d": "x"})
        self.assertEqual((error.line, error.column, error.message.partition(":")[0]), (1, 3, "subject"))
