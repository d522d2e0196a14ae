"""The unsubscribe page: what it shows, and what its form says."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader

from scaisend.tracking.optout import Choices
from scaisend.tracking.personal import GROUP, PREFERENCES

MOST_FIELDS = 1_000
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Form:
    """What was posted. `is_one_click` is RFC 8058 3.1; `groups` are wanted, `no_mail` says no mail at all."""

    action: str = ""
    is_one_click: bool = False
    groups: frozenset[int] = frozenset()
    no_mail: bool = False


class Pages:
    """The page in its states; every value in it is escaped."""

    def __init__(self) -> None:
        pages = Environment(loader=PackageLoader("scaisend.tracking", "pages"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self._page = pages.get_template("unsubscribe.html")

    def gone(self) -> str:
        """Nobody is known by this link."""
        return self._page.render(kind="gone", title="This link is not valid")

    def ask(self, purpose: str, found: Choices) -> str:
        """The question, or the choices, or that it is done already."""
        if purpose == PREFERENCES:
            return self.preferences(found, saved=False)
        if self._is_out(purpose, found):
            return self.done(purpose, found)
        group = found.own if purpose == GROUP else None
        return self._page.render(kind="ask", title="Unsubscribe?", address=masked(found.recipient.email), group=group and group.name)

    def done(self, purpose: str, found: Choices) -> str:
        """It is so."""
        group = found.own if purpose == GROUP and not found.left_all else None
        return self._page.render(kind="done", title="You are unsubscribed", address=masked(found.recipient.email), group=group and group.name)

    def preferences(self, found: Choices, *, saved: bool) -> str:
        """The groups, those checked that the recipient gets."""
        return self._page.render(
            kind="preferences", title="Your mail", address=masked(found.recipient.email), groups=found.groups, left=found.left,
            left_all=found.left_all, saved=saved,
        )

    def _is_out(self, purpose: str, found: Choices) -> bool:
        return found.left_all or (purpose == GROUP and found.own is not None and found.own.id in found.left)


def masked(email: str) -> str:
    """The address as its owner knows it again and nobody else learns it, for links are passed on: `a…@example.com`."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"


def read_form(content_type: str, body: bytes) -> Form:
    """What the body says; what is no form says nothing."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == MULTIPART:
        fields = _multipart_fields(content_type, body)
    elif kind == FORM:
        try:
            fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            return Form()
    else:
        return Form()
    groups = frozenset(int(each) for each in fields.get("group", []) if each.isascii() and each.isdigit() and len(each) <= 10)
    return Form(
        (fields.get("action") or [""])[0], "one-click" in [each.lower() for each in fields.get("List-Unsubscribe", [])], groups,
        bool(fields.get("none")),
    )


def _multipart_fields(content_type: str, body: bytes) -> Mapping[str, list[str]]:
    head = b"Content-Type: " + content_type.encode("ascii", "replace").replace(b"\r", b"").replace(b"\n", b"") + b"\r\n\r\n"
    whole = BytesParser(policy=HTTP).parsebytes(head + body)
    fields: dict[str, list[str]] = {}
    for part in whole.get_payload() if whole.is_multipart() else ():
        if isinstance(part, Message):
            name, value = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(value, bytes):
                fields.setdefault(name, []).append(value.decode("utf-8", "replace").strip())
    return fields
