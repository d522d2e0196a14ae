"""Bounces leave their list after the days that a tenant has set (mail_settings.bounce_purge)."""

from collections.abc import Callable, Mapping

from scaisend.identity.settings_store import having_across_tenants
from scaisend.storage.database import Database
from scaisend.suppressions.store import forget_old_bounces

SECTION, SETTING = "mail_settings", "bounce_purge"
DAY_S = 86_400
AT_ONCE = 1_000
MOST_TURNS = 100


class BouncePurge:
    """`turn` is taken now and then, by any number of processes."""

    def __init__(self, *, database: Database, now_s: Callable[[], float]) -> None:
        self._database, self._now_s = database, now_s

    async def turn(self) -> None:
        """Of each tenant that wishes so, old bounces are off the list: those with a 4.x.x status by `soft_bounces`, all others by `hard_bounces`."""
        for tenant_id, setting in (await self._database.read(having_across_tenants, SECTION, SETTING)).items():
            for is_soft, days in wanted(setting):
                before = self._now_s() - days * DAY_S
                for _ in range(MOST_TURNS):
                    if await self._database.run(forget_old_bounces, tenant_id, before, is_soft=is_soft, most=AT_ONCE) < AT_ONCE:
                        break


def wanted(setting: Mapping[str, object]) -> list[tuple[bool, int]]:
    """After how many days which bounces go: (whether soft ones, days); nothing while the setting is off."""
    if not setting.get("enabled"):
        return []
    both = ((True, setting.get("soft_bounces")), (False, setting.get("hard_bounces")))
    return [(is_soft, days) for is_soft, days in both if isinstance(days, int) and days > 0]
