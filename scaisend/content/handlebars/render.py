"""A template's text → something that renders data; and the rendering."""

from collections.abc import Callable

from scaisend.content.handlebars.blocks import Body
from scaisend.content.handlebars.compile import Compiler
from scaisend.content.handlebars.errors import TemplateDataError, TemplateSyntaxError
from scaisend.content.handlebars.parse import parse
from scaisend.content.handlebars.scope import LARGEST_OUTPUT, MOST_STEPS, Loop, Output, Scope
from scaisend.content.handlebars.whitespace import trim


class Template:
    """A compiled template. `problems` are calls in it that fail whenever they are reached."""

    __slots__ = ("_body", "_constant", "problems")

    def __init__(self, body: Body, problems: tuple[TemplateSyntaxError, ...], constant: str | None) -> None:
        self._body = body
        self._constant = constant
        self.problems = problems

    def render(self, data: object) -> str:
        """The text for these data, which are JSON's dicts, lists, texts, numbers, booleans and None.

        Raises: TemplateDataError.
        """
        if self._constant is not None:
            return self._constant
        out = Output(MOST_STEPS, LARGEST_OUTPUT)
        body = self._body
        try:
            out.spend(body.steps, body.characters)
            body.write(Scope(data, None, Loop(data, None), None), out)
        except RecursionError:
            raise TemplateDataError("the data are nested too deep") from None
        rendered = "".join(out)
        if len(rendered) > LARGEST_OUTPUT:
            raise TemplateDataError(f"the text would be longer than {LARGEST_OUTPUT} characters")
        return rendered


def compile_template(source: str, words: Callable[[str], str] | None = None) -> Template:
    """The template, ready to render. With `words` it is that of a text part: values are not escaped, and those that would be
    written as markup are made words of.

    Raises: TemplateSyntaxError when it cannot be read at all.
    """
    if "{{" not in source:
        return Template(Body(lambda scope, out: None, 0, 0, False), (), source)
    program = parse(source)
    trim(program)
    compiler = Compiler(source, words)
    body = compiler.program(program)
    return Template(body, tuple(compiler.problems), None)
