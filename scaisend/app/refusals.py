"""How a refusal is told to whoever started the program."""

from scaisend.faults import ScaiSendError


def lines_of(error: ScaiSendError) -> list[str]:
    """A line for each fault: the variable or field it is about, what is wrong, and the cure."""
    lines = []
    for fault in error.faults:
        what = fault.message if not fault.field or fault.field in fault.message else f"{fault.field}: {fault.message}"
        cure = f" ({fault.help})" if fault.help and fault.help not in fault.message else ""
        lines.append(f"scaisend: {what}{cure}")
    return lines
