"""inbound: reads mails that came back, and shows those that could not be read."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import add_options, print_json, print_table, with_adapters
from scaisend.faults import Invalid
from scaisend.inbound.kept_api import shown_mail
from scaisend.inbound.mime import LONGEST_MAIL
from scaisend.inbound.read import read
from scaisend.inbound.reading import ARF, Reading
from scaisend.inbound.store import UNREAD, kept_across_tenants, kept_mail_across_tenants


def register(commands: Any) -> None:
    """Adds the commands."""
    parser = commands.add_parser("inbound", help="read mail that came back", description="Bounces, complaints and automatic replies.")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parsing = verbs.add_parser(
        "parse", help="say what mails say", description="Reads mails from files (- is standard input) and prints what each is and says of whom.",
    )
    parsing.add_argument("files", nargs="+", metavar="FILE", help="a mail as it arrived")
    parsing.add_argument("--json", action="store_true", help="print one JSON value a line, one line a file")
    parsing.set_defaults(run=parse)
    unread = verbs.add_parser("unparsed", help="list kept mails that could not be read", description="Mails to our return paths that say nothing we know.")
    add_options(unread)
    unread.add_argument("--show", metavar="ID", help="print this mail as it arrived")
    unread.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default 50)")
    unread.set_defaults(run=unparsed)


def parse(options: argparse.Namespace) -> int:
    """0 when every file could be opened, else 1; the others are read all the same."""
    code = 0
    for name in options.files:
        try:
            content = sys.stdin.buffer.read(LONGEST_MAIL) if name == "-" else _head_of(name)
        except OSError as error:
            print(f"{name}: {error.strerror or error}", file=sys.stderr)
            code = 1
            continue
        reading = read(content)
        if options.json:
            print(json.dumps(shown(name, reading), ensure_ascii=False))
        else:
            _print(name, reading)
    return code


def unparsed(options: argparse.Namespace) -> int:
    """0; 1 when --show names none."""

    async def work(adapters: Adapters) -> Any:
        if options.show is None:
            return await adapters.database.run(kept_across_tenants, kind=UNREAD, most=max(1, min(options.limit, 1000)))
        mail = await adapters.database.run(kept_mail_across_tenants, options.show)
        if mail is None:
            raise Invalid(f"there is no kept mail {options.show!r}", "--show")
        return mail.content if mail.content is not None else await adapters.objects.get(mail.object_key or "")

    found = with_adapters(options, work)
    if isinstance(found, bytes):
        sys.stdout.buffer.write(found)
        return 0
    rows = [shown_mail(mail) for mail in found]
    if options.json:
        print_json(rows)
    else:
        print_table(rows, ("id", "received_at", "mail_from", "rcpt_to", "size_bytes"))
    return 0


def shown(name: str, reading: Reading) -> dict[str, object]:
    """The JSON line of one file."""
    return {
        "file": name, "kind": reading.kind,
        "recipients": [
            {
                "recipient": _text(each.recipient), "action": None if reading.kind == ARF else each.action, "status": each.status, "diagnostic": _text(each.diagnostic),
                "bounce_type": each.bounce_type,
            }
            for each in reading.recipients
        ],
        "feedback_type": reading.feedback_type, "original_message_id": _text(reading.original_message_id), "rule": reading.rule,
    }


def _head_of(name: str) -> bytes:
    with Path(name).open("rb") as file:
        return file.read(LONGEST_MAIL)


def _text(value: str | None) -> str | None:
    """Without lone surrogates, which no encoding takes."""
    return None if value is None else value.encode("utf-8", "replace").decode()


def _print(name: str, reading: Reading) -> None:
    what = f" ({reading.feedback_type})" if reading.feedback_type else ""
    print(f"{name}: {reading.kind}{what}, by rule {reading.rule}")
    for each in reading.recipients:
        words = [each.action, each.status, each.bounce_type and f"{each.bounce_type} by {each.rule}", each.diagnostic]
        print(f"  {_text(each.recipient)}: {'; '.join(str(_text(word)) for word in words if word)}")
