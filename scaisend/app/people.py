"""The doors of partners, tenants, people and roles, and the one by which the identity provider tells of them."""

from scaisend.app.adapters import Adapters
from scaisend.http.route import Route
from scaisend.identity.limits import RATES
from scaisend.identity.limits_api import LimitsApi
from scaisend.identity.people_api import PeopleApi
from scaisend.identity.roles_api import RolesApi
from scaisend.identity.scaikey_api import ScaikeyApi
from scaisend.identity.tenants_api import TenantsApi
from scaisend.tracking.settings import read_named
from scaisend.tracking.tenant_settings_api import TenantSettingsApi


def people_routes(adapters: Adapters) -> list[Route]:
    """The doors."""
    database, config = adapters.database, adapters.config
    return [
        *TenantsApi(database=database, read_setting=read_named).routes(),
        *TenantSettingsApi(database=database).routes(),
        *LimitsApi(database=database, usual={name: config[f"RATE_LIMIT_{name.upper()}"] for name in RATES}).routes(),
        *PeopleApi(database=database).routes(),
        *RolesApi(database=database, ids=adapters.ids).routes(),
        *ScaikeyApi(
            database=database, ids=adapters.ids, secret=config["SCAIKEY_WEBHOOK_SECRET"], client_id=config["SCAIKEY_CLIENT_ID"],
        ).routes(),
    ]
