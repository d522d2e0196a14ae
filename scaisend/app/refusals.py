"""How a refusal is told to whoever started the program."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from scaisend.app.logs import redacted
from scaisend.faults import Conflict, ScaiSendError, Unavailable


def lines_of(error: ScaiSendError, arguments: Mapping[str, str] | None = None) -> list[str]:
    """A line for each fault: the variable or field it is about, what is wrong, and the cure; of a dependency that is away, what it said.

    `arguments` says what fields (patterns such as `to.*`) are called where they were given, on a command line; the first that fits counts.
    """
    lines = []
    said = said_by(error)
    for fault in error.faults:
        field = next((name for pattern, name in (arguments or {}).items() if fnmatchcase(fault.field or "", pattern)), fault.field)
        what = fault.message if not field or field in fault.message else f"{field}: {fault.message}"
        cure = f" ({fault.help})" if fault.help and fault.help not in fault.message else ""
        lines.append(f"scaisend: {what}{cure}{said}")
    if isinstance(error, Conflict) and error.ids:
        lines.append(f"scaisend: the ids are {' '.join(error.ids)}")
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
