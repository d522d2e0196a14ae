"""Whole installations of ScaiSend as processes of their own: `scaisend dev`, one process on SQLite, or several on MariaDB and Redis.

Waits are shortened (leases 10 s, doubt 2 s, retries 1 s). Mail of an `Installation` goes to a `CountingSink`.
"""

import json
import secrets
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.world.mariadb import PrivateMariadb
from tests.world.ports import free_port
from tests.world.program import Died, Program, bare_environment, run_command, run_json, wait_until
from tests.world.redis_server import RedisServer

SENDER_DOMAIN = "sender.test"
QUICK = {
    "WORK_LEASE": "10", "SMTP_IN_DOUBT_WAIT": "2", "SMTP_RETRY_BASE_DELAY": "1", "SMTP_COMMAND_TIMEOUT": "20", "SMTP_CONNECT_TIMEOUT": "5",
    "RATE_LIMIT_MAIL_SEND": "off", "RATE_LIMIT_MESSAGES": "off", "RATE_LIMIT_WRITES": "off", "RATE_LIMIT_DEFAULT": "off",
}
SETTLE_S = 120.0


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """What the database says of a recipient."""

    email: str
    message_id: str
    status: str
    waiting: str | None
    reason: str | None
    attempts: int
    resends: int


class _House:
    """What both kinds share: a folder, and questions to the database."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="scaisend-installation-"))
        self.command_environment: dict[str, str] = {}

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        raise AssertionError(f"no database to ask: {statement}")

    def recipients(self) -> list[RecipientRow]:
        return [RecipientRow(*row) for row in self.ask("SELECT email, message_id, status, waiting, reason, attempts, resends FROM recipients")]

    def states(self) -> Counter[str]:
        """How many recipients are in each state."""
        return Counter(dict(self.ask("SELECT status, COUNT(*) FROM recipients GROUP BY status")))

    def settled(self, limit_s: float = SETTLE_S) -> float:
        """Every recipient has an outcome; how many seconds that took. Raises: AssertionError with what still waits."""
        began = time.monotonic()
        wait_until(lambda: set(self.states()) <= ENDED, limit_s, lambda: f"unsettled after {limit_s:g} s: {self.open_rows()}\n{self.logs()}", 0.1)
        return time.monotonic() - began

    def open_rows(self) -> list[tuple[Any, ...]]:
        """Rows that have no outcome, for a failure's text."""
        return self.ask(
            "SELECT r.id, r.status, r.waiting, r.reason, r.attempt_id, r.due_at, r.claims, r.attempts, m.status, m.due_at, m.tries, m.has_body "
            "FROM recipients r JOIN messages m ON m.id = r.message_id "
            "WHERE r.status IN ('queued', 'deferred', 'sending', 'in_doubt') ORDER BY r.id LIMIT 8"
        )

    def logs(self, most: int = 1500) -> str:
        """The ends of all outputs."""
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-most:]}" for path in sorted(self.folder.glob("*.log")))

    def alarms(self) -> list[str]:
        """Lines of the outputs that tell of an error nobody expected."""
        return [line for path in self.folder.glob("*.log") for line in path.read_text(errors="replace").splitlines() if "Traceback" in line or "[critical]" in line]

    def audit(self) -> Mapping[str, Any]:
        """The ledger, which shows no violation."""
        code, output, errors = run_command(["audit", "--json"], environment=self.command_environment, folder=self.folder)
        if code != 0:
            raise AssertionError(f"the ledger has violations: {output}{errors}")
        ledger: Mapping[str, Any] = json.loads(output)
        return ledger

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


ENDED = frozenset({"delivered", "bounced", "failed", "dropped", "cancelled", "sandbox"})


class DevInstallation(_House):
    """`scaisend dev` on a data directory that outlives it."""

    def __init__(self, **settings: str) -> None:
        super().__init__()
        self._settings = {**QUICK, **settings}
        self.command_environment = bare_environment(DATA_DIR=str(self.folder / "data"))
        self.program: Program | None = None
        self.ready: Mapping[str, Any] = {}

    @property
    def api_url(self) -> str:
        return str(self.ready["api_url"])

    @property
    def api_key(self) -> str:
        return str(self.ready["api_key"])

    @property
    def sender(self) -> str:
        return f"app@{self.ready['from_domain']}"

    def start(self, fault: str = "", *, waits: bool = True) -> Program:
        """It runs, armed with the fault point; with `waits` it is ready."""
        assert self.program is None or not self.program.alive
        ready_file = self.folder / "ready.json"
        ready_file.unlink(missing_ok=True)
        self.program = Program(
            ["dev", "--data", str(self.folder / "data"), "--port", "0", "--ready-file", str(ready_file), "--quiet"],
            environment=bare_environment(**self._settings, SCAISEND_FAULT_POINT=fault), folder=self.folder, log=self.folder / "dev.log",
        )
        if waits and not self.wait_ready():
            raise Died(self.logs())
        return self.program

    def wait_ready(self) -> bool:
        """Whether it came so far; False when it died before."""
        program, ready_file = self.program, self.folder / "ready.json"
        assert program is not None
        wait_until(lambda: ready_file.exists() or not program.alive, 60.0, lambda: f"not ready: {self.logs()}", 0.02)
        if not ready_file.exists():
            return False
        self.ready = json.loads(ready_file.read_text())
        return True

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        return _ask_sqlite(self.folder / "data" / "scaisend.db", statement)

    def inbox(self) -> list[Mapping[str, Any]]:
        """Every mail that its MX took."""
        with urlopen(f"{self.ready['inbox_url']}/messages?limit=100000", timeout=30) as response:
            found: list[Mapping[str, Any]] = json.load(response)
        return found

    def raw(self, mail_id: str) -> bytes:
        with urlopen(f"{self.ready['inbox_url']}/messages/{mail_id}", timeout=30) as response:
            content: bytes = response.read()
        return content

    @property
    def copies(self) -> Counter[str]:
        return Counter(address for mail in self.inbox() for address in mail["rcpt_to"])

    def kill9(self) -> None:
        assert self.program is not None
        self.program.kill()

    def stop(self) -> float:
        assert self.program is not None
        return self.program.stop()

    def close(self) -> None:
        if self.program is not None:
            self.program.kill()
        self._remove()


