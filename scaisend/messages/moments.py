"""Moments as text: how they are shown, and how callers may give them."""

from datetime import UTC, datetime

LATEST = 100_000_000_000.0
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def iso(at: float | None) -> str | None:
    """The moment as ISO 8601 in UTC, to the millisecond: `2026-11-24T05:02:50.123Z`."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_seconds(at: float) -> str:
    """As `iso`, to the second: SendGrid's form."""
    return datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z")


def read_moment(text: str) -> float:
    """Epoch seconds of unix seconds or an ISO 8601 text; one without a zone is UTC.

    Raises: ValueError when it is neither, or not between 1970 and the year 5138.
    """
    if text.isascii() and text.replace(".", "", 1).isdigit():
        at = float(text)
    else:
        try:
            moment = datetime.fromisoformat(text.strip())
            at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except OverflowError:
            raise ValueError("out of bounds") from None
    if not 0 <= at < LATEST:
        raise ValueError("out of bounds")
    return at


def read_since(text: str, now: float) -> float:
    """A moment as `read_moment` has it, or so long before now: `30s`, `15m`, `1h`, `7d`.

    Raises: ValueError when it is neither.
    """
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS_S and number.isascii() and number.isdigit() and len(number) < 10:
        return max(0.0, now - int(number) * _UNITS_S[unit])
    return read_moment(text)
