"""SQL of `mta_sts_policies`, `tls_results` and `tls_reports`: about recipients' domains, and so of no tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import orjson

from scaisend.delivery.mta_sts import Sts
from scaisend.delivery.tls_result import TlsResult
from scaisend.messages.store import US, micros
from scaisend.storage.database import Txn, Value

FAULT_LENGTH = 512


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """What is known of a domain. `policy` None: none was ever fetched; `tried_id`, `retry_at`, `fault` speak of the last fetch, if it failed."""

    policy: Sts | None = None
    policy_id: str | None = None
    fetched_at: float = 0.0
    expires_at: float = 0.0
    tried_id: str | None = None
    retry_at: float = 0.0
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class DueReport:
    """A report that is to be sent: of this day (days since 1970), to this domain; `attempts` were begun before."""

    day: int
    domain: str
    attempts: int
    created_at: float


def policy_across_tenants(txn: Txn, domain: str) -> KeptPolicy:
    """What is kept of the domain's policy."""
    row = txn.row(
        "SELECT policy_id, mode, hosts, max_age_s, fetched_at, expires_at, tried_id, retry_at, fault FROM mta_sts_policies WHERE domain = :domain",
        {"domain": domain},
    )
    if row is None:
        return KeptPolicy()
    policy = None if row[1] is None else Sts(row[1], tuple(orjson.loads(row[2])), row[3])
    return KeptPolicy(policy, row[0], (row[4] or 0) / US, (row[5] or 0) / US, row[6], (row[7] or 0) / US, row[8])


def keep_policy_across_tenants(txn: Txn, domain: str, policy_id: str, policy: Sts, now: float) -> None:
    """The domain has this policy from now on, as long as it says."""
    values: dict[str, Value] = {
        "policy_id": policy_id, "mode": policy.mode, "hosts": orjson.dumps(policy.hosts).decode(), "max_age_s": policy.max_age_s,
        "fetched_at": micros(now), "expires_at": micros(now + policy.max_age_s), "tried_id": None, "retry_at": None, "fault": None,
        "updated_at": micros(now),
    }
    txn.upsert("mta_sts_policies", ("domain", *values), [(domain, *values.values())], keys=("domain",), update=tuple(values))


def keep_fault_across_tenants(txn: Txn, domain: str, tried_id: str, fault: str, retry_at: float, now: float) -> None:
    """The policy of this id could not be fetched; what was fetched before still holds."""
    values: dict[str, Value] = {"tried_id": tried_id, "retry_at": micros(retry_at), "fault": fault[:FAULT_LENGTH], "updated_at": micros(now)}
    txn.upsert("mta_sts_policies", ("domain", *values), [(domain, *values.values())], keys=("domain",), update=tuple(values))


def add_results_across_tenants(txn: Txn, day: int, counted: Mapping[tuple[str, TlsResult], int]) -> None:
    """So many more sessions of the day ended so, by domain."""
    rows = sorted((domain, *_detail(result), sessions) for (domain, result), sessions in counted.items())
    txn.insert(
        "tls_results", ("day", "domain", "digest", "detail", "sessions"), [(day, domain, digest, detail, 0) for domain, digest, detail, _ in rows],
        ignore=True,
    )
    for domain, digest, _, sessions in rows:
        txn.execute(
            "UPDATE tls_results SET sessions = sessions + :sessions WHERE day = :day AND domain = :domain AND digest = :digest",
            {"sessions": sessions, "day": day, "domain": domain, "digest": digest},
        )


def results_across_tenants(txn: Txn, day: int, domain: str, most: int) -> list[tuple[TlsResult, int]]:
    """What was counted on the day for the domain: at most so many kinds, the most frequent first."""
    rows = txn.rows(
        "SELECT detail, sessions FROM tls_results WHERE day = :day AND domain = :domain ORDER BY sessions DESC, digest LIMIT :most",
        {"day": day, "domain": domain, "most": most},
    )
    return [(_result(orjson.loads(row[0])), row[1]) for row in rows]


