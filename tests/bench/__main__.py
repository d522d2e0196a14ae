"""`make bench`: accepting, end to end, CPU by part, memory with 100 000 mails queued; beside the peers where they are.

Prints tables and writes bench-results.json. Compare only figures of one run: the runs of ours and of the peers are made by turns.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from tests.bench import peers
from tests.bench.counting import counting
from tests.bench.fairness import fairness
from tests.bench.kit import busy_cores, medians, post_for, post_many, resident_mb, table, wait_quiet
from tests.bench.ours import Ours, body
from tests.bench.soak import soak

Figures = dict[str, float]


def main() -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="rounds by turns (default 3)")
    parser.add_argument("--messages", type=int, default=3000, help="mails of one end-to-end run")
    parser.add_argument("--seconds", type=int, default=5, help="seconds of one accepting run")
    parser.add_argument("--queued", type=int, default=100_000, help="mails that wait in the memory run; 0 leaves it out")
    parser.add_argument("--events", type=int, default=10_000_000, help="events of the statistics run")
    parser.add_argument("--fresh", type=int, default=20_000, help="events that it asks over before they are counted")
    parser.add_argument("--probes", type=int, default=50, help="mails of each kind in the fairness run, behind a million waiting ones or --queued")
    parser.add_argument("--only", choices=("accept", "e2e", "memory", "statistics", "fairness", "soak"), help="one part alone")
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the soak")
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second of the soak; 0: half of what is measured first")
    parser.add_argument("--no-peers", action="store_true", help="ScaiSend alone")
    parser.add_argument("--results", default="bench-results.json")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="scaisend-bench-"))
    os.chmod(folder, 0o755)
    ours = Ours(folder)
    results: dict[str, object] = {"machine": {"cores": os.cpu_count(), "python": platform.python_version(), "busy_before": busy_cores()}}
    try:
        if options.only in (None, "accept"):
            results["accept"] = accepting(ours, options)
        if options.only in (None, "e2e"):
            results["e2e"] = end_to_end(ours, options)
        if options.only in (None, "memory") and options.queued:
            results["memory"] = memory(ours, options.queued)
        if options.only == "statistics":
            results["statistics"] = counting(ours, options.events, options.fresh)
        if options.only == "fairness":
            results["fairness"] = fairness(ours, options.queued if options.queued != parser.get_default("queued") else 1_000_000, options.probes)
        if options.only == "soak":
            results["soak"] = soak(ours, options.minutes, options.rate)
    finally:
        ours.close()
        Path(options.results).write_text(json.dumps(results, indent=2) + "\n")
        subprocess.run(["rm", "-rf", str(folder)], check=False)
    print(f"written to {options.results}")
    return 0


def accepting(ours: Ours, options: argparse.Namespace) -> list[dict[str, object]]:
    """202 after the commit, 50 connections, one API process; then attachments, and requests of 1000 personalizations."""
    rows: dict[str, list[Figures]] = defaultdict(list)
    kinds = ("small", "attachment", "thousand")
    for _ in range(options.runs):
        for kind in kinds:
            rows[f"ScaiSend, {kind}"].append(_accept_once(ours, kind, options.seconds))
        if not options.no_peers:
            _add(rows, "Python baseline, small", lambda: peers.baseline("accept", 0, options.seconds))
    return _shown("Accepted requests, one API process", rows, ("per_s", "messages_per_s", "p99_ms", "api_us", "mariadb_us", "redis_us", "cpu_us", "load"))


def _accept_once(ours: Ours, kind: str, seconds: int) -> Figures:
    request = body(ours.folder, kind)
    ours.empty()
    ours.start_api()
    try:
        connections = 4 if kind == "thousand" else 50
        post_for(ours.url, ours.key, request, 1, connections, ours.folder)
        load = wait_quiet()
        before = ours.cpu_s()
        found = post_for(ours.url, ours.key, request, seconds, connections, ours.folder)
        time.sleep(0.2)
        cpu = _spent(before, ours.cpu_s(), found["requests"])
        each = 1000.0 if kind == "thousand" else 1.0
        return {"per_s": found["per_s"], "messages_per_s": found["per_s"] * each, "p99_ms": found["p99_ms"], "load": load, **cpu}
    finally:
        ours.stop_all()


def end_to_end(ours: Ours, options: argparse.Namespace) -> list[dict[str, object]]:
    """From the request to the recorded delivery, 4 KiB mails signed with RSA-2048, into smtp-sink: one API and one worker+smtp process."""
    rows: dict[str, list[Figures]] = defaultdict(list)
    for _ in range(options.runs):
        rows["ScaiSend, 1 API + 1 worker,smtp"].append(_deliver_once(ours, options.messages, [("worker", "run", "worker", "smtp")]))
        rows["ScaiSend, three processes"].append(
            _deliver_once(ours, options.messages, [("worker", "worker"), ("smtp", "smtp")])
        )
        if not options.no_peers:
            _add(rows, "Python baseline, 1 API + 1 worker", lambda: peers.baseline("e2e", min(1000, options.messages), 0))
            _add(rows, "Postfix + OpenDKIM", lambda: peers.postfix(options.messages, "dkim"))
            _add(rows, "Postfix, unsigned", lambda: peers.postfix(options.messages, "log"))
    shown = _shown("Delivered mails", rows, ("per_s", "accepted_per_s", "api_us", "worker_us", "smtp_us", "mariadb_us", "redis_us", "cpu_us", "load"))
    first, base = shown[0], next((row for row in shown if str(row["what"]).startswith("Python")), None)
    if base:
        print(f"  {float(str(first['per_s'])) / float(str(base['per_s'])):.1f} times the baseline, {float(str(first['cpu_us'])) / float(str(base['cpu_us'])):.2f} of its CPU\n")
    return shown


def _deliver_once(ours: Ours, messages: int, processes: list[tuple[str, ...]]) -> Figures:
    request = body(ours.folder, "small")
    ours.empty()
    ours.start_api()
    for name, *words in processes:
        ours.start(name, *words)
    try:
        time.sleep(2)
        post_many(ours.url, ours.key, request, 200, 50)
        if ours.wait_ended(60):
            raise SystemExit(f"the warm-up was not delivered; see the logs in {ours.folder}")
        load = wait_quiet()
        sunk, before, began = ours.sink.count(), ours.cpu_s(), time.monotonic()
        posted = post_many(ours.url, ours.key, request, messages, 50)
        arrived = ours.sink.wait(sunk + messages, 300)
        wall_s = time.monotonic() - began
        left = ours.wait_ended(60)
        time.sleep(0.2)
        if not arrived or left:
            raise SystemExit(f"{left} mails have not ended; see the logs in {ours.folder}")
        cpu = _spent(before, ours.cpu_s(), messages)
        copies = ours.sink.count() - sunk - messages
        return {"per_s": messages / wall_s, "accepted_per_s": messages / posted["wall_s"], "copies": float(copies), "load": load, **cpu}
    finally:
        ours.stop_all()


def memory(ours: Ours, queued: int) -> dict[str, object]:
    """Resident memory of the processes while `queued` mails wait for a destination that takes nothing, and after a while of waiting."""
    ours.empty()
    ours.environment["SMTP_ROUTES"] = "*=127.0.0.1:9"  # nobody listens there
    ours.start_api()
    ours.start("worker", "run", "worker", "smtp")
    try:
        time.sleep(3)
        request = body(ours.folder, "thousand")
        points = [_resident(ours, 0)]
        for _ in range(4):
            post_many(ours.url, ours.key, request, max(1, queued // 4000), 2)
            waiting = int(ours.rows("SELECT COUNT(*) FROM recipients")[0][0])
            points.append(_resident(ours, waiting))
        time.sleep(15)
        points.append(_resident(ours, int(ours.rows("SELECT COUNT(*) FROM recipients")[0][0])))
        print("Memory while mails wait, MB resident\n" + table(points, ("queued", "api_mb", "worker_mb")) + "\n")
        return {"points": points}
    finally:
        ours.stop_all()
        ours.environment["SMTP_ROUTES"] = f"*=127.0.0.1:{ours.sink.port}"


def _resident(ours: Ours, queued: int) -> dict[str, object]:
    return {"queued": queued, "api_mb": resident_mb(ours.resident("api")), "worker_mb": resident_mb(ours.resident("worker"))}


def _spent(before: Figures, after: Figures, count: float) -> Figures:
    """CPU µs a mail by part, and over all."""
    parts = {f"{name}_us": (after[name] - before[name]) / count * 1e6 for name in after}
    return {**parts, "cpu_us": sum(parts.values())}


def _add(rows: dict[str, list[Figures]], name: str, run: Callable[[], Figures | None]) -> None:
    found = run()
    if found is not None:
        rows[name].append(found)


def _shown(title: str, rows: dict[str, list[Figures]], columns: tuple[str, ...]) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = [{"what": name, **medians(runs), "runs": len(runs)} for name, runs in rows.items()]
    print(f"{title} (medians of {max(len(runs) for runs in rows.values())} rounds by turns)\n" + table(shown, ("what", *columns)) + "\n", flush=True)
    return shown


if __name__ == "__main__":
    sys.exit(main())
