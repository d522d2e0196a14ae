"""Who calls, and what they may: keys, people and their roles, tenants and their limits, the audit log."""

import os

from scaisend.app.assembly import Assembly
from scaisend.http.route import Route
from scaisend.identity.account_api import AccountApi
from scaisend.identity.audit_api import AuditApi
from scaisend.identity.keys_api import KeysApi
from scaisend.identity.limits import RATES
from scaisend.identity.limits_api import LimitsApi
from scaisend.identity.people_api import PeopleApi
from scaisend.identity.roles_api import RolesApi
from scaisend.identity.scaikey_api import ScaikeyApi
from scaisend.identity.subusers_api import SubusersApi
from scaisend.identity.tenants_api import TenantsApi


def routes(assembly: Assembly) -> list[Route]:
    """The doors of credentials, partners, tenants and people, of logging in, and the one by which the identity provider tells of them."""
    database, ids, config = assembly.adapters.database, assembly.adapters.ids, assembly.adapters.config
    return [
        *KeysApi(database=database, ids=ids, random_bytes=os.urandom).routes(),
        *AuditApi(database=database, sealer=assembly.adapters.sealer).routes(),
        *TenantsApi(database=database, read_setting=assembly.read_setting).routes(),
        *LimitsApi(database=database, usual={name: config[f"RATE_LIMIT_{name.upper()}"] for name in RATES}).routes(),
        *PeopleApi(database=database).routes(),
        *RolesApi(database=database, ids=ids).routes(),
        *ScaikeyApi(
            database=database, ids=ids, secret=config["SCAIKEY_WEBHOOK_SECRET"], client_id=config["SCAIKEY_CLIENT_ID"],
        ).routes(),
        *assembly.logging_in.routes(assembly.identity()),
        *AccountApi(database=database).routes(),
        *SubusersApi(database=database, ids=ids, sources=assembly.source_addresses()).routes(),
    ]
