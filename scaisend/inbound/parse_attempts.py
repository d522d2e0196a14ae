"""When a mail for a parse host is posted again, and until when."""

DELAYS_S = (60.0, 300.0, 900.0, 3_600.0, 7_200.0)
TRIED_FOR_S = 3 * 86_400.0


def next_post_at(attempts: int, received_at: float, now: float) -> float | None:
    """When a mail whose post failed `attempts` times (at least once) is posted again; None when its three days are over."""
    due_at = now + DELAYS_S[min(attempts, len(DELAYS_S)) - 1]
    return due_at if due_at <= received_at + TRIED_FOR_S else None
