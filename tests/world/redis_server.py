"""A private Redis server, one for each test process, started at the first use and ended with the process."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.world.ports import free_port

_running: "list[RedisServer]" = []


def redis_server() -> "RedisServer":
    """The private server, running and empty. Raises: SkipTest where no redis-server is installed, unless CI is set."""
    if not _running:
        _running.append(RedisServer())
    _running[0].start()
    _running[0].wipe()
    return _running[0]


class RedisServer:
    """redis-server on a unix socket and a free loopback port, which speaks TLS alone where a folder with `cert.pem` and `key.pem` is given."""

    def __init__(self, *arguments: str, tls: str | None = None) -> None:
        program = shutil.which("redis-server")
        if program is None:
            if os.environ.get("CI") == "true":
                raise RuntimeError("redis-server is not installed")
            raise SkipTest("redis-server is not installed: the Redis adapters are NOT tested")
        self._program = program
        self._arguments = [*arguments, *_tls_arguments(tls)]
        self._port_option = "--port" if tls is None else "--tls-port"
        self._process: subprocess.Popen[bytes] | None = None
        self.directory = Path(tempfile.mkdtemp(prefix="scaisend-redis-"))
        self.socket = self.directory / "redis.sock"
        self.port = free_port()
        atexit.register(self.remove)

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def tcp_url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The server's process. Raises: AssertionError while it is stopped."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """The server answers; nothing happens when it did already."""
        if self._process is not None and self._process.poll() is None:
            return
        (self.directory / "redis.conf").touch()
        self._process = subprocess.Popen(
            [
                self._program, str(self.directory / "redis.conf"), self._port_option, str(self.port), "--bind", "127.0.0.1",
                "--unixsocket", str(self.socket), "--dir", str(self.directory), "--save", "", "--appendonly", "no",
                "--daemonize", "no", *self._arguments,
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 40
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError("redis-server does not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """The server is gone, and what it held with it."""
        self.kill(signal.SIGTERM)

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(10)
            self._process = None

    def pause(self) -> None:
        """The server hangs: it takes connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        self.ask("FLUSHALL")

    def ask(self, *words: str) -> bytes:
        """The raw reply to one command."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(f"*{len(words)}\r\n".encode() + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words))
            return connection.recv(65536)

    def count(self, *words: str) -> int:
        """The integer reply to one command."""
        return int(self.ask(*words)[1:].split()[0])

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            return self.ask("PING") == b"+PONG\r\n"
        except OSError:
            return False


def _tls_arguments(folder: str | None) -> list[str]:
    """Replicas and sentinels verify with the chain in cert.pem; clients show no certificate."""
    if folder is None:
        return []
    return [
        "--port", "0", "--tls-replication", "yes", "--tls-auth-clients", "no", "--tls-cert-file", f"{folder}/cert.pem",
        "--tls-key-file", f"{folder}/key.pem", "--tls-ca-cert-file", f"{folder}/cert.pem",
    ]

