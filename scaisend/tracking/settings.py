"""The tables of what a tenant may set for all its mail: SendGrid's mail_settings and tracking_settings.

Each setting holds `enabled` and some fields; what was never set has the default. Sending lays the settings under those that a
request brings of its own (sending/defaults.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scaisend.address import a_labels, is_valid
from scaisend.faults import Fault, Invalid
from scaisend.shape import Reader, finish

FLAG, TEXT, ADDRESS, DAYS, SCORE, URL, LISTED, MODE = "flag", "text", "address", "days", "score", "url", "listed", "mode"
EMBED_MODES = ("proxy", "cid")
LONGEST_DAYS = 3_650
MOST_LISTED = 1_000
LONGEST_TEXT = 100_000

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name in the path, what the list of settings says of it, its fields with their kinds and defaults."""

    name: str
    title: str
    description: str
    fields: Mapping[str, str]
    defaults: Values


def _setting(name: str, title: str, description: str, fields: Mapping[str, str], **defaults: object) -> Setting:
    empty: dict[str, object] = {FLAG: False, TEXT: "", ADDRESS: "", URL: "", DAYS: None, SCORE: 5, LISTED: ()}
    kinds = {"enabled": FLAG, **fields}
    return Setting(name, title, description, kinds, {**{field: empty[kind] for field, kind in kinds.items()}, **defaults})


MAIL_SETTINGS: tuple[Setting, ...] = (
    _setting("address_whitelist", "Address Whitelist", "Addresses and domains that are mailed whatever suppression list they are on; who left a group has left it.", {"list": LISTED}),
    _setting("bcc", "BCC", "Retired: kept and shown, without effect.", {"email": ADDRESS}),
    _setting("bounce_purge", "Bounce Purge", "After how many days bounces leave their list.", {"soft_bounces": DAYS, "hard_bounces": DAYS}),
    _setting("footer", "Footer", "Text that is added to the end of each mail.", {"html_content": TEXT, "plain_content": TEXT}),
    _setting("forward_bounce", "Forward Bounce", "Each bounce is mailed to this address, from postmaster@ the default domain, which must be verified.", {"email": ADDRESS}),
    _setting("forward_spam", "Forward Spam", "Each spam report is mailed to this address, from postmaster@ the default domain, which must be verified.", {"email": ADDRESS}),
    _setting("plain_content", "Plain Content", "Retired: kept and shown, without effect.", {}),
    _setting("spam_check", "Spam Checker", "Retired: kept and shown, without effect.", {"max_score": SCORE, "url": URL}),
    _setting("template", "Legacy Email Template", "Kept and shown; dynamic templates stand in its place.", {"html_content": TEXT}),
)
TRACKING_SETTINGS: tuple[Setting, ...] = (
    _setting("click", "Click Tracking", "Links lead over this service, which tells of clicks.", {"enable_text": FLAG}, enabled=True),
    _setting("google_analytics", "Google Analytics", "Links carry parameters for Google Analytics.", {
        "utm_source": TEXT, "utm_medium": TEXT, "utm_term": TEXT, "utm_content": TEXT, "utm_campaign": TEXT,
    }),
    _setting("open", "Open Tracking", "HTML mails carry an invisible image that tells of opens.", {}, enabled=True),
    _setting("subscription", "Subscription Tracking", "Mails end with a link to unsubscribe.", {
        "html_content": TEXT, "plain_content": TEXT, "landing": TEXT, "replace": TEXT, "url": URL,
    }),
)
# Ours, which SendGrid's list of settings does not have: it is neither on nor off.
EMBEDDING = Setting(
    "image_embed_mode", "Image Embed Mode", "proxy leaves links to the library's images, cid sends them along.", {"mode": MODE}, {"mode": EMBED_MODES[0]},
)

SECTIONS: Mapping[str, tuple[Setting, ...]] = {"mail_settings": MAIL_SETTINGS, "tracking_settings": (*TRACKING_SETTINGS, EMBEDDING)}


def whole(setting: Setting, values: Values) -> dict[str, object]:
    """The setting with all its fields."""
    return {field: values.get(field, setting.defaults[field]) for field in setting.fields}


def read_setting(setting: Setting, given: object, *, closed: bool = False) -> dict[str, object]:
    """The fields that a PATCH gives; others are passed over, since clients send back what they read, or are faults where it is `closed`.

    A null takes a number of days, a text or an address away. Raises: Invalid with every fault.
    """
    faults: list[Fault] = []
    reader = Reader(given, faults)
    if closed:
        reader.refuse_unknown(setting.fields)
    read = {field: _read(reader, field, kind) for field, kind in setting.fields.items() if reader.has(field)}
    finish(faults)
    return {field: setting.defaults[field] if value is None and field != "enabled" else value for field, value in read.items()}


