"""How long a new mail is on its way while one tenant's mails wait by the hundred thousand: another tenant's, and that tenant's own."""

import json
import os
import socket
import statistics
import threading
import time
import urllib.request
from collections.abc import Iterable

from scaisend.ids import LANE_AT, LANE_LENGTH, IdMaker, letters
from scaisend.storage.queue import EMAIL_PROCESS, LANE_WINDOW
from tests.bench.kit import table
from tests.bench.ours import DOMAIN, Ours

PROBE, SLOW = "probe.test", "slow.test"
PATIENCE_S = 60.0
PAUSE_S = 0.2
AT_ONCE = 5_000


class Sink:
    """A mail host of the bench: notes when the mail for each recipient was there, after taking `delay_s` for it."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.arrived: dict[str, float] = {}
        self._delay_s = delay_s
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        recipient, in_data = "", False
        try:
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"220 sink.test ESMTP\r\n")
                for line in lines:
                    if in_data:
                        if line == b".\r\n":
                            in_data = False
                            time.sleep(self._delay_s)
                            self.arrived[recipient] = time.monotonic()
                            connection.sendall(b"250 2.0.0 Ok\r\n")
                        continue
                    word = line[:4].upper()
                    if word == b"RCPT":
                        recipient = line.partition(b"<")[2].partition(b">")[0].decode()
                    in_data = word == b"DATA"
                    connection.sendall(b"354 go on\r\n" if in_data else b"221 2.0.0 Bye\r\n" if word == b"QUIT" else b"250 2.0.0 Ok\r\n")
                    if word == b"QUIT":
                        return
        except OSError:
            return


def fairness(ours: Ours, queued: int, probes: int) -> list[dict[str, object]]:
    """For a fast and for a slow destination of the waiting mails: seconds from the request to the MX, of another tenant's mail and the same tenant's."""
    probe, slow = Sink(), Sink(delay_s=1.0)
    ours.environment["SMTP_ROUTES"] = f"{PROBE}=127.0.0.1:{probe.port},{SLOW}=127.0.0.1:{slow.port},*=127.0.0.1:{ours.sink.port}"
    ours.environment["RATE_LIMIT_MAIL_SEND"] = "off"
    other = _another_tenant(ours)
    shown: list[dict[str, object]] = []
    for name, domain in (("fast", "dst.test"), ("slow, 10 mails/s", SLOW)):
        ours.empty()
        ours.start_api()
        try:
            _fill(ours, queued, domain)
            ours.start("worker", "worker")
            ours.start("smtp", "smtp")
            time.sleep(8)
            for whose, key in (("another tenant's", other), ("the same tenant's", ours.key)):
                seconds = [each for number in range(probes) if (each := _probe(ours, probe, key, f"{name[0]}{whose[0]}{number}")) is not None]
                left = int(ours.rows("SELECT COUNT(*) FROM recipients WHERE status NOT IN ('delivered', 'bounced', 'failed', 'dropped')")[0][0])
                shown.append({
                    "destination": name, "probe": whose, "arrived": f"{len(seconds)}/{probes}", **_figures(seconds), "waiting_after": left,
                })
        finally:
            ours.stop_all()
    probe.close()
    slow.close()
    print(f"A new mail behind {queued} of one tenant, seconds to its MX\n" + table(shown, ("destination", "probe", "arrived", "p50_s", "p95_s", "max_s", "waiting_after")))
    return shown


def _figures(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {"p50_s": statistics.median(ordered), "p95_s": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], "max_s": ordered[-1]}


def _probe(ours: Ours, sink: Sink, key: str, name: str) -> float | None:
    """Seconds from before the request until the mail was at its MX; None when it was not within PATIENCE_S."""
    to = f"{name}@{PROBE}"
    request = {
        "personalizations": [{"to": [{"email": to}]}], "from": {"email": f"orders@{DOMAIN}"}, "subject": "Reset your password",
        "content": [{"type": "text/plain", "value": "Your code is 1234."}],
    }
    began = time.monotonic()
    _post(ours, key, request)
    while to not in sink.arrived:
        if time.monotonic() - began > PATIENCE_S:
            return None
        time.sleep(0.005)
    time.sleep(PAUSE_S)
    return sink.arrived[to] - began


def _post(ours: Ours, key: str, request: dict[str, object]) -> str:
    asked = urllib.request.Request(
        ours.url, json.dumps(request).encode(), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return str(json.load(answer)["message_id"])


def _another_tenant(ours: Ours) -> str:
    """The API key of a second tenant with the same verified domain."""
    tenant_id = "tnt_" + letters(_ids().number())
    _copy(ours, "tenants", f"t.id = '{ours.tenant_id}'", {"id": f"'{tenant_id}'", "slug": "'other'", "name": "'Other'", "external_id": "NULL"})
    _copy(ours, "domains", "1", {"id": "CONCAT(id, 'x')", "tenant_id": f"'{tenant_id}'"})
    _copy(ours, "domain_keys", "1", {"id": "CONCAT(id, 'x')", "domain_id": "CONCAT(domain_id, 'x')", "tenant_id": f"'{tenant_id}'"})
    made = json.loads(ours.command("keys", "create", "probe", "--tenant", tenant_id, "--json"))
    return str(made.get("api_key") or made["key"])


def _fill(ours: Ours, queued: int, domain: str) -> None:
    """So many mails of the first tenant wait in the database and in Redis, as if they had been accepted one by one."""
    request: dict[str, object] = {
        "personalizations": [{"to": [{"email": f"u@{domain}"}]}], "from": {"email": f"orders@{DOMAIN}"}, "subject": "News",
        "content": [{"type": "text/plain", "value": "News of the week.\r\n" * 50}],
    }
    template = _post(ours, ours.key, request)
    time.sleep(0.5)
    ours.redis.wipe()
    head = template[: 4 + LANE_AT + LANE_LENGTH]
    an_id = f"CONCAT('{head}', LPAD(counted.n, 12, '0'))"
    for table_name, which, own in (
        ("messages", f"t.id = '{template}'", {"id": an_id}),
        ("recipients", f"t.message_id = '{template}'", {"id": f"CONCAT({an_id}, '.0')", "message_id": an_id, "email": f"CONCAT('u', counted.n, '@{domain}')"}),
        ("events", f"t.message_id = '{template}'", {"id": f"CONCAT('evt_', SUBSTR('{head}', 5), LPAD(counted.n, 12, '0'))", "message_id": an_id, "recipient_id": f"CONCAT({an_id}, '.0')"}),
    ):
        for first in range(1, queued + 1, 100_000):
            _copy(ours, table_name, which, own, f"JOIN (SELECT seq AS n FROM seq_{first}_to_{min(queued, first + 99_999)}) counted")
    _queue(ours, (f"{head}{number:012}" for number in range(1, queued + 1)), head[4 + LANE_AT :], queued)


def _queue(ours: Ours, ids: Iterable[str], lane: str, count: int) -> None:
    """The ids wait in Redis: the lane's window in the main list, the rest behind it."""
    batch: list[str] = []
    pushed = 0

    def flush() -> None:
        nonlocal pushed
        room = max(0, LANE_WINDOW - pushed)
        if batch[:room]:
            ours.redis.ask("RPUSH", EMAIL_PROCESS, *batch[:room])
        if batch[room:]:
            ours.redis.ask("ZADD", f"{EMAIL_PROCESS}:behind:{lane}", *[word for each in batch[room:] for word in ("0", each)])
        ours.redis.ask("HSET", f"{EMAIL_PROCESS}:known", *[word for each in batch for word in (each, "")])
        pushed += len(batch)
        batch.clear()

    for each in ids:
        batch.append(each)
        if len(batch) == AT_ONCE or pushed + len(batch) == LANE_WINDOW:
            flush()
    if batch:
        flush()
    ours.redis.ask("HSET", f"{EMAIL_PROCESS}:lanes", lane, str(min(count, LANE_WINDOW)))
    ours.redis.ask("RPUSH", f"{EMAIL_PROCESS}:bell", "1")


def _copy(ours: Ours, name: str, which: str, own: dict[str, str], join: str = "") -> None:
    """Rows of the table again, with other values in some columns."""
    columns = [row[0] for row in ours.rows(
        f"SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '{name}' AND extra NOT LIKE '%auto_increment%'"
    )]
    values = [own.get(column, f"t.`{column}`") for column in columns]
    names = ", ".join(f"`{column}`" for column in columns)
    ours.rows(f"INSERT INTO {name} ({names}) SELECT {', '.join(values)} FROM {name} t {join} WHERE {which}")


def _ids() -> IdMaker:
    return IdMaker(now_s=time.time, random_bits=lambda bits: int.from_bytes(os.urandom(8), "big") >> (64 - bits))
