"""ScaiSend under measurement: MariaDB with a flush at each commit, Redis, API and worker processes, a sink."""

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from scaisend.ids import IdMaker
from scaisend.sealing import Sealer
from tests.bench.kit import CountingSink, end, tree_cpu_s
from tests.world.mariadb import PrivateMariadb
from tests.world.ports import free_port
from tests.world.redis_server import RedisServer

SECRET = "benchmark-" * 4
DOMAIN = "src.test"
TEXT = "Your order A-10293 is on its way.\r\n" * 30
HTML = "<html><body><h1>Your order</h1>" + "<p>Blue mug, 2 pieces, EUR 24.00 &mdash; shipped today.</p>\n" * 44 + "</body></html>"


class Ours:
    """One installation; its processes are started for each run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mariadb = PrivateMariadb(folder / "mariadb", buffer="1G")
        self.redis = RedisServer()
        self.redis.start()
        self.sink = CountingSink(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v3/mail/send"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.database = self.mariadb.create_database()
        self.environment = {
            **os.environ, "DATABASE_URL": self.mariadb.url(self.database), "REDIS_URL": self.redis.url, "SECRET_KEY": SECRET,
            "DATA_DIR": str(folder / "data"), "SMTP_ROUTES": f"*=127.0.0.1:{self.sink.port}", "OPS_LISTEN": "off", "INBOUND_SMTP_PORT": "off",
            "SMTP_HELO_HOSTNAME": "bench.test", "RATE_LIMIT_MAIL_SEND": "off", "LOG_LEVEL": "warn", "SMTP_POOL_SIZE_PER_DOMAIN": "10",
        }
        self.command("migrate")
        made = json.loads(self.command("init", "--json"))
        self.key, self.tenant_id = made["api_key"], made["tenant_id"]
        self._add_domain()

    def command(self, *words: str) -> str:
        """Standard output of a command of the console script."""
        return subprocess.run(
            [sys.executable, "-m", "scaisend.app.cli", *words], env=self.environment, cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout

    def start(self, name: str, *words: str) -> "subprocess.Popen[bytes]":
        """A process of the console script, by a name of ours."""
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "scaisend.app.cli", *words], env=self.environment, cwd=self.folder, stdout=log, stderr=log)
        self._processes[name] = process
        return process

    def start_api(self, name: str = "api", *, reuse: bool = False) -> None:
        """An API process that answers."""
        self.start(name, "serve", "--host", "127.0.0.1", "--port", str(self.port), *(["--reuse-port"] if reuse else []))
        import urllib.request

        until = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=1).close()
                return
            except OSError:
                if time.monotonic() > until or self._processes[name].poll() is not None:
                    raise SystemExit(f"the API did not start: {(self.folder / f'{name}.log').read_text()[-2000:]}") from None
                time.sleep(0.1)

    def stop_all(self) -> None:
        """The processes have ended."""
        for process in reversed(self._processes.values()):
            end(process, 40)
        self._processes.clear()

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far by part."""
        parts = {name: tree_cpu_s([process.pid]) for name, process in self._processes.items()}
        return {**parts, "mariadb": tree_cpu_s([self.mariadb.pid]), "redis": tree_cpu_s([self.redis.pid])}

    def resident(self, name: str) -> int:
        """The pid of a process of ours."""
        return self._processes[name].pid

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.mariadb.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def empty(self) -> None:
        """No message is left of an earlier run."""
        for table in ("messages", "recipients", "events", "mail_requests", "bodies", "dialogues", "outbox"):
            self.rows(f"TRUNCATE {table}")
        self.redis.wipe()

    def wait_ended(self, limit_s: float) -> int:
        """Recipients that have not ended when the limit is over; 0 as soon as none is left."""
        until = time.monotonic() + limit_s
        while True:
            left = int(self.rows("SELECT COUNT(*) FROM recipients WHERE status <> 'delivered'")[0][0])
            if not left or time.monotonic() > until:
                return left
            time.sleep(0.05)

    def close(self) -> None:
        self.stop_all()
        self.sink.close()
        self.redis.stop()
        self.mariadb.close()

    def _add_domain(self) -> None:
        """A verified domain with an RSA-2048 key, by rows: DNS is not what is measured."""
        key = generate_private_key(65_537, 2_048)
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        sealed = Sealer(SECRET.encode(), os.urandom).seal("dkim", private)
        ids = IdMaker(now_s=time.time, random_bits=lambda bits: int.from_bytes(os.urandom(8), "big") >> (64 - bits))
        now = int(time.time() * 1e6)
        domain_id = ids.new("dom", self.tenant_id)
        with self.mariadb.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO domains (id, tenant_id, domain, verified, return_path_ready, is_default, check_result, created_at, updated_at) "
                "VALUES (%s, %s, %s, 1, 0, 1, '[]', %s, %s)", (domain_id, self.tenant_id, DOMAIN, now, now),
            )
            cursor.execute(
                "INSERT INTO domain_keys (id, tenant_id, domain_id, selector, algorithm, sealed_private, public, status, created_at, seen_at) "
                "VALUES (%s, %s, %s, 'bench', 'rsa-sha256', %s, %s, 'active', %s, %s)",
                (ids.new("dky", self.tenant_id), self.tenant_id, domain_id, sealed, public, now, now),
            )


def body(folder: Path, kind: str) -> Path:
    """A file with the request: `small` renders to a 4 KiB mail, `attachment` carries 100 KB, `thousand` has 1000 personalizations."""
    request: dict[str, Any] = {
        "personalizations": [{"to": [{"email": "jane.doe@dst.test", "name": "Jane Doe"}], "custom_args": {"order_id": "A-10293"}}],
        "from": {"email": f"orders@{DOMAIN}", "name": "The Shop"}, "reply_to": {"email": f"help@{DOMAIN}", "name": "Help"},
        "subject": "Your order A-10293 is on its way", "categories": ["orders", "shipping"],
        "content": [{"type": "text/plain", "value": TEXT}, {"type": "text/html", "value": HTML}],
    }
    if kind == "attachment":
        content = base64.b64encode(os.urandom(100_000)).decode()
        request["attachments"] = [{"content": content, "filename": "invoice.pdf", "type": "application/pdf"}]
    if kind == "thousand":
        request["personalizations"] = [{"to": [{"email": f"user{number}@dst.test"}]} for number in range(1000)]
    path = folder / f"{kind}.json"
    path.write_text(json.dumps(request))
    return path
