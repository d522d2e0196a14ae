"""Hours at half of what the machine was measured to carry: memory, descriptors, queues and answers are noted, and everything is reckoned at the end.

The load is a mix: small mails, tracked HTML, attachments, twenty recipients at once, and recipients that their host refuses; every event goes
to a webhook of the bench. Loopback only.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import urlsplit

from tests.bench.kit import end, program, resident_mb, table
from tests.bench.ours import DOMAIN, HTML, TEXT, Ours, body
from tests.world.ports import free_port

REFUSED = "refused.test"
WARM_S, MEASURED_S = 10.0, 30.0
ASAP = 1e9
SENDERS = 8
EVERY_S = 30.0
SETTLE_S = 300.0
PARTS = ("api", "worker", "smtp")
FLAT_MB_PER_HOUR, FLAT_SHARE = 8.0, 0.05


@dataclass(slots=True)
class Sample:
    """One look: seconds since the start, what was accepted and has ended, recipients on their way, MB and descriptors by process."""

    at_s: float
    accepted: int
    ended: int
    open: int
    resident: Mapping[str, float]
    descriptors: Mapping[str, int]
    p99_ms: float
    cpu_s: Mapping[str, float]


@dataclass(slots=True)
class Load:
    """What the senders did: recipients promised by a 202, requests that were not answered so, and the milliseconds of the answers since the last look."""

    requests: int = 0
    accepted: int = 0
    refused: list[str] = field(default_factory=list)
    late_s: float = 0.0
    took_ms: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def soak(ours: Ours, minutes: float, rate: float) -> dict[str, object]:
    """Mails at `rate` requests a second (0: half of what is measured first) for so many minutes. What was found, also printed."""
    bounces, hook = _refusing_host(), _Hook()
    ours.environment["SMTP_ROUTES"] = f"{REFUSED}=127.0.0.1:{bounces[0]},*=127.0.0.1:{ours.sink.port}"
    ours.environment |= {"TRACKING_BASE_URL": "https://track.bench.test", "WEBHOOK_TARGETS": "any"}
    ours.start_api()
    ours.start("worker", "worker")
    ours.start("smtp", "smtp")
    time.sleep(3)
    try:
        _subscribe(ours, hook.url)
        capacity = 0.0 if rate else _capacity(ours)
        rate = rate or capacity / 2
        ours.empty()
        print(f"capacity {capacity:.0f} requests/s; the soak goes at {rate:.0f} requests/s for {minutes:g} minutes", flush=True)
        return _run(ours, hook, minutes * 60, rate) | {"capacity_per_s": capacity, "requests_per_s": rate}
    finally:
        end(bounces[1])
        hook.close()
        ours.stop_all()


def _capacity(ours: Ours) -> float:
    """Requests a second of the mix while the senders ask as fast as they are answered, to the last recorded outcome; once warm."""
    per_s = 0.0
    for seconds in (WARM_S, MEASURED_S):
        ours.empty()
        load, began = Load(), time.monotonic()
        _start_senders(ours, load, ASAP, began, seconds, join=True)
        while _open(ours) and time.monotonic() < began + seconds + SETTLE_S:
            time.sleep(0.2)
        if load.refused or _open(ours):
            raise SystemExit(f"the measured mails did not all arrive: {load.refused[:3]}")
        per_s = load.requests / (time.monotonic() - began)
    return per_s


def _start_senders(ours: Ours, load: Load, rate: float, began: float, seconds: float, *, join: bool = False) -> list[threading.Thread]:
    numbers = count()
    attachment = json.loads(body(ours.folder, "attachment").read_text())["attachments"]
    senders = [threading.Thread(target=_send, args=(ours, load, numbers, rate, began, began + seconds, attachment), daemon=True) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders if join else ():
        sender.join()
    return senders


def _run(ours: Ours, hook: "_Hook", seconds: float, rate: float) -> dict[str, object]:
    load, began = Load(), time.monotonic()
    cpu_before = ours.cpu_s()
    senders = _start_senders(ours, load, rate, began, seconds)
    samples: list[Sample] = []
    while time.monotonic() < began + seconds:
        time.sleep(min(EVERY_S, max(0.1, began + seconds - time.monotonic())))
        samples.append(_look(ours, load, began, cpu_before))
        _tell(samples[-1])
    for sender in senders:
        sender.join(60)
    until = time.monotonic() + SETTLE_S
    while (left := _open(ours)) and time.monotonic() < until:
        time.sleep(1)
    states = dict(ours.rows("SELECT status, COUNT(*) FROM recipients GROUP BY status"))
    audit = subprocess.run([sys.executable, "-m", "scaisend.app.cli", "audit", "--json"], env=ours.environment, capture_output=True, text=True)
    trend = {name: _slope_mb_per_hour(samples, name) for name in (*PARTS, "mariadb", "redis")}
    flat = {name: trend[name] <= max(FLAT_MB_PER_HOUR, FLAT_SHARE * samples[-1].resident[name]) for name in PARTS}
    found = {
        "minutes": seconds / 60, "accepted": load.accepted, "not_answered_202": len(load.refused), "reasons": load.refused[:5], "behind_s": round(load.late_s, 1),
        "states": states, "left": left, "outcomes_are_as_many_as_promises": sum(states.values()) == load.accepted, "webhook_events": hook.events,
        "mb_per_hour_second_half": trend, "flat": flat, "cpu_us_per_mail": {name: round(spent / max(1, samples[-1].accepted) * 1e6) for name, spent in samples[-1].cpu_s.items()}, "ledger": "clean" if audit.returncode == 0 else audit.stdout[-2000:],
        "samples": [{"at_s": each.at_s, "open": each.open, "p99_ms": each.p99_ms, "resident": each.resident, "descriptors": each.descriptors} for each in samples],
    }
    print(table([_row(each) for each in samples[:: max(1, len(samples) // 12)]], ("minute", "accepted", "open", "p99_ms", "api", "worker", "smtp", "mariadb", "redis", "descriptors")))
    print(json.dumps({name: value for name, value in found.items() if name != "samples"}, indent=2), flush=True)
    return found


def _send(ours: Ours, load: Load, numbers: "count[int]", rate: float, began: float, until: float, attachment: object) -> None:
    """Requests at their moments, whoever is free takes the next; a request that was not answered is counted, not repeated."""
    place = urlsplit(ours.url)
    connection: HTTPConnection | None = None
    headers = {"Authorization": f"Bearer {ours.key}", "Content-Type": "application/json"}
    while True:
        number = next(numbers)
        due = began + number / rate
        if max(due, time.monotonic()) >= until:
            return
        late = time.monotonic() - due
        if late < 0:
            time.sleep(-late)
        recipients, request = _request(number, attachment)
        asked = time.monotonic()
        try:
            connection = connection or HTTPConnection(place.hostname or "", place.port, timeout=60)
            connection.request("POST", place.path, json.dumps(request), headers)
            answer = connection.getresponse()
            text = answer.read()
            problem = "" if answer.status == 202 else f"{answer.status} {text[:200]!r}"
        except (OSError, HTTPException) as error:
            connection, problem = None, repr(error)
        with load.lock:
            load.requests += 1
            load.took_ms.append((time.monotonic() - asked) * 1000)
            load.late_s = max(load.late_s, late)
            if problem:
                load.refused.append(problem)
            else:
                load.accepted += recipients


def _request(number: int, attachment: object) -> tuple[int, dict[str, object]]:
    """How many recipients, and the body: by its number one of the kinds of the mix."""
    kind, to = number % 100, [f"user{number}@dst.test"]
    request: dict[str, object] = {
        "from": {"email": f"orders@{DOMAIN}", "name": "The Shop"}, "subject": f"Your order {number} is on its way", "categories": ["orders", f"shop{number % 7}"],
        "content": [{"type": "text/plain", "value": TEXT}, {"type": "text/html", "value": HTML}],
    }
    if kind == 0:
        to = [f"user{number}.{each}@dst.test" for each in range(20)]
    elif kind < 3:
        request["attachments"] = attachment
    elif kind < 5:
        to = [f"user{number}@{REFUSED}"]
    elif kind < 25:
        links = "".join(f'<p><a href="https://shop.test/item/{number}/{each}">item {each}</a></p>' for each in range(5))
        request["content"] = [{"type": "text/html", "value": HTML.replace("</body>", links + "</body>")}]
        request["tracking_settings"] = {"click_tracking": {"enable": True}, "open_tracking": {"enable": True}}
    request["personalizations"] = [{"to": [{"email": each}], "custom_args": {"order": str(number)}} for each in to]
    return len(to), request


def _look(ours: Ours, load: Load, began: float, cpu_before: Mapping[str, float]) -> Sample:
    with load.lock:
        took, load.took_ms = sorted(load.took_ms), []
    pids = {name: ours.resident(name) for name in PARTS} | {"mariadb": ours.mariadb.pid, "redis": ours.redis.pid}
    left = _open(ours)
    return Sample(
        round(time.monotonic() - began, 1), load.accepted, load.accepted - left, left, {name: round(resident_mb(pid), 1) for name, pid in pids.items()},
        {name: len(os.listdir(f"/proc/{pids[name]}/fd")) for name in PARTS}, round(took[int(len(took) * 0.99)], 1) if took else 0.0,
        {name: spent - cpu_before[name] for name, spent in ours.cpu_s().items()},
    )


def _open(ours: Ours) -> int:
    return int(ours.rows("SELECT COUNT(*) FROM recipients WHERE status IN ('queued', 'deferred', 'sending', 'in_doubt')")[0][0])


def _slope_mb_per_hour(samples: list[Sample], name: str) -> float:
    """The straight line through the second half of the readings."""
    half = samples[len(samples) // 2 :]
    if len(half) < 2:
        return 0.0
    slope = statistics.linear_regression([each.at_s for each in half], [each.resident[name] for each in half]).slope
    return round(slope * 3600, 2)


def _row(sample: Sample) -> dict[str, object]:
    return {
        "minute": round(sample.at_s / 60, 1), "accepted": sample.accepted, "open": sample.open, "p99_ms": sample.p99_ms, **sample.resident,
        "descriptors": sum(sample.descriptors.values()),
    }


def _tell(sample: Sample) -> None:
    print(json.dumps(_row(sample)), flush=True)


def _refusing_host() -> "tuple[int, subprocess.Popen[bytes]]":
    """A port where smtp-sink answers 5xx to each RCPT, and its process."""
    port = free_port()
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen([program("smtp-sink"), *user, "-f", "RCPT", f"127.0.0.1:{port}", "64"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return port, process
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


class _Hook:
    """An application that takes SendGrid's event batches and counts them."""

    def __init__(self) -> None:
        self.events = 0
        hook = self

        class Taker(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers["Content-Length"]))
                if len(asked) < int(self.headers["Content-Length"]):
                    return  # the sender was stopped in the middle
                hook.events += len(json.loads(asked))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


def _subscribe(ours: Ours, url: str) -> None:
    place = urlsplit(ours.url)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=30)
    wanted = {"enabled": True, "url": url, **dict.fromkeys(("processed", "delivered", "deferred", "bounce", "dropped", "open", "click"), True)}
    connection.request(
        "POST", "/v3/user/webhooks/event/settings", json.dumps(wanted), {"Authorization": f"Bearer {ours.key}", "Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    if answer.status not in (200, 201):
        raise SystemExit(f"the webhook was refused: {answer.status} {answer.read()!r}")
    connection.close()
