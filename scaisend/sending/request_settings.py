"""mail_settings and tracking_settings of a send request, read by a table of what each setting may hold."""

from collections.abc import Mapping

from scaisend.sending import request_faults as say
from scaisend.sending.request_faults import Found
from scaisend.tracking.settings import EMBED_MODES, EMBEDDING

EMBED = EMBEDDING.name
FLAG = bool
TEXT = str

# setting → field → (type, the sentence when it is another)
_TRACKING: Mapping[str, Mapping[str, tuple[type, str]]] = {
    "click_tracking": {
        "enable": (FLAG, "The click tracking enable param should be a boolean value."),
        "enable_text": (FLAG, "The click tracking enable text must be a boolean value."),
    },
    "open_tracking": {
        "enable": (FLAG, "The open tracking enable param should be a boolean value."),
        "substitution_tag": (TEXT, "The open tracking substitution tag must be a string."),
    },
    "subscription_tracking": {
        "enable": (FLAG, "The subscription tracking enable param should be a boolean value."),
        "text": (TEXT, "The subscription tracking text must be a string value."),
        "html": (TEXT, "The subscription tracking html must be a string value."),
        "substitution_tag": (TEXT, "The subscription tracking substitution tag must be a string value."),
    },
    "ganalytics": {
        "enable": (FLAG, "The Google Analytics enable param must be a boolean value."),
        # utm_name is not among SendGrid's fields, but its Python library sends it.
        **{
            name: (TEXT, f"The Google Analytics {name} must be a string value.")
            for name in ("utm_source", "utm_medium", "utm_term", "utm_content", "utm_campaign", "utm_name")
        },
    },
}


def _enable(name: str) -> tuple[type, str]:
    return FLAG, f"The {name} enable param should be a boolean value."


_MAIL: Mapping[str, Mapping[str, tuple[type, str]]] = {
    "bypass_list_management": {"enable": _enable("bypass list management")},
    "bypass_spam_management": {"enable": _enable("bypass spam management")},
    "bypass_bounce_management": {"enable": _enable("bypass bounce management")},
    "bypass_unsubscribe_management": {"enable": _enable("bypass unsubscribe management")},
    "footer": {
        "enable": _enable("footer"),
        "text": (TEXT, "The text/plain version of your footer should be a string."),
        "html": (TEXT, "The text/html version of your footer should be a string."),
    },
    "sandbox_mode": {"enable": _enable("sandbox mode")},
    # Retired by SendGrid, still sent by its libraries: read, and without effect.
    "bcc": {"enable": _enable("bcc"), "email": (TEXT, "The bcc email should be a string.")},
    "spam_check": {
        "enable": _enable("spam check"),
        "threshold": (int, "The spam check threshold is between 1 and 10, with the lower numbers being the most strict filtering."),
        "post_to_url": (TEXT, "The spam check url must be a string."),
    },
}
_RETIRED = ("bcc", "spam_check")
_BYPASSES = ("list", "spam", "bounce", "unsubscribe")

Settings = dict[str, dict[str, object]]


def read_tracking_settings(value: object, found: Found) -> dict[str, object]:
    """The tracking settings that were given, as they were given; `image_embed_mode`, which is ours, is one of EMBED_MODES."""
    settings = _read(value, "tracking_settings", _TRACKING, found, (EMBED,))
    if isinstance(value, dict) and EMBED in value:
        mode = value[EMBED]
        if mode not in EMBED_MODES:
            found.add(f"The image embed mode must be one of {', '.join(EMBED_MODES)}.", f"tracking_settings.{EMBED}")
        else:
            return {**settings, EMBED: mode}
    return {**settings}


def read_mail_settings(value: object, found: Found) -> Settings:
    """The mail settings that were given and have an effect, as they were given."""
    settings = _read(value, "mail_settings", _MAIL, found)
    bypass = bypassed(settings)
    if "list" in bypass and len(bypass) > 1:
        found.add(say.BYPASS_BOTH, "mail_settings.bypass_list_management")
    return {name: setting for name, setting in settings.items() if name not in _RETIRED}


def bypassed(mail_settings: Settings) -> frozenset[str]:
    """Which of list, spam, bounce and unsubscribe are to be bypassed."""
    return frozenset(each for each in _BYPASSES if mail_settings.get(f"bypass_{each}_management", {}).get("enable") is True)


def _read(
    value: object, path: str, table: Mapping[str, Mapping[str, tuple[type, str]]], found: Found, more: tuple[str, ...] = (),
) -> Settings:
    if type(value) is not dict:
        found.add_type("object", value, path)
        return {}
    found.add_unknown(value, frozenset((*table, *more)), path)
    settings: Settings = {}
    for name, fields in table.items():
        if name not in value:
            continue
        setting, place = value[name], f"{path}.{name}"
        if type(setting) is not dict:
            found.add_type("object", setting, place)
            continue
        found.add_unknown(setting, frozenset(fields), place)
        for field, (kind, message) in fields.items():
            if field in setting and type(setting[field]) is not kind:
                found.add(message, f"{place}.{field}")
        settings[name] = setting
    return settings
