"""send: one mail from the shell, through the same validation and the same transaction as POST /v3/mail/send."""

import argparse
import mimetypes
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson
from twisted.internet.task import deferLater

from scaisend.app.adapters import Adapters
from scaisend.app.assembly import Assembly
from scaisend.app.commands.session import add_options, print_json, the_tenant, with_adapters
from scaisend.caller import Caller
from scaisend.faults import Invalid, Unauthenticated
from scaisend.http.call import Call
from scaisend.identity.instance_store import identity_epoch
from scaisend.identity.people_store import ACTIVE, Tenant
from scaisend.messages.read_store import Seen, seen
from scaisend.messages.shown import message_shape
from scaisend.messages.status import ENDED

ACTOR = "cli"
ARGUMENTS = {
    "from*": "--from", "personalizations.*.to.*": "--to", "personalizations.*.cc.*": "--cc", "subject": "--subject", "text": "--text", "content.*": "--text, --html",
    "attachments*": "--attach", "tenant": "--tenant",
}
TRIES = 5
POLL_S = 0.5


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "send", help="send one mail from the shell",
        description="Accepts one mail as the tenant; the running daemon delivers it. Exit code 1 when --wait saw it not delivered.",
    )
    parser.add_argument("--from", dest="sender", required=True, metavar="ADDRESS", help="sender, of a verified domain")
    parser.add_argument("--to", action="append", required=True, metavar="ADDRESS", help="recipient; may be given several times")
    parser.add_argument("--cc", action="append", default=[], metavar="ADDRESS", help="recipient of a copy; may be given several times")
    parser.add_argument("--subject", required=True, help="subject")
    parser.add_argument("--text", metavar="TEXT", help="the text; `-` reads it from standard input")
    parser.add_argument("--html", metavar="HTML", help="the HTML")
    parser.add_argument("--attach", action="append", default=[], metavar="FILE", help="file to attach; may be given several times")
    parser.add_argument("--wait", action="store_true", help="wait for the outcome")
    parser.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS", help="how long to wait (default 120)")
    add_options(parser, tenant=True)
    parser.set_defaults(run=run, arguments=ARGUMENTS)


def run(options: argparse.Namespace) -> int:
    """0 when the mail was accepted, and, with --wait, delivered to all."""
    body = orjson.dumps(request_of(options))

    async def work(adapters: Adapters) -> tuple[str, Seen | None]:
        tenant = await the_tenant(adapters, options)
        message_id = await submit(adapters, tenant, body)
        return message_id, await _outcome(adapters, tenant, message_id, options.timeout) if options.wait else None

    message_id, outcome = with_adapters(options, work)
    shown = {"message_id": message_id} | ({} if outcome is None else {"message": message_shape(outcome)})
    if options.json:
        print_json(shown)
    else:
        print(f"message_id: {message_id}")
        for each in outcome.recipients if outcome else ():
            print(f"{each.email}: {each.status}" + (f" ({each.reason})" if each.reason else ""))
    return 0 if outcome is None or outcome.states <= {"delivered", "sandbox"} else 1


def request_of(options: argparse.Namespace) -> dict[str, object]:
    """The body of a POST /v3/mail/send. Raises: Invalid when a file cannot be read, or there is no text."""
    text = sys.stdin.read() if options.text == "-" else options.text
    content = [{"type": kind, "value": value} for kind, value in (("text/plain", text), ("text/html", options.html)) if value]
    if not content:
        raise Invalid("the mail has no text", "text", "give it, or --html")
    person: dict[str, object] = {"to": [{"email": each} for each in options.to]}
    if options.cc:
        person["cc"] = [{"email": each} for each in options.cc]
    request: dict[str, object] = {"personalizations": [person], "from": {"email": options.sender}, "subject": options.subject, "content": content}
    if options.attach:
        request["attachments"] = [_attachment(Path(name)) for name in options.attach]
    return request


async def submit(adapters: Adapters, tenant: Tenant, body: bytes) -> str:
    """The id of the accepted message. Raises: what POST /v3/mail/send refuses."""
    if tenant.status != ACTIVE:
        raise Invalid(f"the tenant {tenant.id} is {tenant.status}", "tenant")
    assembly = Assembly(adapters)
    sending = assembly.sending()
    for tried in range(1, TRIES + 1):
        # Without a key the caller stands only as long as nothing changes in identity between this look and the commit.
        caller = Caller(
            tenant_id=tenant.id, partner_id=tenant.partner_id, credential_id=ACTOR, permissions=frozenset(("mail.send",)),
            epoch=await adapters.database.run(identity_epoch),
        )
        try:
            reply = await sending.send(Call(caller=caller, body=body, now_s=time.time()))
        except Unauthenticated:
            if tried == TRIES:
                raise
            continue
        break
    await assembly.renders.flush()
    return str(orjson.loads(reply.body)["message_id"])


async def _outcome(adapters: Adapters, tenant: Tenant, message_id: str, timeout_s: float) -> Seen | None:
    """The message once all its recipients ended, or as it is when the time is over."""
    until = time.monotonic() + timeout_s
    while True:
        found = await adapters.database.run(seen, tenant.id, message_id)
        if found is None or found.states <= ENDED or time.monotonic() > until:
            return found
        await deferLater(adapters.reactor, POLL_S)


def _attachment(path: Path) -> dict[str, object]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}", "attach") from None
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return {"content": b64encode(content).decode(), "filename": path.name, "type": kind, "disposition": "attachment"}
