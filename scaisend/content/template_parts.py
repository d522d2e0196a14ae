"""Subject, HTML and text of a dynamic template's version: compiled together, rendered together."""

from dataclasses import dataclass

from scaisend.content.handlebars.errors import TemplateDataError, TemplateError, TemplateSyntaxError
from scaisend.content.handlebars.render import Template, compile_template
from scaisend.content.plain_text import plain_text
from scaisend.content.text_template import text_template, tidy
from scaisend.faults import Fault


@dataclass(frozen=True, slots=True)
class Parts:
    """What a mail says; html or plain is empty when there is none."""

    subject: str
    html: str
    plain: str


@dataclass(frozen=True, slots=True)
class CompiledParts:
    """A version that is ready to render. `plain` is None when the text is made from the HTML of each mail; `is_derived` when it is
    made from the template's."""

    subject: Template
    html: Template
    plain: Template | None
    is_derived: bool = False

    def render(self, data: object) -> Parts:
        """The parts for one mail's data.

        Raises: TemplateDataError that begins with the part's name.
        """
        html = _rendered("html_content", self.html, data)
        plain = plain_text(html) if self.plain is None else _rendered("plain_content", self.plain, data)
        if self.is_derived:
            plain = tidy(plain)
        return Parts(_rendered("subject", self.subject, data), html, plain)


def compile_parts(parts: Parts, *, generates_plain: bool) -> CompiledParts:
    """The parts, compiled; `generates_plain` makes each mail's text from its HTML, where there is HTML.

    Raises: TemplateSyntaxError.
    """
    subject, html = compile_template(parts.subject), compile_template(parts.html)
    if not (generates_plain and parts.html):
        return CompiledParts(subject, html, compile_template(parts.plain))
    derived = _derived(parts.html)
    return CompiledParts(subject, html, derived, derived is not None)


def _derived(html: str) -> Template | None:
    """The text part's template, where the HTML's gives one."""
    source = text_template(html)
    try:
        return None if source is None else compile_template(source, plain_text)
    except TemplateSyntaxError:
        return None


def faults_of(parts: Parts, *, generates_plain: bool) -> list[Fault]:
    """What no data could make good: syntax errors and impossible calls, by field, each with line and column."""
    faults = []
    named = [("subject", parts.subject), ("html_content", parts.html)]
    if not (generates_plain and parts.html):
        named.append(("plain_content", parts.plain))
    for field, source in named:
        try:
            problems: tuple[TemplateSyntaxError, ...] = compile_template(source).problems
        except TemplateSyntaxError as error:
            problems = (error,)
        faults += [Fault(str(each), field) for each in problems]
    return faults


def _rendered(field: str, template: Template, data: object) -> str:
    try:
        return template.render(data)
    except TemplateError as error:
        raise TemplateDataError(f"{field}: {error.message}", error.line, error.column) from None
