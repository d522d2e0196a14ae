"""What must be true of mail after a failure: every accepted recipient has one outcome, and copies come out of doubt alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from tests.world.installation import RecipientRow
from tests.world.load import Promises


@dataclass(frozen=True, slots=True)
class Reckoning:
    """The figures, and the sentences about what is wrong. `copies` are mails beyond the first of a recipient."""

    accepted: int
    unanswered: int
    unanswered_kept: int
    delivered: int
    bounced: int
    resent: int
    copies: int
    wrong: tuple[str, ...]

    @property
    def figures(self) -> Mapping[str, int]:
        return {name: value for name, value in asdict(self).items() if isinstance(value, int)}


def reckon(promises: Promises, rows: Iterable[RecipientRow], copies: Counter[str]) -> Reckoning:
    """Compares what clients were told, what the database says, and what the mail host acknowledged."""
    by_address: dict[str, list[RecipientRow]] = {}
    for row in rows:
        by_address.setdefault(row.email, []).append(row)
    wrong: list[str] = []
    expected: set[str] = set()
    for request in promises.accepted:
        expected.update(request.recipients)
        wrong += [f"lost: {each} was accepted and is not there" for each in request.recipients if each not in by_address]
    kept = 0
    for request in promises.unanswered:
        there = [each for each in request.recipients if each in by_address]
        kept += bool(there)
        expected.update(there)
        if there and len(there) != len(request.recipients):
            wrong.append(f"partial: of {request.recipients} only {there} are there")
    wrong += [f"invented: {each} was never sent" for each in by_address if each not in expected]
    for address, found in by_address.items():
        wrong += _judged(address, found, copies[address])
    wrong += [f"stray: {each} was delivered and is not in the database" for each in copies if each not in by_address]
    states = Counter(row.status for found in by_address.values() for row in found)
    return Reckoning(
        accepted=sum(len(request.recipients) for request in promises.accepted), unanswered=len(promises.unanswered), unanswered_kept=kept,
        delivered=states["delivered"], bounced=states["bounced"], resent=sum(row.resends > 0 for found in by_address.values() for row in found),
        copies=sum(max(0, count - 1) for count in copies.values()), wrong=tuple(wrong),
    )


def _judged(address: str, found: list[RecipientRow], copies: int) -> list[str]:
    if len(found) != 1:
        return [f"doubled: {address} has {len(found)} rows"]
    row = found[0]
    if address.startswith(("refuse", "full")):
        return [] if row.status == "bounced" and not copies else [f"{address} is {row.status} with {copies} mails ({row.reason})"]
    if row.status != "delivered":
        return [f"{address} is {row.status} ({row.waiting or row.reason}) with {copies} mails"]
    if not copies:
        return [f"lost: {address} is delivered, says the database, and no mail arrived"]
    if copies > 1 + row.resends:
        return [f"copied: {address} got {copies} mails with {row.resends} resends"]
    return []
