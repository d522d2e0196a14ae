"""Claims recipients for delivery; those that were put on a suppression list since their mail was accepted are told apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.address import fold
from scaisend.delivery.store import Claimed, claim_recipients_across_tenants
from scaisend.messages.portion import Portion
from scaisend.sending.store import payloads_across_tenants
from scaisend.sending.suppressed import addresses_of, stop_of
from scaisend.storage.database import Txn
from scaisend.suppressions.erased import Erasure
from scaisend.suppressions.store import standings_across_tenants


@dataclass(frozen=True, slots=True)
class Claim:
    """`to_send` are to be delivered to, `left` are due and were left for later, `stopped` are not to be mailed: with the list that says so."""

    to_send: list[Claimed]
    left: list[str]
    stopped: list[tuple[Claimed, str]]


def claim(txn: Txn, recipient_ids: Sequence[str], attempt_id: str, lease_until: float, now: float, portion: Portion, erasure: Erasure | None = None) -> Claim:
    """The recipients that are claimed now; one query asks for the lists of all of them, and what those are found on for their requests."""
    claimed, left = claim_recipients_across_tenants(txn, recipient_ids, attempt_id, lease_until, now, portion)
    asked = addresses_of([(each.tenant_id, each.email, each.accepted_at) for each in claimed], now)
    standings = standings_across_tenants(txn, asked, erasure.names(txn) if erasure else None) if asked else {}
    if not standings:
        return Claim(claimed, left, [])
    listed = [(each, standing) for each in claimed if (standing := standings.get((each.tenant_id, fold(each.email)))) is not None]
    payloads = payloads_across_tenants(txn, [each.message_id for each, _ in listed])
    stopped = {each.id: name for each, standing in listed if (name := stop_of(standing, payloads.get(each.message_id, "{}"))) is not None}
    return Claim(
        [each for each in claimed if each.id not in stopped], left, [(each, stopped[each.id]) for each in claimed if each.id in stopped]
    )
