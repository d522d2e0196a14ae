"""The console script: parses, picks a command, gives the exit code.

Exit codes: 0 done, 1 the thing asked for is not so, 2 wrong use, 3 a dependency is away.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from scaisend import __version__
from scaisend.app.commands import COMMANDS
from scaisend.app.refusals import lines_of
from scaisend.faults import ScaiSendError, Unavailable

DONE, NOT_SO, WRONG_USE, AWAY = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = build_parser(given[0] if given else None)
    options = parser.parse_args(given)
    if not hasattr(options, "run"):
        parser.print_help(sys.stderr)
        return WRONG_USE
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except Unavailable as error:
        return _say(error, AWAY, options)
    except ScaiSendError as error:
        return _say(error, NOT_SO, options)
    except BrokenPipeError:
        # The reader of our output has gone; what is still buffered would raise again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return NOT_SO


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser of one command, or of all when it is none."""
    parser = argparse.ArgumentParser(
        prog="scaisend", description="Self-hosted transactional e-mail with SendGrid's v3 API.",
        epilog="Settings come from the environment and ./.env: see docs/settings.md.",
    )
    parser.add_argument("--version", action="version", version=f"scaisend {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    files = [COMMANDS[command]] if command is not None and command in COMMANDS else list(dict.fromkeys(COMMANDS.values()))
    for file in files:
        import_module(f"scaisend.app.commands.{file}").register(commands)
    return parser


def _say(error: ScaiSendError, code: int, options: argparse.Namespace) -> int:
    """A command's `arguments` are what its options are called where the API has fields."""
    print("\n".join(lines_of(error, getattr(options, "arguments", None))), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
