"""What can be wrong with a template, and with one mail's data for it."""

from scaisend.faults import ScaiSendError


class TemplateError(ScaiSendError):
    """A template cannot be read or rendered; `line` and `column`, from 1, say where, as far as that is known."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(f"{message} (line {line}, column {column})" if line else message)
        self.message = message
        self.line = line
        self.column = column


class TemplateSyntaxError(TemplateError):
    """The text is no template: it fails whatever the data are."""


class TemplateDataError(TemplateError):
    """These data cannot be rendered, or what they ask for is out of bounds."""


def place(source: str, at: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset."""
    return source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at)
