#!/usr/bin/env python3
"""Writes what is made from the command line's parser: man page, completion of shells, docs/cli.md. With --check names what is out of date."""

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

os.environ["COLUMNS"] = "110"  # argparse breaks lines by it

import shtab
from argparse_manpage.manpage import Manpage

from scaisend import __version__
from scaisend.app.cli import build_parser

ROOT = Path(__file__).resolve().parents[1]
FIRST_PAGE = "Self-hosted transactional e-mail with SendGrid's v3 API."


def man_page() -> str:
    """scaisend(1), every command and verb in one page."""
    page = Manpage(
        build_parser(),
        {"project_name": "scaisend", "version": __version__, "manual_title": "ScaiSend", "date": "-", "description": FIRST_PAGE.rstrip(".")},
        format="single-commands-section",
    )
    text = str(page).replace('"\\-"', '""', 1)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).rstrip("\n") + "\n"


def completion(shell: str) -> str:
    """The shell's completion of commands, verbs and options."""
    return re.sub(r"[ \t]+$", "", shtab.complete(build_parser(), shell), flags=re.MULTILINE).rstrip("\n") + "\n"


def reference() -> str:
    """docs/cli.md: the help of every command and verb."""
    lines = [
        "# Command line", "", "What `scaisend COMMAND --help` prints. Exit codes: 0 done, 1 the thing asked for is not so, 2 wrong use, 3 a dependency is away.",
        "The package brings this as a man page and completes commands in bash and zsh; from a checkout: `source etc/completion/scaisend.bash`.", "",
    ]
    for name, parser in _parsers(build_parser()):
        lines += [f"{'##' if name.count(' ') < 2 else '###'} {name}", "", "```text", parser.format_help().rstrip(), "```", ""]
    return "\n".join(lines)


def _parsers(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield each.prog, each
                yield from _parsers(each)


def files() -> Mapping[str, str]:
    """Path → content."""
    return {
        "etc/man/scaisend.1": man_page(), "etc/completion/scaisend.bash": completion("bash"), "etc/completion/_scaisend": completion("zsh"),
        "docs/cli.md": reference(),
    }


def main(arguments: list[str]) -> int:
    """Writes what is out of date; with --check only names it."""
    stale = {name: text for name, text in files().items() if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != text}
    for name, text in stale.items():
        if arguments == ["--check"]:
            print(f"{name} is out of date: run `make docs`")
        else:
            (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / name).write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if stale and arguments == ["--check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
