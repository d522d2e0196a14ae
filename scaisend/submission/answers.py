"""Refusals → replies of SMTP: permanent where the mail has to change, transient where trying again helps (RFC 3463 codes)."""

from scaisend.faults import (
    Conflict,
    Forbidden,
    Invalid,
    ScaiSendError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    UnsupportedType,
)
from scaisend.smtp.verdict import Verdict

_CODES: tuple[tuple[type[ScaiSendError], int, str], ...] = (
    (Forbidden, 550, "5.7.1"),
    (Unauthenticated, 550, "5.7.8"),
    (TooManyRequests, 451, "4.7.1"),
    (TooLarge, 552, "5.3.4"),
    (Conflict, 550, "5.5.4"),
    (Invalid, 550, "5.6.0"),
    (UnsupportedType, 550, "5.6.0"),
)


def refusal(error: ScaiSendError) -> Verdict:
    """The reply to the mail: its first fault with its field, and how many more there are."""
    code, enhanced = next(((code, enhanced) for kind, code, enhanced in _CODES if isinstance(error, kind)), (451, "4.3.0"))
    if isinstance(error, Conflict) and error.retry_after_s is not None:
        code, enhanced = 451, "4.5.0"
    return Verdict(code, enhanced, said(error))


def login_refusal(error: ScaiSendError) -> Verdict:
    """The reply to credentials that are no good, or that cannot be judged now (RFC 4954 4)."""
    if isinstance(error, Unauthenticated | Forbidden):
        return Verdict(535, "5.7.8", f"Authentication failed: {said(error)}")
    return Verdict(454, "4.7.0", f"Temporary authentication failure: {said(error)}")


def said(error: ScaiSendError) -> str:
    """The first fault on one line, with its field unless a refusal of the whole, and how many more there are."""
    first, more = error.faults[0], len(error.faults) - 1
    text = first.message if first.field is None or isinstance(error, Forbidden) else f"{first.field}: {first.message}"
    tail = f" (and {more} more)" if more else ""
    return " ".join(text.split())[: 400 - len(tail)] + tail
