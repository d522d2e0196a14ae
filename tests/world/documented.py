"""The commands of docs/deployment.md, as they stand there, run on a host that is made of a folder: its root, its services, its names.

What cannot be had without being the host is stood in for: users, the service manager, the addresses. What ScaiSend is asked to do is not touched.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import scaisend
from tests.world.mariadb import PrivateMariadb
from tests.world.ports import free_port
from tests.world.program import bare_environment, wait_until
from tests.world.redis_server import RedisServer

TREE = Path(scaisend.__file__).parents[1]
PAGE = TREE / "docs" / "deployment.md"
START_S = 60.0
BLOCK_S = 240.0
# `scaisend` of the host: this tree's.
PROGRAM = """#!/bin/sh
exec {python} -m scaisend.app.cli "$@"
"""
# systemd's part: a unit's user aside, what its file says is done.
SERVICES = """#!/bin/bash
[ "$1" = enable ] || exit 0
shift 2
for name in "$@"; do
  unit={root}/etc/systemd/system/$name.service
  value() {{ sed -n "s/^$1=//p" $unit; }}
  (export $(value Environment); set -a; . $(value EnvironmentFile); set +a; cd $(value WorkingDirectory); eval "exec $(value ExecStart)" >>{root}/$name.log 2>&1) &
  echo $! >{root}/$name.pid
done
for name in "$@"; do
  for _ in $(seq 600); do grep -q ' runs ' {root}/$name.log && break; sleep 0.1; done
done
"""


def blocks(heading: str) -> list[str]:
    """The shell blocks under the heading of the page, in order, those of its sub-headings not included."""
    parts = re.split(r"(?m)^#{2,3} (.*)$", PAGE.read_text(encoding="utf-8"))
    (text,) = [parts[place + 1] for place in range(1, len(parts), 2) if re.sub(r"^\d+\. ", "", parts[place]) == heading]
    return re.findall(r"(?ms)^```sh\n(.*?)^```$", text)


def zone_lines(records: Sequence[Mapping[str, str]]) -> str:
    """The records of a sender domain, as `domains list --json` shows them, as a zone file has them."""
    lines = []
    for record in records:
        value = record["value"]
        if record["type"] == "TXT":
            value = " ".join(f'"{value[at : at + 200]}"' for at in range(0, len(value), 200))
        elif record["type"] in ("CNAME", "MX"):
            value += "."
        lines.append(f"{record['name']}. IN {record['type']} {value}\n")
    return "".join(lines)


class DocumentedHost:
    """A host by the page. `named` are the page's example names, and what they are here; `settings` the environment of all its processes."""

    def __init__(self, mariadb: PrivateMariadb, redis: RedisServer, named: Mapping[str, str], **settings: str) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="scaisend-documented-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = bare_environment(**settings)
        self._mariadb = mariadb
        redis.wipe()
        for folder in ("bin", "etc/systemd/system", "etc/scaisend", "var/lib/scaisend"):
            (self.root / folder).mkdir(parents=True)
        self.environment["PATH"] = f"{self.root / 'bin'}:{self.environment['PATH']}"
        self._stand_ins()
        self._named = {
            "/opt/scaisend/.venv/bin/": "", "/etc/": f"{self.root}/etc/", "/var/lib/scaisend": f"{self.root}/var/lib/scaisend",
            "http://127.0.0.1:8000": self.url, "redis://127.0.0.1:6379/0": redis.tcp_url, "'localhost'": "'127.0.0.1'",
            "@localhost/": f"@127.0.0.1:{mariadb.port}/", "curl -sS -f https://mail.example.org": f"curl -sS -f {self.url}", **named,
        }
        self._install_units()

    def _install_units(self) -> None:
        """The package's units, which stand where it puts them but for the host's root and port."""
        for role in ("api", "worker", "smtp"):
            text = (TREE / "debian" / f"scaisend.scaisend-{role}.service").read_text(encoding="utf-8").replace("API_PORT=8000", f"API_PORT={self.port}")
            for example, here in self._named.items():
                text = text.replace(example, here)
            (self.root / "etc/systemd/system" / f"scaisend-{role}.service").write_text(text, encoding="utf-8")

    def run(self, *scripts: str, **variables: str) -> str:
        """What the commands print, one after the other in one shell. Raises: AssertionError when one fails."""
        code, output = self.try_run(*scripts, **variables)
        if code != 0:
            raise AssertionError(f"exit code {code}: {output}\n{self.logs()}")
        return output

    def try_run(self, *scripts: str, **variables: str) -> tuple[int, str]:
        """Exit code and output, standard error included."""
        script = "set -eu\n" + "\n".join(scripts)
        for example, here in self._named.items():
            script = script.replace(example, here)
        done = subprocess.run(
            ["bash", "-c", script], env={**self.environment, **variables}, cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=BLOCK_S,
        )
        return done.returncode, done.stdout

    def env_file(self) -> str:
        return (self.root / "etc/scaisend/.env").read_text()

    def logs(self) -> str:
        """The ends of the services' outputs."""
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in sorted(self.root.glob("*.log")))

    def close(self) -> None:
        """Its services have ended, and nothing of it is left."""
        for path in self.root.glob("*.pid"):
            pid = int(path.read_text())
            _signal(pid, 15)
            wait_until(lambda pid=pid: not _is_alive(pid), START_S, lambda: self.logs())  # type: ignore[misc]
        with self._mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute("DROP DATABASE IF EXISTS scaisend")
            cursor.execute("DROP USER IF EXISTS 'scaisend'@'127.0.0.1'")
        shutil.rmtree(self.root, ignore_errors=True)

    def _stand_ins(self) -> None:
        client = shutil.which("mariadb")
        texts = {
            "scaisend": PROGRAM.format(python=sys.executable),
            "systemctl": SERVICES.format(root=self.root),
            "mariadb": f'#!/bin/sh\nexec {client} --no-defaults --socket={self._mariadb.socket} --user=root "$@"\n',
            "runuser": '#!/bin/sh\n[ "$1 $2 $3" = "-u scaisend --" ] || exit 2\nshift 3\nexec "$@"\n',
            "chown": "#!/bin/sh\n",
            "install": '#!/bin/sh\nfor last in "$@"; do :; done\nmkdir -p -m 750 "$last"\n',
        }
        for name, text in texts.items():
            path = self.root / "bin" / name
            path.write_text(text)
            path.chmod(stat.S_IRWXU)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