class Installation(_House):
    """Processes with chosen roles on one database; SQLite and one process when no server is given."""

    def __init__(self, sink_port: int, *, mariadb: PrivateMariadb | None = None, redis: RedisServer | None = None, **settings: str) -> None:
        super().__init__()
        self._mariadb = mariadb
        self._name = mariadb.create_database() if mariadb else ""
        self.programs: dict[str, Program] = {}
        self._ports: dict[str, int] = {}
        adapters = {"DATABASE_URL": mariadb.url(self._name)} if mariadb else {}
        if redis is not None:
            redis.wipe()
            adapters["REDIS_URL"] = redis.tcp_url
        self.command_environment = bare_environment(
            **{
                **QUICK, **adapters, "DATA_DIR": str(self.folder / "data"), "SECRET_KEY": secrets.token_hex(32), "OPS_LISTEN": "off",
                "INBOUND_SMTP_PORT": "off", "SMTP_HELO_HOSTNAME": "mx.scaisend.test", "SMTP_ROUTES": f"*=127.0.0.1:{sink_port}", **settings,
            }
        )
        self.command("migrate")
        made = self.command_json("init")
        self.tenant_id, self.api_key = made["tenant_id"], made["api_key"]
        self.add_domain(SENDER_DOMAIN)
        self.sender = f"app@{SENDER_DOMAIN}"

    def command(self, *arguments: str) -> str:
        """What a command printed. Raises: AssertionError when it failed."""
        code, output, errors = run_command(arguments, environment=self.command_environment, folder=self.folder)
        if code != 0:
            raise AssertionError(f"scaisend {' '.join(arguments)}: exit code {code}: {output}{errors}")
        return output

    def command_json(self, *arguments: str) -> Any:
        return run_json(arguments, environment=self.command_environment, folder=self.folder)

    def add_domain(self, name: str, *options: str) -> None:
        """The domain is the tenant's and verified, its keys sign: as after a verification that found the records in DNS."""
        self.command_json("domains", "add", name, *options)
        now = int(time.time() * 1_000_000)
        self.tell(f"UPDATE domains SET verified = 1, verified_at = {now}")
        self.tell(f"UPDATE domain_keys SET status = 'active', seen_at = {now}")

    def start(self, name: str, *roles: str, fault: str = "", waits: bool = True, **settings: str) -> Program:
        """A process `name` runs the roles (its own name when none are given); an API keeps its port over restarts."""
        old = self.programs.get(name)
        assert old is None or not old.alive
        chosen = roles or (name,)
        arguments = ["run", *chosen]
        if {"api", "all"} & set(chosen):
            self._ports.setdefault(name, free_port())
            arguments += ["--host", "127.0.0.1", "--port", str(self._ports[name])]
        program = Program(
            arguments, environment={**self.command_environment, **settings, "SCAISEND_FAULT_POINT": fault}, folder=self.folder, log=self.folder / f"{name}.log"
        )
        self.programs[name] = program
        if waits:
            program.wait_started()
        return program

    @property
    def database_name(self) -> str:
        """Of the database on its server."""
        return self._name

    def reserve(self, name: str) -> str:
        """Where the API of that process will be."""
        self._ports.setdefault(name, free_port())
        return self.url(name)

    def port(self, name: str) -> int:
        """Where the API of that process listens."""
        return self._ports[name]

    def url(self, name: str) -> str:
        """Where the API of that process is."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        if self._mariadb is None:
            return _ask_sqlite(self.folder / "data" / "scaisend.db", statement)
        with self._mariadb.connect(self._name) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def tell(self, statement: str) -> None:
        """The statement was carried out and committed."""
        if self._mariadb is None:
            with sqlite3.connect(self.folder / "data" / "scaisend.db", timeout=30) as connection:
                connection.execute(statement)
            connection.close()
        else:
            self.ask(statement)

    def stop(self, *names: str) -> dict[str, float]:
        """The processes (all of them when none is named) stopped in good order; the seconds that each took."""
        return {name: self.programs[name].stop() for name in (names or self.programs) if self.programs[name].alive}

    def kill(self, names: Sequence[str]) -> None:
        for name in names:
            self.programs[name].kill()

    def close(self) -> None:
        """No process is left, nor the database."""
        for program in self.programs.values():
            program.kill()
        if self._mariadb is not None:
            try:
                self.ask(f"DROP DATABASE {self._name}")
            except Exception as error:
                print(f"the database {self._name} is left: {error}")
        self._remove()


def _ask_sqlite(path: Path, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()
