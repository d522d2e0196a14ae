"""Moments as text: how they are shown, and how callers may give them."""

from datetime import UTC, datetime

LATEST = 100_000_000_000.0


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
