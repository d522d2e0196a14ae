"""The file of settings, read: its variables, every line that is none, and names that are nearly ours."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from dotenv.parser import Binding, parse_stream

from scaisend.faults import Fault, Invalid

DEFAULT_FILE = "./.env"
_LIKENESS = 0.75  # SMTP_TIMEOUT is SMTP_CONNECT_TIMEOUT, SMTP_PASSWORD is none of ours


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The variables of a file as they stand there, and what to warn of."""

    values: dict[str, str]
    warnings: tuple[str, ...] = ()


def read_settings_file(path: str | None, known: Iterable[str], *, may_lack: bool = False) -> SettingsFile:
    """What the file says; nothing when there is none to read. The default file may be absent; with `may_lack` any may.

    Raises: Invalid for a file that is absent or cannot be read, and with a fault for each line that is no assignment; values are not repeated.
    """
    if path is None:
        return SettingsFile({})
    try:
        with open(path, encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except FileNotFoundError:
        if path == DEFAULT_FILE:
            return SettingsFile({})
        if may_lack:
            return SettingsFile({}, (f"{path} does not exist; the process environment alone is used",))
        raise Invalid([Fault(f"--env-file: {path} does not exist", None, "name the file of this installation's settings")]) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise Invalid([Fault(f"--env-file: {path} cannot be read ({reason})", None, "name a file that this user can read")]) from None
    if faults := [_fault(path, binding) for binding in bindings if _is_broken(binding)]:
        raise Invalid(faults)
    values = {binding.key: binding.value or "" for binding in bindings if binding.key is not None}
    return SettingsFile(values, tuple(_misspelt(path, values, tuple(known))))


def _is_broken(binding: Binding) -> bool:
    """systemd's EnvironmentFile has comments with `;` too, and a shell's file may export a variable without a value."""
    line = binding.original.string.lstrip()
    if line.startswith(";"):
        return False
    return binding.error or (binding.key is not None and binding.value is None and not line.startswith("export"))


def _fault(path: str, binding: Binding) -> Fault:
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    line = binding.original.line + blank.count("\n")
    return Fault(f"{path}, line {line}: is no NAME=value", None, "close its quotes, or begin a comment with #")


def _misspelt(path: str, values: Iterable[str], known: tuple[str, ...]) -> list[str]:
    """A warning for each name that is none of ours and begins like them; a file may hold what other programs read."""
    families = {name.partition("_")[0] for name in known}
    warnings = []
    for name in values:
        if name not in known and name.partition("_")[0] in families and (near := get_close_matches(name, known, 1, _LIKENESS)):
            warnings.append(f"{path}: {name} is no setting; is {near[0]} meant?")
    return warnings