def open_reports_across_tenants(txn: Txn, today: int, most: int, due_at: float, now: float) -> int:
    """Up to `most` domains of days before today have their report to be sent from `due_at` on; how many there were."""
    rows = txn.rows(
        "SELECT DISTINCT r.day, r.domain FROM tls_results r LEFT JOIN tls_reports p ON p.day = r.day AND p.domain = r.domain "
        "WHERE r.day < :today AND p.day IS NULL ORDER BY r.day, r.domain LIMIT :most",
        {"today": today, "most": most},
    )
    columns = ("day", "domain", "due_at", "attempts", "created_at")
    txn.insert("tls_reports", columns, [(day, domain, micros(due_at), 0, micros(now)) for day, domain in rows], ignore=True)
    return len(rows)


def claim_reports_across_tenants(txn: Txn, most: int, attempt_id: str, lease_until: float, now: float) -> list[DueReport]:
    """Up to `most` due reports, claimed until the lease ends."""
    rows = txn.rows(
        f"SELECT day, domain, attempts, created_at FROM tls_reports WHERE due_at <= :now ORDER BY due_at, day, domain LIMIT :most {txn.dialect.skip_locked}",
        {"now": micros(now), "most": most},
    )
    if rows:
        txn.execute(
            "UPDATE tls_reports SET attempt_id = :attempt, due_at = :lease, attempts = attempts + 1 WHERE (day, domain) IN :keys",
            {"attempt": attempt_id, "lease": micros(lease_until), "keys": [(row[0], row[1]) for row in rows]},
        )
    return [DueReport(row[0], row[1], row[2], row[3] / US) for row in rows]


def end_report_across_tenants(txn: Txn, day: int, domain: str, attempt_id: str, due_at: float | None, answer: str) -> bool:
    """Whether the claim still holds: the report is due again at the moment, or (None) has been sent or given up."""
    return txn.execute(
        "UPDATE tls_reports SET due_at = :due_at, attempt_id = NULL, answer = :answer WHERE day = :day AND domain = :domain AND attempt_id = :attempt",
        {"due_at": None if due_at is None else micros(due_at), "answer": answer[:FAULT_LENGTH], "day": day, "domain": domain, "attempt": attempt_id},
    ) > 0


def forget_across_tenants(txn: Txn, before: int, now: float, most: int) -> None:
    """Results and reports of days before this one, and policies that ended a month ago, are gone: at most so many rows of each."""
    # What is left of a domain whose policy never came is as old as its last try.
    old = micros(now - 30 * 86_400)
    for table, where in (("tls_results", "day < :before"), ("tls_reports", "day < :before"), ("mta_sts_policies", "updated_at < :old AND COALESCE(expires_at, 0) < :old")):
        key = "domain" if table == "mta_sts_policies" else "day, domain"
        found = txn.rows(f"SELECT DISTINCT {key} FROM {table} WHERE {where} LIMIT :most", {"before": before, "old": old, "most": most})
        if found:
            keys: Sequence[object] = [row[0] for row in found] if key == "domain" else [tuple(row) for row in found]
            txn.execute(f"DELETE FROM {table} WHERE {key if key == 'domain' else f'({key})'} IN :keys", {"keys": keys})


def _detail(result: TlsResult) -> tuple[str, str]:
    """The digest and the JSON of a result. What hosts say differs from session to session, so it is only in the first."""
    detail = {
        "kind": result.kind, "host": result.host, "failure": result.failure, "address": result.address if result.failure else None,
        "source": result.source if result.failure else None, "policy": list(result.policy),
    }
    digest = sha256(orjson.dumps(detail)).hexdigest()[:32]
    return digest, orjson.dumps({**detail, "text": result.text}).decode()


def _result(detail: Mapping[str, object]) -> TlsResult:
    policy, said = detail.get("policy"), {name: str(value) for name, value in detail.items() if value}
    return TlsResult(
        said["kind"], said["host"], said.get("failure"), said.get("text", ""), said.get("address"), said.get("source"),
        tuple(map(str, policy)) if isinstance(policy, list) else (),
    )
