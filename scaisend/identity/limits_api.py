"""/api/admin/tenants/{id}/limits: what a tenant may send and ask, and what it used of it."""

from collections.abc import Mapping

from scaisend.faults import Fault, Invalid
from scaisend.http.call import Call
from scaisend.http.reply import Reply, data_reply
from scaisend.http.route import Route, get, put
from scaisend.identity.administration import named_tenant, record
from scaisend.identity.limits import QUOTAS, RATES, Limits, period_of, quotas_of, read_limits
from scaisend.identity.limits_store import change_limits, limits_of, usage
from scaisend.identity.reach import ABOVE
from scaisend.identity.tenants_api import READ
from scaisend.storage.database import Database, Txn
from scaisend.storage.limiter import Limit


class LimitsApi:
    """Limits of tenants. `usual` are the installation's rates, for tenants that have none of their own."""

    def __init__(self, *, database: Database, usual: Mapping[str, Limit | None]) -> None:
        self._database, self._usual = database, usual

    def routes(self) -> list[Route]:
        path = "/api/admin/tenants/<tenant_id>/limits"
        return [
            get(path, self.show, permission=READ, summary="A tenant's rates and quotas, and what it used"),
            put(path, self.change, permission=ABOVE, summary="Change a tenant's rates and quotas; what is not given stays, null takes one away"),
        ]

    async def show(self, call: Call) -> Reply:
        """Rates with the installation's where the tenant has none of its own, and quotas."""
        return data_reply(await self._database.run(self._shown, call))

    async def change(self, call: Call) -> Reply:
        """The limits as they are now: known to every process within two seconds, quotas at once."""
        given = call.json()
        if not isinstance(given, dict):
            raise Invalid("The body must be an object of limits.", None, f"The limits are {', '.join(RATES + QUOTAS)}.")
        faults: list[Fault] = []
        changes = read_limits(given, faults)
        if faults:
            raise Invalid(faults)
        return data_reply(await self._database.run(self._change, call, changes))

    def _change(self, txn: Txn, call: Call, changes: Mapping[str, str | int | None]) -> dict[str, object]:
        tenant = named_tenant(txn, call, call.path["tenant_id"])
        before, after = change_limits(txn, tenant.id, changes, now_s=call.now_s)
        if before != after:
            record(txn, call, tenant.id, action="tenant.limits", resource=tenant.id, change={"before": dict(before), "after": dict(after)})
        return self._shown(txn, call)

    def _shown(self, txn: Txn, call: Call) -> dict[str, object]:
        tenant = named_tenant(txn, call, call.path["tenant_id"])
        return shown_limits(txn, tenant.id, self._usual, call.now_s)


def shown_limits(txn: Txn, tenant_id: str, usual: Mapping[str, Limit | None], now_s: float) -> dict[str, object]:
    """What holds for the tenant: each rate with whether it is its own, each quota with what is used."""
    own: Limits = limits_of(txn, tenant_id)
    used = usage(txn, tenant_id, [period_of(name, now_s)[0] for name in QUOTAS])
    return {
        "rates": {name: {"limit": own.get(name, _text(usual[name])), "own": name in own} for name in RATES},
        "quotas": {
            quota.name: {"limit": quota.most, "used": quota.used, "remaining": quota.remaining, "period": quota.period, "reset_at": quota.reset_at}
            for quota in quotas_of(own, used, now_s)
        },
    }


def _text(limit: Limit | None) -> str:
    if limit is None:
        return "off"
    return f"{limit.count}/{'s' if limit.per_s == 1 else 'min'}"
