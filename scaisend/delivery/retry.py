"""When a mail that was put off is tried again."""


def retry_delay_s(tries: int, limit: int, first_s: float, jitter: float) -> float | None:
    """Seconds until the next try, or None when `limit` tries are used up (RFC 5321 4.5.4.1).

    `tries` counts those that failed so far, from 1. The delay doubles from `first_s` with each; `jitter`, in [0, 1) and drawn by the caller,
    adds up to as much again.
    """
    if tries > limit:
        return None
    return float(first_s * 2.0 ** min(max(tries - 1, 0), 30) * (1.0 + jitter))
