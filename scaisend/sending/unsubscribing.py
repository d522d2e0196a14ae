"""The ways out of a mail: List-Unsubscribe (RFC 2369 3.2, 8058), SendGrid's tags, and the lines at its end.

They are there if and only if the request names an unsubscribe group (`asm.group_id`) or has subscription tracking on. With a group the
way out is out of that group; with both, the group's. What is each recipient's own stands as a placeholder (tracking/personal.py).

    <%asm_group_unsubscribe_raw_url%>    URL      <%asm_group_unsubscribe_url%>    link "Unsubscribe From This List"
    <%asm_global_unsubscribe_raw_url%>   URL      <%asm_global_unsubscribe_url%>   link "Unsubscribe From All Emails"
    <%asm_preferences_raw_url%>          URL      <%asm_preferences_url%>          link "Manage Email Preferences"
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import cast

from scaisend.sending.mail import Mail, Part
from scaisend.sending.suppressed import group_of
from scaisend.tracking.personal import ALL_MAIL, GROUP, PREFERENCES, placeholder
from scaisend.tracking.pixel import body_end

ONE_CLICK = "List-Unsubscribe=One-Click"
# The name within a tag → purpose and title.
TAGS: Mapping[str, tuple[str, str]] = {
    "asm_group_unsubscribe": (GROUP, "Unsubscribe From This List"),
    "asm_global_unsubscribe": (ALL_MAIL, "Unsubscribe From All Emails"),
    "asm_preferences": (PREFERENCES, "Manage Email Preferences"),
}
_TAG = re.compile(r"<%\s{0,8}(asm_group_unsubscribe|asm_global_unsubscribe|asm_preferences)(_raw)?_url\s{0,8}%>")
_WORDS = re.compile(r"<%(.{0,500}?)%>", re.DOTALL)
DEFAULT_TEXT = "If you would like to unsubscribe and stop receiving these emails click here: <% %>."
DEFAULT_HTML = "<p>If you would like to unsubscribe and stop receiving these emails <% click here %>.</p>"


@dataclass(frozen=True, slots=True)
class WaysOut:
    """Where the ways out lead: `base_url` without a slash at its end, and the host of `unsubscribe+<token>@`."""

    base_url: str
    mail_host: str

    def url(self, purpose: str) -> str:
        return f"{self.base_url}/t/u/{placeholder(purpose)}"

    def header(self, purpose: str) -> str:
        return f"<{self.url(purpose)}>, <mailto:unsubscribe+{placeholder(purpose)}@{self.mail_host}>"


def with_ways_out(mail: Mail, shared: Mapping[str, object], ways: WaysOut) -> Mail:
    """The mail with what the request asks for; itself when it asks for nothing."""
    grouped = group_of(shared) is not None
    subscription = _subscription(shared)
    if not grouped and subscription is None:
        return mail
    headers = mail.headers
    if not any(name.lower() == "list-unsubscribe" for name in headers):
        kept = {name: value for name, value in headers.items() if name.lower() != "list-unsubscribe-post"}
        headers = {**kept, "List-Unsubscribe": ways.header(GROUP if grouped else ALL_MAIL), "List-Unsubscribe-Post": ONE_CLICK}
    parts = _with_group_tags(mail.parts, ways) if subscription is None or grouped else _with_subscription(mail.parts, subscription, ways)
    text = "\n".join([*headers.values(), *(part.text for part in parts)])
    places = {placeholder(each): each for each in (ALL_MAIL, GROUP, PREFERENCES) if placeholder(each) in text}
    return replace(mail, headers=headers, parts=parts, places={**mail.places, **places})


def _subscription(shared: Mapping[str, object]) -> Mapping[str, object] | None:
    """The setting of subscription tracking when it is on."""
    settings = shared.get("tracking_settings")
    setting = settings.get("subscription_tracking") if isinstance(settings, dict) else None
    return setting if isinstance(setting, dict) and setting.get("enable") is True else None


def _with_group_tags(parts: tuple[Part, ...], ways: WaysOut) -> tuple[Part, ...]:
    """The tags replaced; where no part holds one, each gets its lines at the end."""
    if not any(_TAG.search(part.text) for part in parts):
        return tuple([_ended(part, *_group_lines(ways)) for part in parts])
    return tuple([_mapped(part, lambda text, is_html: _replaced(text, is_html, ways)) for part in parts])


def _replaced(text: str, is_html: bool, ways: WaysOut) -> str:
    def written(match: re.Match[str]) -> str:
        purpose, title = TAGS[match[1]]
        if match[2]:
            return ways.url(purpose)
        return _anchor(ways.url(purpose), title) if is_html else f"{title}: {ways.url(purpose)}"

    return _TAG.sub(written, text)


def _group_lines(ways: WaysOut) -> tuple[str, str]:
    """The last lines of a mail of a group, as text and as HTML."""
    links = [(TAGS[name][1], ways.url(TAGS[name][0])) for name in ("asm_group_unsubscribe", "asm_preferences")]
    return "\n".join(f"{title}: {url}" for title, url in links), f"<p>{' | '.join(_anchor(url, title) for title, url in links)}</p>"


def _with_subscription(parts: tuple[Part, ...], setting: Mapping[str, object], ways: WaysOut) -> tuple[Part, ...]:
    """The substitution tag replaced by the bare URL; without one, the setting's lines at the end."""
    url = ways.url(ALL_MAIL)
    tag = setting.get("substitution_tag")
    if isinstance(tag, str) and tag:
        return tuple([_mapped(part, lambda text, is_html: text.replace(tag, url)) for part in parts])
    text, html = setting.get("text") or DEFAULT_TEXT, setting.get("html") or DEFAULT_HTML
    return tuple([
        _ended(part, _WORDS.sub(url, cast(str, text)), _WORDS.sub(lambda match: _anchor(url, match[1].strip() or url), cast(str, html)))
        for part in parts
    ])


def _ended(part: Part, text: str, html: str) -> Part:
    """The part with the lines at its end; in HTML before the end of the body."""
    if part.media_type == "text/plain":
        return Part(part.media_type, f"{part.text}{'' if part.text.endswith(chr(10)) else chr(10)}\n{text}\n")
    if part.media_type != "text/html":
        return part
    at = body_end(part.text)
    return Part(part.media_type, part.text[:at] + html + part.text[at:])


def _mapped(part: Part, change: Callable[[str, bool], str]) -> Part:
    if part.media_type not in ("text/plain", "text/html"):
        return part
    return Part(part.media_type, change(part.text, part.media_type == "text/html"))


def _anchor(url: str, title: str) -> str:
    """A link. The title is the sender's own HTML where it wrote one, and ours else."""
    return f'<a href="{escape(url)}">{title}</a>'
