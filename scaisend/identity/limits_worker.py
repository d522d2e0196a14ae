"""Keeps what a process knows of the tenants' limits as the database has it."""

from scaisend.identity.limits import TenantLimits
from scaisend.identity.limits_store import limits_across_tenants
from scaisend.storage.database import Database

EVERY_S = 2.0


class LimitsWatch:
    """Asks for the limits of single tenants; a change is known everywhere after EVERY_S."""

    def __init__(self, *, database: Database, limits: TenantLimits) -> None:
        self._database, self._limits = database, limits

    async def turn(self) -> None:
        """The limits are as the database has them. Raises: Unavailable; what was known stays."""
        self._limits.know(await self._database.run(limits_across_tenants))
