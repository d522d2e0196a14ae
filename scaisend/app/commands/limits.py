"""limits: what a tenant may send and ask."""

import argparse
import time
from collections.abc import Mapping
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import add_options, print_json, print_table, the_tenant, with_adapters
from scaisend.faults import Fault, Invalid
from scaisend.identity.audit_store import record_act
from scaisend.identity.limits import QUOTAS, RATES, read_limits
from scaisend.identity.limits_api import shown_limits
from scaisend.identity.limits_store import change_limits
from scaisend.storage.database import Txn


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "limits", help="show and change a tenant's rates and quotas",
        description=f"Shows what holds for a tenant, after the changes that are named. Rates: {', '.join(RATES)}, written 50/s, 600/min or off. Quotas of accepted "
        f"recipients, days and months in UTC: {', '.join(QUOTAS)}. Every process knows quotas at once and rates within two seconds.",
    )
    add_options(parser, tenant=True)
    parser.add_argument("changes", nargs="*", metavar="NAME=VALUE", help="a limit to set; with nothing after = it is taken away")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 when the limits are as they were asked for."""
    changes = _changes(options.changes)

    async def work(adapters: Adapters) -> dict[str, Any]:
        tenant_id = (await the_tenant(adapters, options)).id
        usual = {name: adapters.config[f"RATE_LIMIT_{name.upper()}"] for name in RATES}
        if changes:
            await adapters.database.run(_change, tenant_id, changes, time.time())
        return {"tenant_id": tenant_id, **await adapters.database.run(shown_limits, tenant_id, usual, time.time())}

    result = with_adapters(options, work)
    if options.json:
        print_json(result)
    else:
        rates = [{"name": name, "limit": each["limit"], "own": each["own"]} for name, each in result["rates"].items()]
        print_table(rates + [{"name": name, "own": True, **each} for name, each in result["quotas"].items()], ("name", "limit", "own", "used", "remaining", "period"))
    return 0


def _change(txn: Txn, tenant_id: str, changes: Mapping[str, str | int | None], now_s: float) -> None:
    before, after = change_limits(txn, tenant_id, changes, now_s=now_s)
    if before != after:
        record_act(
            txn, tenant_id, actor="cli", action="tenant.limits", resource=tenant_id, change={"before": dict(before), "after": dict(after)}, source=None,
            request_id=None, happened_at=now_s,
        )


def _changes(given: list[str]) -> dict[str, str | int | None]:
    """Raises: Invalid."""
    values: dict[str, object] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            raise Invalid(f"{each!r} is not NAME=VALUE", name[:64], f"The limits are {', '.join(RATES + QUOTAS)}.")
        values[name] = int(value) if name in QUOTAS and value.isascii() and value.isdigit() else value or None
    faults: list[Fault] = []
    changes = read_limits(values, faults)
    if faults:
        raise Invalid(faults)
    return changes
