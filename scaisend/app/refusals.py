"""How a refusal is told to whoever started the program."""

from scaisend.app.logs import redacted
from scaisend.faults import ScaiSendError, Unavailable


def lines_of(error: ScaiSendError) -> list[str]:
    """A line for each fault: the variable or field it is about, what is wrong, and the cure; of a dependency that is away, what it said."""
    lines = []
    said = said_by(error)
    for fault in error.faults:
        what = fault.message if not fault.field or fault.field in fault.message else f"{fault.field}: {fault.message}"
        cure = f" ({fault.help})" if fault.help and fault.help not in fault.message else ""
        lines.append(f"scaisend: {what}{cure}{said}")
    return lines


def said_by(error: BaseException) -> str:
    """`: ` and what the dependency that is away said, without passwords; "" where it said nothing that the refusal does not tell already.

    It is for operators: it names servers, databases and users.
    """
    cause = error.__cause__ if isinstance(error, Unavailable) else None
    if cause is None:
        return ""
    text = str(cause.args[1]) if len(cause.args) == 2 and isinstance(cause.args[0], int) else str(cause)
    text = " ".join(redacted(text or type(cause).__name__).split())
    return "" if text in str(error) else f": {text}"
