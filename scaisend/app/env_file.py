"""The file of settings, changed in place: every other line stays as it is, comments, order and quoting included."""

import io
import os
import re
import secrets
import sys
from collections.abc import Mapping

from dotenv.parser import parse_stream

from scaisend.app.config import load
from scaisend.app.installation import write_privately
from scaisend.faults import Invalid

_BEFORE = re.compile(r"\s*(export[^\S\r\n]+)?")  # empty lines, blanks and `export`
_AFTER = re.compile(r"(\r\n|\n|\r)?\Z")
_BARE = re.compile(r"[A-Za-z0-9_@%+:,./=-]*")


def read_env_file(path: str) -> str:
    """The file's text, "" when there is none. Raises: Invalid when it cannot be read."""
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read ({type(error).__name__}), so nothing can be written into it") from None


def change_env_file(path: str, values: Mapping[str, str]) -> None:
    """The file says so, mode 600; whoever reads it meanwhile sees it as it was, or as it is now. Raises: Invalid."""
    write_privately(path, with_variables(read_env_file(path), values))


def check_env_file(path: str) -> None:
    """The file can be changed. Raises: Invalid when it cannot."""
    text = read_env_file(path)
    if os.path.exists(path):
        write_privately(path, text)
    elif not os.access(os.path.dirname(os.path.abspath(path)), os.W_OK | os.X_OK):
        raise Invalid(f"{path} cannot be written (its directory may not be written by this user)")


def with_variables(text: str, values: Mapping[str, str]) -> str:
    """The text with `variable=value` in place of the last assignment of each variable, or at the end; all else as it was.

    Raises: Invalid when a value holds a control character.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    pieces = [[binding.key, binding.original.string] for binding in parse_stream(io.StringIO(text.removeprefix(mark), newline=""))]
    newline = "\r\n" if "\r\n" in text else "\n"
    for variable, value in values.items():
        line = f"{variable}={quoted(value)}"
        places = [place for place, (key, _) in enumerate(pieces) if key == variable]
        if places:
            before = pieces[places[-1]][1] or ""
            pieces[places[-1]][1] = _BEFORE.match(before)[0] + line + _AFTER.search(before)[0]  # type: ignore[index]  # both match anything
            continue
        if pieces and not (pieces[-1][1] or "").endswith("\n"):
            pieces[-1][1] = f"{pieces[-1][1]}{newline}"
        pieces.append([variable, line + newline])
    return mark + "".join(piece or "" for _, piece in pieces)


def quoted(value: str) -> str:
    """The value as our reader, a shell and systemd's EnvironmentFile all read it; bare where that is safe.

    Raises: Invalid when it cannot be written on a line.
    """
    if not value.isprintable() or ("'" in value and re.search(r'["\\$`]', value)) or "\\" in value:
        raise Invalid("a value cannot be written into the env file: it holds a control character, a backslash, or quotes of both kinds")
    if _BARE.fullmatch(value):
        return value
    return f'"{value}"' if "'" in value else f"'{value}'"


def ensure_secret_key(env_file: str) -> None:
    """SECRET_KEY is set, if need be by writing a new one into the env file; on SQLite it is made in DATA_DIR instead.

    Raises: Invalid when another setting cannot be used, or the file not be written.
    """
    try:
        load(os.environ, env_file, may_lack_file=True)
        return
    except Invalid as error:
        if [fault.field for fault in error.faults] != ["SECRET_KEY"] or "must be set" not in error.faults[0].message:
            raise
    change_env_file(env_file, {"SECRET_KEY": secrets.token_hex(32)})
    print(f"a SECRET_KEY was written into {env_file}: keep it safe, stored secrets are lost without it", file=sys.stderr)
