"""What a tenant or an operator may do with a message that was accepted: cancel, retry, fail. Which recipients an act takes, and why not.

A recipient that a worker holds is nobody else's: its outcome will be recorded. One in doubt is held by nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.messages import event as events
from scaisend.messages import status as states
from scaisend.messages.status import CANCELLED, DEFERRED, DELIVERED, ENDED, FAILED, IN_DOUBT, QUEUED, SANDBOX, SENDING


@dataclass(frozen=True, slots=True)
class Act:
    """One act: the event it records, the states it takes, and its participle for sentences."""

    event: str
    takes: frozenset[str]
    done: str


CANCEL = Act(events.CANCELLED, frozenset((QUEUED, DEFERRED)), "cancelled")
RETRY = Act(events.RETRIED, frozenset((FAILED, DEFERRED)), "retried")
FAIL = Act(events.FAILED, frozenset((QUEUED, DEFERRED, IN_DOUBT)), "failed")
# The operator's: what is in doubt is sent again too, and a copy accepted.
REQUEUE = Act(events.RETRIED, frozenset((FAILED, DEFERRED, QUEUED, IN_DOUBT)), "queued again")

_WHY_NOT = (
    (SENDING, "it is being sent"), (IN_DOUBT, "it may have been delivered already"), (DEFERRED, "it is being sent"), (QUEUED, "it waits already"),
    (DELIVERED, "it was delivered"), (FAILED, "it failed"), (CANCELLED, "it was cancelled"), (SANDBOX, "it is not delivered at all"),
    (states.BOUNCED, "it bounced"), (states.DROPPED, "it was dropped"),
)


def takes(act: Act, status: str, is_claimed: bool) -> bool:
    """Whether the act may be done to a recipient in this state."""
    return status in act.takes and (not is_claimed or status == IN_DOUBT)


def why_not(act: Act, recipients: Sequence[tuple[str, bool]]) -> str:
    """Why the act takes none of the recipients, each (state, whether it is claimed)."""
    found = {status for status, _ in recipients}
    if any(is_claimed and status not in ENDED and status != IN_DOUBT for status, is_claimed in recipients):
        return f"The message cannot be {act.done}: it is being sent."
    reason = next((words for status, words in _WHY_NOT if status in found), "it has no recipients")
    return f"The message cannot be {act.done}: {reason}."
