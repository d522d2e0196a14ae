"""formatDate: a moment in the words of a format."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

_TOKENS = re.compile("YYYY|YY|MMMM|MMM|MM|M|dddd|ddd|DD|D|hh|h|HH|H|mm|m|ss|s|A|ZZ|Z")
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d\d)?", re.ASCII)
_SECONDS = re.compile(r"-?\d{1,17}(?:\.\d+)?", re.ASCII)
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MILLISECONDS_FROM = 100_000_000_000
LONGEST_FORMAT = 500

_WORDS: dict[str, Callable[[datetime], str]] = {
    "YYYY": lambda at: f"{at.year:04d}",
    "YY": lambda at: f"{at.year % 100:02d}",
    "MMMM": lambda at: MONTHS[at.month - 1],
    "MMM": lambda at: MONTHS[at.month - 1][:3],
    "MM": lambda at: f"{at.month:02d}",
    "M": lambda at: str(at.month),
    "dddd": lambda at: DAYS[at.weekday()],
    "ddd": lambda at: DAYS[at.weekday()][:3],
    "DD": lambda at: f"{at.day:02d}",
    "D": lambda at: str(at.day),
    "hh": lambda at: f"{at.hour % 12 or 12:02d}",
    "h": lambda at: str(at.hour % 12 or 12),
    "HH": lambda at: f"{at.hour:02d}",
    "H": lambda at: str(at.hour),
    "mm": lambda at: f"{at.minute:02d}",
    "m": lambda at: str(at.minute),
    "ss": lambda at: f"{at.second:02d}",
    "s": lambda at: str(at.second),
    "A": lambda at: "PM" if at.hour >= 12 else "AM",
    "ZZ": lambda at: at.strftime("%z"),
    "Z": lambda at: at.strftime("%z")[:3] + ":" + at.strftime("%z")[3:],
}


def format_date(moment: object, form: str, offset: object = None) -> str:
    """The moment (epoch seconds or milliseconds, ISO 8601) in the format, at the offset (`-0800`), which is UTC without one.

    Raises: ValueError when it is no moment, format or offset.
    """
    if len(form) > LONGEST_FORMAT:
        raise ValueError("the format is too long")
    zone = _zone(offset)
    try:
        at = _moment(moment).astimezone(zone)
    except (OverflowError, OSError):
        raise ValueError("the date is out of range") from None
    return _TOKENS.sub(lambda found: _WORDS[found[0]](at), form)


def _moment(given: object) -> datetime:
    if isinstance(given, str):
        word = given.strip()
        if _SECONDS.fullmatch(word) and len(word) != 8:
            given = float(word)
        else:
            return _from_iso(word)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError("it is not a date")
    seconds = given / 1000 if abs(given) >= MILLISECONDS_FROM else given
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _from_iso(word: str) -> datetime:
    if len(word) > 40:
        raise ValueError("it is not a date")
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        raise ValueError(f"{word!r} is not a date as ISO 8601 writes it") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _zone(offset: object) -> timezone:
    if offset is None or offset == "" or offset in ("Z", "UTC"):
        return UTC
    if isinstance(offset, int | float) and not isinstance(offset, bool):
        offset = f"{int(offset):+05d}"
    found = _OFFSET.fullmatch(offset.strip()) if isinstance(offset, str) and len(offset) < 10 else None
    if found is None:
        raise ValueError(f"{offset!r} is not an offset such as -0800")
    span = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    if span >= timedelta(hours=24):
        raise ValueError(f"{offset!r} is not an offset such as -0800")
    return timezone(-span if found[1] == "-" else span)
