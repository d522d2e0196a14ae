"""Mail that waits for a destination is due at once: after a resume, a flush, or another route."""

from collections.abc import Iterable

from scaisend.address import fold
from scaisend.delivery.mx import TakesNoMail, mail_domain
from scaisend.delivery.waiting_store import Place, hasten, later_recipients, tenants_after_across_tenants
from scaisend.storage.database import Database, Txn

PAGE = 1_000


async def hasten_mail(database: Database, domains: Iterable[str], now: float) -> int:
    """Recipients of the domains (A-labels) that waited for a later moment are tried now; how many. In portions: another run does no harm."""
    wanted, count, tenant_id = frozenset(domains), 0, ""
    while wanted:
        tenants = await database.run(tenants_after_across_tenants, tenant_id)
        if not tenants:
            break
        tenant_id = tenants[0]
        place: Place | None = Place()
        while place is not None:
            hastened, place = await database.run(_page, tenant_id, wanted, place, now)
            count += hastened
    return count


def _page(txn: Txn, tenant_id: str, wanted: frozenset[str], place: Place, now: float) -> tuple[int, Place | None]:
    found, following = later_recipients(txn, tenant_id, place, now, PAGE)
    return hasten(txn, tenant_id, [each for each, email in found if domain_of(email) in wanted], now), following


def domain_of(email: str) -> str:
    """The domain of an address as A-label; empty when it has none."""
    domain = fold(email).rpartition("@")[2]
    if domain.isascii():
        return domain
    try:
        return mail_domain(domain)
    except TakesNoMail:
        return ""
