"""A message's template and what the message says → subject and parts.

Dynamic templates are rendered with `dynamic_template_data`; the template's subject and content stand for the request's. Legacy
templates are wrapped around the request's: `<%subject%>` and `<%body%>` are replaced by its subject and content.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from scaisend.content.handlebars.errors import TemplateError
from scaisend.content.plain_text import plain_text
from scaisend.content.template_parts import CompiledParts, Parts, compile_parts
from scaisend.content.templates_store import ActiveVersion
from scaisend.faults import ScaiSendError
from scaisend.sending.mail import Part
from scaisend.sending.suppressed import group_of

PLAIN, HTML = "text/plain", "text/html"
_SUBJECT_TAG = re.compile(r"<%\s{0,8}subject\s{0,8}%>", re.IGNORECASE)
_BODY_TAG = re.compile(r"<%\s{0,8}body\s{0,8}%>", re.IGNORECASE)
# The design editor's names for the ways out, and the tags that stand for them until each recipient's own is known.
_WAYS_OUT = {"unsubscribe": "<%asm_group_unsubscribe_raw_url%>", "unsubscribe_preferences": "<%asm_preferences_raw_url%>"}


class TemplateUnusable(ScaiSendError):
    """The template has nothing that could be sent for this message."""


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """An active version, compiled when it is a dynamic template's; `fault` is why it could not be."""

    version: ActiveVersion
    compiled: CompiledParts | None = None
    fault: str | None = None

    @property
    def size(self) -> int:
        """Characters of its sources."""
        return len(self.version.subject) + len(self.version.html_content) + len(self.version.plain_content)


@dataclass(frozen=True, slots=True)
class Said:
    """What a mail says; the subject is None when there is none."""

    subject: str | None
    parts: tuple[Part, ...]


def prepared(version: ActiveVersion) -> MailTemplate:
    """The version, ready for its mails."""
    if not version.template_id.startswith("d-"):
        return MailTemplate(version)
    parts = Parts(version.subject, version.html_content, version.plain_content)
    try:
        return MailTemplate(version, compile_parts(parts, generates_plain=version.generate_plain_content))
    except TemplateError as error:
        return MailTemplate(version, None, str(error))


def templated(template: MailTemplate, given: Said, shared: Mapping[str, object], own: Mapping[str, object]) -> Said:
    """What the mail says; `given` is what the request itself does, its own subject before the shared one.

    The version's subject wins, the request's stands in for an empty one.

    Raises: TemplateDataError when the data cannot be rendered; TemplateUnusable when the version is empty.
    """
    if template.compiled is not None:
        said = _dynamic(template.compiled, given, shared, own)
    elif template.fault is not None:
        raise TemplateUnusable(f"the template {template.version.template_id} cannot be read: {template.fault}", "template_id")
    else:
        said = _legacy(template.version, given)
    if not said.parts:
        raise TemplateUnusable(f"the template {template.version.template_id} has no content", "template_id")
    return said


def _dynamic(compiled: CompiledParts, given: Said, shared: Mapping[str, object], own: Mapping[str, object]) -> Said:
    data = own.get("dynamic_template_data")
    if not isinstance(data, dict):
        data = {}
    grouped = group_of(shared) is not None
    parts = compiled.render({**_WAYS_OUT, **data} if grouped else data)
    html, plain = parts.html, parts.plain
    if grouped:
        # Two braces escape the tags too.
        for tag in _WAYS_OUT.values():
            html, plain = html.replace(escape(tag), tag), plain.replace(escape(tag), tag)
    return Said(parts.subject.strip() or given.subject, _parts(plain, html))


def _legacy(version: ActiveVersion, given: Said) -> Said:
    """The version around the request's content; content of other types stays as it is."""
    plain = _first(given.parts, PLAIN)
    html = _first(given.parts, HTML)
    subject = _SUBJECT_TAG.sub(lambda _: given.subject or "", version.subject).strip() or given.subject
    inner = html if html is not None else escape(plain or "", quote=False).replace("\n", "<br>\n")
    whole = _BODY_TAG.sub(lambda _: inner, version.html_content)
    if version.generate_plain_content and version.html_content:
        text = plain_text(whole)
    else:
        text = _BODY_TAG.sub(lambda _: plain if plain is not None else plain_text(html or ""), version.plain_content)
    others = tuple([each for each in given.parts if each.media_type not in (PLAIN, HTML)])
    return Said(subject, (*_parts(text, whole), *others))


def _parts(plain: str, html: str) -> tuple[Part, ...]:
    return tuple([Part(kind, text) for kind, text in ((PLAIN, plain), (HTML, html)) if text])


def _first(parts: Sequence[Part], media_type: str) -> str | None:
    return next((each.text for each in parts if each.media_type == media_type), None)
