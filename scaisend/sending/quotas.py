"""Quotas of mails a day and a month: what a group of requests spends of them is counted in the transaction that accepts it."""

from collections.abc import Iterable

from scaisend.faults import TooManyRequests
from scaisend.identity.limits import Quota, quotas_of
from scaisend.identity.limits_store import (
    add_usage_across_tenants,
    limits_across_tenants,
    lock_usage_across_tenants,
)
from scaisend.storage.database import Txn

Claim = tuple[int, str, int]


def spend(txn: Txn, claims: Iterable[Claim], now: float) -> dict[int, Quota | TooManyRequests]:
    """Of the claims (number, tenant id, recipients), in order, those of tenants with a quota: the tightest as it is now, or the refusal.

    A request is counted as a whole, or refused as a whole; what is refused is not counted.
    """
    asked = list(claims)
    limits = limits_across_tenants(txn, sorted({tenant_id for _, tenant_id, _ in asked})) if asked else {}
    periods = {tenant_id: found for tenant_id, own in limits.items() if (found := quotas_of(own, {}, now))}
    if not periods:
        return {}
    used = lock_usage_across_tenants(txn, sorted((tenant_id, quota.period) for tenant_id, quotas in periods.items() for quota in quotas))
    spent: dict[tuple[str, str], int] = {}
    answers: dict[int, Quota | TooManyRequests] = {}
    for number, tenant_id, count in asked:
        if tenant_id not in periods:
            continue
        quotas = quotas_of(limits[tenant_id], {q.period: used[tenant_id, q.period] + spent.get((tenant_id, q.period), 0) for q in periods[tenant_id]}, now)
        over = [quota for quota in quotas if quota.remaining < count]
        if over:
            answers[number] = _refusal(max(over, key=lambda quota: quota.reset_at), count, now)
            continue
        for quota in quotas:
            spent[tenant_id, quota.period] = spent.get((tenant_id, quota.period), 0) + count
        tightest = min(quotas, key=lambda quota: quota.remaining)
        answers[number] = Quota(tightest.name, tightest.most, tightest.used + count, tightest.period, tightest.reset_at)
    if spent:
        add_usage_across_tenants(txn, spent)
    return answers


def _refusal(quota: Quota, count: int, now: float) -> TooManyRequests:
    kind = "day" if quota.name == "mails_per_day" else "month"
    left = f"{quota.remaining} of {quota.most} mails are left of this {kind}'s quota, and the request has {count} recipients"
    return TooManyRequests(left, retry_after_s=max(1, int(quota.reset_at - now) + 1))
