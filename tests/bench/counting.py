"""Statistics over a long history: the pace of counting, and how long each endpoint takes over a day, 90 days and three years."""

import statistics
import time
from datetime import UTC, datetime, timedelta
from urllib.request import Request, urlopen

import pymysql

from scaisend.reporting.statistics_worker import count_next
from scaisend.storage.mysql_txn import MysqlTxn
from tests.bench.history import senders, write_history
from tests.bench.kit import table, tree_cpu_s
from tests.bench.ours import Ours

DAYS = 1_096
ROUNDS = 7
FRESH_DAYS = 1 / 86_400 * 8
PACKET_BYTES = 16_000_000
Row = dict[str, object]


def counting(ours: Ours, events: int, fresh: int) -> dict[str, object]:
    """Writes `events`, counts them, asks; then asks again with `fresh` events of the last seconds that nothing has counted."""
    ours.start_api()  # before the long part: what is installed may change under it
    began = time.monotonic()
    write_history(ours, events, int(time.time() * 1000) - 60_000, DAYS, ours.tenant_id)
    print(f"{events} events written in {time.monotonic() - began:.0f} s", flush=True)
    ours.rows("ANALYZE TABLE events, messages, recipients")
    pace = _count(ours)
    ours.rows("ANALYZE TABLE statistics_sums")
    rows = {name: int(ours.rows(f"SELECT COUNT(*) FROM {name}")[0][0]) for name in ("events", "messages", "statistics_sums")}
    print(f"counted {pace['events_per_s']:.0f} events/s, server {pace['server_us']:.1f} µs and client {pace['client_us']:.1f} µs of CPU each; rows: {rows}", flush=True)
    try:
        settled = _ask_all(ours, "all counted")
        write_history(ours, fresh, int(time.time() * 1000), FRESH_DAYS, ours.tenant_id, first=events)
        live = _ask_all(ours, f"{fresh} not counted")
    finally:
        ours.stop_all()
    shown = [{**one, "live_ms": other["ms"], "live_worst_ms": other["worst_ms"], "live_cpu_ms": other["cpu_ms"]} for one, other in zip(settled, live, strict=True)]
    print(f"Statistics over {events} events, the tenant with most of them (medians of {ROUNDS}; live: {fresh} events of the last seconds on top)\n"
          + table(shown, ("endpoint", "span", "by", "kb", "ms", "worst_ms", "cpu_ms", "live_ms", "live_worst_ms", "live_cpu_ms")) + "\n", flush=True)
    return {"pace": pace, "rows": rows, "endpoints": shown}


def _count(ours: Ours) -> dict[str, float]:
    connection = pymysql.connect(unix_socket=ours.mariadb.socket, user="root", database=ours.database, charset="utf8mb4", autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    count, more = int(ours.rows("SELECT COUNT(*) FROM events")[0][0]), True
    began, server, client = time.monotonic(), tree_cpu_s([ours.mariadb.pid]), time.process_time()
    while more:
        more = count_next(MysqlTxn(connection, PACKET_BYTES), time.time())
        connection.commit()
    connection.close()
    return {
        "events_per_s": count / (time.monotonic() - began), "server_us": (tree_cpu_s([ours.mariadb.pid]) - server) / count * 1e6,
        "client_us": (time.process_time() - client) / count * 1e6,
    }


def _ask_all(ours: Ours, what: str) -> list[Row]:
    today = datetime.now(UTC).date()
    names = "&".join(f"categories={name.replace(' ', '%20')}" for name in senders(ours.tenant_id, 1)[0].categories[:10])
    found = []
    for span, days in (("1 day", 1), ("90 days", 90), ("3 years", DAYS)):
        first = f"start_date={today - timedelta(days=days - 1)}"
        for by in ("day", "week", "month"):
            found.append(_ask(ours, span, by, f"/v3/stats?{first}&aggregated_by={by}"))
            found.append(_ask(ours, span, by, f"/v3/categories/stats?{first}&aggregated_by={by}&{names}"))
            found.append(_ask(ours, span, by, f"/v3/mailbox_providers/stats?{first}&aggregated_by={by}"))
            if days <= 92:
                found.append(_ask(ours, span, by, f"/v3/stats/categories?{first}&aggregated_by={by}"))
        found.append(_ask(ours, span, "-", f"/v3/categories/stats/sums?{first}&limit=50"))
        found.append(_ask(ours, span, "-", f"/v3/stats/sum?{first}"))
        found.append(_ask(ours, span, "-", f"/v3/stats/summary?{first}"))
    found.append(_ask(ours, "-", "-", "/v3/categories?limit=500"))
    print(f"  asked: {what}", flush=True)
    return found


def _ask(ours: Ours, span: str, by: str, path: str) -> Row:
    times, size, spent = [], 0, sum(ours.cpu_s().values())
    for _ in range(ROUNDS):
        request = Request(f"http://127.0.0.1:{ours.port}{path}", headers={"Authorization": f"Bearer {ours.key}"})
        began = time.perf_counter()
        with urlopen(request, timeout=60) as response:
            size = len(response.read())
        times.append((time.perf_counter() - began) * 1000)
    return {
        "endpoint": path.partition("?")[0], "span": span, "by": by, "kb": size / 1000, "ms": statistics.median(times), "worst_ms": max(times),
        "cpu_ms": (sum(ours.cpu_s().values()) - spent) / ROUNDS * 1000,
    }
