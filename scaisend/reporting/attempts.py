"""When a delivery is tried again, and when its endpoint is switched off."""

DELAYS_S = (60.0, 300.0, 900.0, 3_600.0, 7_200.0)
FAILURES_MOST = 10


def next_attempt_at(attempts: int, now: float) -> float | None:
    """When a delivery that failed `attempts` times (at least once) is tried again; None when it has failed for good."""
    return now + DELAYS_S[attempts - 1] if attempts <= len(DELAYS_S) else None


def at_once(failures: int, most: int) -> int:
    """How many posts an endpoint may be given at once: one alone as long as its last ones failed."""
    return most if failures == 0 else 1


def switched_off_because(answer: str) -> str:
    """The sentence kept with an endpoint that was switched off."""
    return f"switched off after {FAILURES_MOST} failed posts in a row; the last: {answer}"[:255]
