"""The X-SMTPAPI header → fields of a send request.

    to                       one private copy each, instead of the envelope's recipients
    sub, section             substitutions, one value a recipient; sections
    category, unique_args    categories; custom_args (substituted, as in SendGrid's SMTP API)
    filters                  mail_settings, tracking_settings, template_id
    asm_group_id, asm_groups_to_display, send_at, send_each_at, batch_id, ip_pool

Keys and filters that are not known are passed over, as are the retired ones (bcc, spamcheck) and dkim: a mail is always signed for
its sender's domain. What the values may be is checked where send requests are read, so here only their form is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from scaisend.faults import Fault, Invalid
from scaisend.submission.words import mailboxes, words

INVALID = "Invalid SMTPAPI header"

_FLAGS: Mapping[object, bool] = {0: False, 1: True, "0": False, "1": True, "true": True, "false": False}
_BYPASSES = tuple(f"bypass_{each}_management" for each in ("list", "spam", "bounce", "unsubscribe"))
# filter → (settings of the request, setting, field of the filter → field of the setting)
_FILTERS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "clicktrack": ("tracking_settings", "click_tracking", {"enable_text": "enable_text"}),
    "opentrack": ("tracking_settings", "open_tracking", {"replace": "substitution_tag"}),
    "subscriptiontrack": (
        "tracking_settings", "subscription_tracking", {"text/html": "html", "text/plain": "text", "replace": "substitution_tag"},
    ),
    "ganalytics": ("tracking_settings", "ganalytics", {f"utm_{each}": f"utm_{each}" for each in ("source", "medium", "term", "content", "campaign")}),
    "footer": ("mail_settings", "footer", {"text/html": "html", "text/plain": "text"}),
    **{each: ("mail_settings", each, {}) for each in _BYPASSES},
}
_FLAG_FIELDS = ("enable", "enable_text")


@dataclass(frozen=True, slots=True)
class SmtpApi:
    """What the header asks for. `to` is None where it names nobody; `substitutions` has for each tag its values in the order of `to`.

    `fields` are fields of a send request; `wrapper` is HTML that the mail's own goes into at `<% body %>`.
    """

    to: list[dict[str, str]] | None = None
    substitutions: Mapping[str, list[str]] = field(default_factory=dict)
    unique_args: Mapping[str, str] = field(default_factory=dict)
    send_each_at: list[object] | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    wrapper: str = ""


def read_smtpapi(value: str | None) -> SmtpApi:
    """What the header's value asks for. Raises: Invalid with all that is wrong about its form."""
    if value is None or not value.strip():
        return SmtpApi()
    try:
        given = orjson.loads(words(value))
    except orjson.JSONDecodeError:
        raise Invalid(f"{INVALID}: it is not JSON", "x-smtpapi") from None
    if type(given) is not dict:
        raise Invalid(f"{INVALID}: it is not an object", "x-smtpapi")
    reading = _Reading(given)
    read = SmtpApi(
        to=reading.recipients(), substitutions=reading.substitutions(), unique_args=reading.texts("unique_args"),
        send_each_at=reading.moments(), fields=reading.fields(), wrapper=reading.wrapper(),
    )
    if reading.faults:
        raise Invalid(reading.faults)
    return read


class _Reading:
    """Reads the decoded header; what is of a wrong form is a fault."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self.faults: list[Fault] = []
        self._given = given

    def recipients(self) -> list[dict[str, str]] | None:
        given = self._texts_in("to")
        return [mailbox for each in given for mailbox in mailboxes(each)] if given else None

    def substitutions(self) -> dict[str, list[str]]:
        table = self._object(self._given, "sub")
        read = {}
        for tag, values in table.items():
            texts = [_text(each) for each in values] if isinstance(values, list) else [None]
            if None in texts:
                self._fault("the values must be an array of strings", f"sub.{tag}"[:100])
            read[tag] = [each or "" for each in texts]
        return read

    def texts(self, name: str) -> dict[str, str]:
        """An object of strings; numbers and flags are taken as their text."""
        read = {}
        for key, value in self._object(self._given, name).items():
            text = _text(value)
            if text is None:
                self._fault("the value must be a string", f"{name}.{key}"[:100])
            read[key] = text or ""
        return read

    def moments(self) -> list[object] | None:
        given = self._given.get("send_each_at")
        if given is None:
            return None
        if not isinstance(given, list):
            self._fault("it must be an array", "send_each_at")
            return None
        if "send_at" in self._given:
            self._fault("send_at and send_each_at cannot both be given", "send_each_at")
        return given

    def fields(self) -> dict[str, object]:
        fields: dict[str, object] = {}
        if sections := self.texts("section"):
            fields["sections"] = sections
        if categories := self._texts_in("category"):
            fields["categories"] = categories
        for name, its in (("send_at", "send_at"), ("batch_id", "batch_id"), ("ip_pool", "ip_pool_name")):
            if self._given.get(name) is not None:
                fields[its] = self._given[name]
        if self._given.get("asm_group_id") is not None:
            asm: dict[str, object] = {"group_id": self._given["asm_group_id"]}
            if shown := self._given.get("asm_groups_to_display"):
                asm["groups_to_display"] = shown
            fields["asm"] = asm
        return fields | self._filters()

    def wrapper(self) -> str:
        settings = self._settings("template")
        html = settings.get("text/html")
        return html if isinstance(html, str) and _flag(settings.get("enable", 1)) is True else ""

    def _filters(self) -> dict[str, object]:
        fields: dict[str, object] = {}
        groups: dict[str, dict[str, object]] = {}
        for name, (group, setting, names) in _FILTERS.items():
            if name in self._object(self._given, "filters"):
                groups.setdefault(group, {})[setting] = self._setting(name, {"enable": "enable", **names})
        fields.update(groups)
        template = self._settings("templates")
        if _flag(template.get("enable", 1)) is True and template.get("template_id"):
            fields["template_id"] = template["template_id"]
        return fields

    def _setting(self, name: str, names: Mapping[str, str]) -> dict[str, object]:
        settings = self._settings(name)
        return {its: _flag(settings[each]) if each in _FLAG_FIELDS else settings[each] for each, its in names.items() if settings.get(each) is not None}

    def _settings(self, name: str) -> Mapping[str, object]:
        return self._object(self._object(self._object(self._given, "filters"), name), "settings")

    def _texts_in(self, name: str) -> list[str]:
        """One string, or an array of them."""
        given = self._given.get(name)
        if given is None:
            return []
        many = given if isinstance(given, list) else [given]
        texts = [each for each in many if isinstance(each, str)]
        if len(texts) < len(many):
            self._fault("it must be a string or an array of strings", name)
        return texts

    def _object(self, given: Mapping[str, object], name: str) -> Mapping[str, object]:
        value = given.get(name)
        if isinstance(value, dict):
            return value
        # Libraries of PHP write an empty object as an empty array.
        if value is not None and value != []:
            self._fault("it must be an object", name)
        return {}

    def _fault(self, message: str, name: str) -> None:
        fault = Fault(f"{INVALID}: {message}", f"x-smtpapi.{name}")
        if fault not in self.faults:
            self.faults.append(fault)


def _flag(value: object) -> object:
    """0 and 1 as flags; what is neither stays, for the reader of requests to complain of."""
    return _FLAGS.get(value, value) if isinstance(value, str | int) else value


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


