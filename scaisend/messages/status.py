"""States of recipients and messages, and how a message's state follows from its recipients'.

The stage of a message (`messages.status`) says how far it came as a whole; a recipient's state is the truth about delivery.
"""

from collections.abc import Iterable

# What a recipient can be. WAITING ones have an attempt to come, ENDED ones never change again, but for a late report (record.py).
QUEUED = "queued"
DEFERRED = "deferred"
SENDING = "sending"
IN_DOUBT = "in_doubt"
DELIVERED = "delivered"
BOUNCED = "bounced"
FAILED = "failed"
DROPPED = "dropped"
CANCELLED = "cancelled"
SANDBOX = "sandbox"
# What a message can be besides.
PROCESSING = "processing"
RENDERED = "rendered"
SCHEDULED = "scheduled"
PAUSED = "paused"

ENDED = frozenset({DELIVERED, BOUNCED, FAILED, DROPPED, CANCELLED, SANDBOX})
RECIPIENT_STATES = frozenset({QUEUED, DEFERRED, SENDING, IN_DOUBT}) | ENDED
MESSAGE_STATES = RECIPIENT_STATES | {PROCESSING, RENDERED, SCHEDULED, PAUSED}

# States of recipients of a message that nothing has been sent of.
UNTOUCHED = frozenset({QUEUED, DROPPED, CANCELLED, FAILED})

# The recipient state that a message shows when its recipients differ, first match wins.
_SHOWN_FIRST = (SENDING, IN_DOUBT, DEFERRED, QUEUED, BOUNCED, FAILED, DELIVERED, CANCELLED, SANDBOX, DROPPED)


def shown(stage: str, recipients: Iterable[str]) -> str:
    """The message's status: its stage while nothing has been sent, then what its recipients' states amount to.

    A message that is held back, or whose time has not come, stays so while a recipient waits for it: who lets it go finds it by that.
    """
    states = set(recipients)
    if stage in (SCHEDULED, PAUSED) and states & {QUEUED, DEFERRED}:
        return stage
    if not states or (stage in (PROCESSING, RENDERED, QUEUED) and states <= UNTOUCHED and QUEUED in states):
        return stage
    return next(state for state in _SHOWN_FIRST if state in states)