def read_named(section: str, name: str, given: object, path: str) -> dict[str, object]:
    """As a closed `read_setting` for the setting of this section and name; faults stand under `path`.

    Raises: Invalid, also when there is no such setting, or it has no such field.
    """
    found = [each for each in SECTIONS.get(section, ()) if each.name == name]
    if not found:
        raise Invalid("There is no such setting.", path)
    try:
        return read_setting(found[0], given, closed=True)
    except Invalid as error:
        raise Invalid([replace(fault, field=f"{path}.{fault.field}" if fault.field else path) for fault in error.faults]) from None


def _read(reader: Reader, field: str, kind: str) -> object:
    if kind == FLAG:
        return reader.flag(field, required=True)
    if kind == DAYS:
        return reader.integer(field, least=1, most=LONGEST_DAYS)
    if kind == SCORE:
        return reader.integer(field, least=1, most=10)
    if kind == LISTED:
        return _read_listed(reader, field)
    if kind == MODE:
        mode = reader.text(field)
        if mode is not None and mode not in EMBED_MODES:
            reader.fault(f"The {field} must be {' or '.join(EMBED_MODES)}.", field)
        return mode
    value = reader.text(field, most=LONGEST_TEXT if kind == TEXT else 2_048)
    if kind == ADDRESS and value and not is_valid(value):
        reader.fault("Does not contain a valid address.", field)
    if kind == URL and value and not value.lower().startswith(("https://", "http://")):
        reader.fault("Does not contain a valid URL.", field)
    return value


def _read_listed(reader: Reader, field: str) -> list[str] | None:
    listed = reader.texts(field, least=1, most=320, most_items=MOST_LISTED)
    for index, each in enumerate(listed or ()):
        if not is_valid(each) and not _is_domain(each):
            reader.fault("This is neither an address nor a domain.", f"{field}.{index}")
    return listed


def _is_domain(text: str) -> bool:
    try:
        a_labels(text)
    except ValueError:
        return False
    return True


# What a request calls the settings and their fields.
_OF_REQUESTS: Mapping[tuple[str, str], tuple[str, str, Mapping[str, str]]] = {
    ("mail_settings", "footer"): ("mail_settings", "footer", {"html": "html_content", "text": "plain_content"}),
    ("tracking_settings", "click"): ("tracking_settings", "click_tracking", {"enable_text": "enable_text"}),
    ("tracking_settings", "open"): ("tracking_settings", "open_tracking", {}),
    ("tracking_settings", "subscription"): (
        "tracking_settings", "subscription_tracking", {"html": "html_content", "text": "plain_content", "substitution_tag": "replace"},
    ),
    ("tracking_settings", "google_analytics"): ("tracking_settings", "ganalytics", {
        field: field for field in ("utm_source", "utm_medium", "utm_term", "utm_content", "utm_campaign")
    }),
}


def with_defaults(shared: Values, sections: Mapping[str, Mapping[str, Values]]) -> Values:
    """What a request says, over what its tenant has set: field by field, in the request's words.

    `sections` are the tenant's settings as they are stored. What neither has set stays absent.
    """
    added: dict[str, dict[str, object]] = {}
    for (section, name), (group, setting, fields) in _OF_REQUESTS.items():
        values = sections.get(section, {}).get(name)
        if not values:
            continue
        ours = {"enable": values.get("enabled"), **{theirs: values.get(field) for theirs, field in fields.items()}}
        added.setdefault(group, {})[setting] = {field: value for field, value in ours.items() if value is not None and value != ""}
    if mode := sections.get("tracking_settings", {}).get(EMBEDDING.name, {}).get("mode"):
        added.setdefault("tracking_settings", {})[EMBEDDING.name] = mode
    if not added:
        return shared
    return {**shared, **{group: _over(shared.get(group), settings) for group, settings in added.items()}}


def _over(given: object, defaults: Mapping[str, object]) -> dict[str, object]:
    """The settings that a request gives, over the defaults."""
    whole_group: dict[str, object] = dict(given) if isinstance(given, dict) else {}
    for name, values in defaults.items():
        own = whole_group.get(name)
        whole_group[name] = {**values, **own} if isinstance(values, dict) and isinstance(own, dict) else own or values
    return whole_group
