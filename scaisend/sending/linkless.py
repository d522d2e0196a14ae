"""Where recipients cannot follow our links: mail whose sender wants such links is refused, and all other mail goes out without them.

Open and click tracking are on by themselves; that alone is no wish.
"""

from collections.abc import Callable, Mapping, Sequence

from scaisend.faults import Unavailable
from scaisend.identity.settings_store import settings_across_tenants
from scaisend.sending.accept import Accepted, Submission
from scaisend.sending.suppressed import group_of
from scaisend.storage.database import Txn
from scaisend.tracking.settings import with_defaults

_TRACKING = ("open_tracking", "click_tracking", "subscription_tracking")
Accept = Callable[[Txn, Sequence[Submission]], list[Accepted | Exception]]


def accept_linkless(txn: Txn, submissions: Sequence[Submission], accept: Accept) -> list[Accepted | Exception]:
    """What `accept` answers to the requests that need no link; Unavailable for live ones that do."""
    settings = settings_across_tenants(txn, sorted({each.caller.tenant_id for each in submissions}))
    wishes = [
        None if each.caller.is_test or each.request.sandbox
        else wished_link(with_defaults(each.request.shared, settings.get(each.caller.tenant_id, {})))
        for each in submissions
    ]
    open_ones = [each for each, wish in zip(submissions, wishes, strict=True) if wish is None]
    answers = iter(accept(txn, open_ones) if open_ones else ())
    return [next(answers) if wish is None else _refusal(wish) for wish in wishes]


def wished_link(shared: Mapping[str, object]) -> str | None:
    """The setting that asks for a link of ours, or None."""
    if group_of(shared) is not None:
        return "asm.group_id"
    settings = shared.get("tracking_settings")
    given = settings if isinstance(settings, dict) else {}
    for name in _TRACKING:
        setting = given.get(name)
        if isinstance(setting, dict) and setting.get("enable") is True:
            return f"tracking_settings.{name}"
    return None


def _refusal(wish: str) -> Unavailable:
    return Unavailable(
        "links", f"{wish} needs links that recipients can follow, and TRACKING_BASE_URL of this service is no public https URL", retry_after_s=300
    )
