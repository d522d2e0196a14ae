"""What recipients do, and what tenants set about it."""

import time

from scaisend.app.assembly import Assembly
from scaisend.http.route import Route
from scaisend.tracking.api import UnsubscribeApi
from scaisend.tracking.seen_api import SeenApi
from scaisend.tracking.settings_api import SettingsApi
from scaisend.tracking.tenant_settings_api import TenantSettingsApi


def routes(assembly: Assembly) -> list[Route]:
    """The doors that links in mails lead to, and those of settings."""
    database, key = assembly.adapters.database, assembly.adapters.sealer.key_for("opt-out")
    return [
        *UnsubscribeApi(database=database, ids=assembly.adapters.ids, key=key, now_s=time.time).routes(),
        *SeenApi(key=key, sightings=assembly.sightings()).routes(),
        *SettingsApi(database=database).routes(),
        *TenantSettingsApi(database=database).routes(),
    ]
