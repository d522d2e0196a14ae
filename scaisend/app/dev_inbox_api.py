"""The doors of the dev inbox: JSON for programs, pages for people. They ask for no credential, so they exist in `scaisend dev` alone.

    GET    /dev/inbox                     the newest mails as a page
    GET    /dev/inbox/view/<id>           one mail as a page
    GET    /dev/inbox/messages            JSON list, newest first; ?to=, ?limit=; X-Total-Count counts all kept
    DELETE /dev/inbox/messages            clears
    GET    /dev/inbox/messages/<id>       the raw mail
    DELETE /dev/inbox/messages/<id>       deletes one
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice

from jinja2 import Environment, PackageLoader

from scaisend.app.dev_inbox import KEPT_MAILS, DevInbox
from scaisend.app.dev_inbox_mail import PublicRecord, check_signatures, read_mail
from scaisend.app.mail_files import Entry
from scaisend.faults import Invalid
from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get

LISTED = 1000
SHOWN = 200
PAGE = "text/html; charset=utf-8"
NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
# A mail's own HTML is shown in a frame without scripts and without our origin, and inherits this policy.
POLICY = (
    "Content-Security-Policy",
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:; font-src data: http: https:; frame-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
)


class DevInboxApi:
    """Routes over a `DevInbox`; `public_record(selector, domain)` answers the DKIM record that our own keys stand for."""

    def __init__(self, *, inbox: DevInbox, public_record: PublicRecord) -> None:
        self._inbox = inbox
        self._public_record = public_record
        pages = Environment(loader=PackageLoader("scaisend.app", "pages"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
        pages.filters["moment"] = iso_moment
        self._list_page = pages.get_template("dev_inbox.html")
        self._mail_page = pages.get_template("dev_inbox_mail.html")

    def routes(self) -> list[Route]:
        return [
            get("/dev/inbox", self.page, public=True, limit=None, summary="The dev inbox"),
            get("/dev/inbox/view/<mail_id>", self.view, public=True, limit=None, summary="A mail of the dev inbox as a page"),
            get("/dev/inbox/messages", self.messages, public=True, limit=None, summary="Mails of the dev inbox"),
            delete("/dev/inbox/messages", self.clear, public=True, limit=None, summary="Clear the dev inbox"),
            get("/dev/inbox/messages/<mail_id>", self.raw, public=True, limit=None, summary="A mail of the dev inbox, raw"),
            delete("/dev/inbox/messages/<mail_id>", self.delete, public=True, limit=None, summary="Delete a mail of the dev inbox"),
        ]

    async def messages(self, call: Call) -> Reply:
        entries = islice(self._found(call), _limit(call, LISTED))
        return json_reply([_listed(entry) for entry in entries], headers=[("X-Total-Count", str(len(self._inbox)))])

    async def raw(self, call: Call) -> Reply:
        return Reply(200, self._inbox.content(call.path["mail_id"]), "message/rfc822", (NO_SNIFFING,))

    async def clear(self, call: Call) -> Reply:
        await self._inbox.clear()
        return no_content()

    async def delete(self, call: Call) -> Reply:
        await self._inbox.delete(call.path["mail_id"])
        return no_content()

    async def page(self, call: Call) -> Reply:
        entries = list(islice(self._found(call), _limit(call, SHOWN)))
        html = self._list_page.render(entries=entries, total=len(self._inbox), to=call.one("to") or "")
        return Reply(200, html.encode(), PAGE, (POLICY_WITH_FORM, NO_SNIFFING))

    async def view(self, call: Call) -> Reply:
        entry = self._inbox.entry(call.path["mail_id"])
        content = self._inbox.content(entry.id)
        signatures = await check_signatures(content, self._public_record)
        html = self._mail_page.render(entry=entry, mail=read_mail(content), signatures=signatures)
        return Reply(200, html.encode("utf-8", "replace"), PAGE, (POLICY, NO_SNIFFING))

    def _found(self, call: Call) -> Iterable[Entry]:
        to = (call.one("to") or "").lower()
        entries = self._inbox.newest_first()
        return (entry for entry in entries if to in [each.lower() for each in entry.rcpt_to]) if to else entries


POLICY_WITH_FORM = (POLICY[0], POLICY[1].replace("form-action 'none'", "form-action 'self'"))


def _limit(call: Call, otherwise: int) -> int:
    text = call.one("limit")
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and int(text[:7]) <= KEPT_MAILS):
        raise Invalid("must be a number", "limit", f"give a number from 0 to {KEPT_MAILS}")
    return int(text)


def _listed(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id, "from": entry.from_address, "to": ", ".join(entry.rcpt_to), "subject": entry.subject,
        "received_at": iso_moment(entry.received_at), "size": entry.size_bytes, "mail_from": entry.mail_from, "rcpt_to": entry.rcpt_to,
    }


def iso_moment(at: float) -> str:
    """Epoch seconds as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
