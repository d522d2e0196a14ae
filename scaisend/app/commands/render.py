"""render: dynamic templates on the command line, a JSON line in, a JSON line out."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from scaisend.content.handlebars.errors import TemplateError
from scaisend.content.handlebars.render import compile_template


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "render", help="render dynamic templates from standard input",
        description='Reads lines of JSON, {"template": …, "data": …}, and prints a line for each: {"output": …}, or {"error", "line", "column"} when '
        "the template or its data are refused. Needs no database.",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0, whatever the lines said."""
    for answer in answers(sys.stdin.buffer):
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()
    return 0


def answers(lines: Iterable[bytes]) -> Iterator[bytes]:
    """A line for each that is not blank."""
    for line in lines:
        if line.strip():
            yield orjson.dumps(_answer(line)) + b"\n"


def _answer(line: bytes) -> dict[str, object]:
    try:
        asked = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return {"error": f"the line is not JSON: {error}", "line": None, "column": None}
    if not isinstance(asked, dict) or not isinstance(asked.get("template"), str):
        return {"error": 'the line is not {"template": …, "data": …}', "line": None, "column": None}
    try:
        return {"output": compile_template(asked["template"]).render(asked.get("data"))}
    except TemplateError as error:
        return {"error": error.message, "line": error.line, "column": error.column}
