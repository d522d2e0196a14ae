"""classify: says what a reply of a mail host means, and which rule says so."""

import argparse
import re
import sys
from typing import Any

from scaisend.app.commands.session import print_json
from scaisend.delivery.reply import Verdict, classify, status_in
from scaisend.faults import Invalid

MOST_READ = 20_000
MEANINGS = {
    "delivered": "the host took responsibility for the mail",
    "deferred": "put off: the mail is tried again",
    "hard": "no such user or domain: the address enters the bounce list",
    "soft": "given up, but not held against the address",
    "block": "policy, reputation or content: the address enters the block list, which stops no mail",
}

_HEAD = re.compile(r"\s*(?:[\w-]+;\s*)?(?P<code>[245]\d\d)(?:[\s-]+#?(?P<enhanced>[245]\.\d{1,3}\.\d{1,3})(?=\s|$|[:;,)-]))?[\s-]*", re.ASCII).match
_STATUS_ALONE = re.compile(r"\s*(?P<enhanced>[245]\.\d{1,3}\.\d{1,3})(?=\s|$)[\s:-]*", re.ASCII).match


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "classify", help="explain a reply of a mail host",
        description='Says what a reply such as "550 5.1.1 User unknown" means for the mail and for the address, and by which rule. '
        "Several lines of one reply are read as one. Without a text, standard input is read.",
    )
    parser.add_argument("reply", nargs="*", help="the reply, with its code")
    parser.add_argument("--json", action="store_true", help="print JSON alone on standard output")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0. Raises: Invalid when there is no reply in the text."""
    code, enhanced, text = read_reply(" ".join(options.reply) or sys.stdin.read(MOST_READ))
    verdict = classify(code, enhanced, text)
    if options.json:
        print_json(explanation(code, enhanced, text, verdict))
    else:
        for name, value in explanation(code, enhanced, text, verdict).items():
            if value is not None:
                print(f"{name + ':':<19} {value}")
    return 0


def read_reply(text: str) -> tuple[int | None, str | None, str]:
    """Code, enhanced code and text of a pasted reply; a status code alone (from a report) will do. Raises: Invalid."""
    if (found := _HEAD(text)) is not None:
        return int(found["code"]), found["enhanced"] or status_in(text, int(found["code"])), text[found.end() :].strip()
    if (found := _STATUS_ALONE(text)) is not None:
        return None, found["enhanced"], text[found.end() :].strip()
    raise Invalid('there is no reply in this: it begins with a code, such as "550 5.1.1 User unknown"', "reply")


def explanation(code: int | None, enhanced: str | None, text: str, verdict: Verdict) -> dict[str, object]:
    """The verdict with what led to it, in the order in which it is shown."""
    wait = None if verdict.retry_hint_s is None else int(verdict.retry_hint_s)
    return {
        "kind": verdict.kind, "meaning": MEANINGS[verdict.kind], "rule": verdict.rule, "code": code, "enhanced": enhanced, "text": text,
        "retry_hint_s": wait, "slows_destination": verdict.slows_destination, "suppression": {"hard": "bounces", "block": "blocks"}.get(verdict.kind),
    }
