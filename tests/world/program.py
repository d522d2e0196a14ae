"""The program under test as processes: each with its output in a file, ended by its own pid, waited for with a deadline."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import scaisend

START_S = 60.0
STOP_S = 60.0
COMMAND_S = 240.0
PATIENCE = 3.0


class Died(AssertionError):
    """The process ended before it was asked to."""


def _hear_interrupts() -> None:
    """A test run in the background of a shell ignores SIGINT, and a child would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Program:
    """One long-running process of ScaiSend, and its output."""

    def __init__(self, arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path) -> None:
        self.log = log
        self._offset = log.stat().st_size if log.exists() else 0
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scaisend.app.cli", *arguments], env=dict(environment), cwd=folder, stdout=output, stderr=output,
                stdin=subprocess.DEVNULL, preexec_fn=_hear_interrupts,
            )
        self.pid = self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    @property
    def output(self) -> str:
        """What it has printed so far."""
        with open(self.log, "rb") as stream:
            stream.seek(self._offset)
            return stream.read().decode("utf-8", "replace")

    def wait_started(self, limit_s: float = START_S) -> None:
        """It says that it runs. Raises: Died when it ended instead."""
        wait_until(lambda: "ScaiSend " in self.output and " runs " in self.output or not self.alive, limit_s, lambda: f"not started: {self.output[-2000:]}")
        if not self.alive:
            raise Died(f"exit code {self.exit_code}: {self.output[-3000:]}")

    def wait_dead(self, limit_s: float) -> bool:
        """Whether it ended within PATIENCE times the limit."""
        try:
            self._process.wait(limit_s * PATIENCE)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """It is gone as in a power cut."""
        if self.alive:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait(STOP_S)

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def stop(self, limit_s: float = STOP_S) -> float:
        """It was asked to stop and did; how many seconds that took. Raises: AssertionError when it took longer than the limit."""
        began = time.monotonic()
        if self.alive:
            self._process.send_signal(signal.SIGTERM)
        if not self.wait_dead(limit_s):
            self.send_signal(signal.SIGUSR1)
            self.wait_dead(1.0)
            self.kill()
            raise AssertionError(f"it did not stop within {limit_s:g} s: {self.output[-3000:]}")
        return time.monotonic() - began


def run_command(arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command that ends by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "scaisend.app.cli", *arguments], env=dict(environment), cwd=folder, capture_output=True, text=True,
        timeout=COMMAND_S, stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout, done.stderr


def run_json(arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> Any:
    """What a command printed with --json. Raises: AssertionError when it failed."""
    code, output, errors = run_command([*arguments, "--json"], environment=environment, folder=folder)
    if code != 0:
        raise AssertionError(f"scaisend {' '.join(arguments)}: exit code {code}: {output[-2000:]}{errors[-2000:]}")
    return json.loads(output)


def bare_environment(**settings: str) -> dict[str, str]:
    """An environment of these settings and nothing of this machine's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    tree = str(Path(scaisend.__file__).parents[1])
    return {**kept, "PYTHONPATH": tree, "LOG_FORMAT": "text", "PYTHONUNBUFFERED": "1", **settings}


def wait_until(happened: Callable[[], object], limit_s: float, told: Callable[[], str], pause_s: float = 0.05) -> None:
    """It has happened. Raises: AssertionError with what `told` says when PATIENCE times the limit is over, which is that of a machine left alone."""
    end = time.monotonic() + limit_s * PATIENCE
    while not happened():
        if time.monotonic() > end:
            raise AssertionError(told())
        time.sleep(pause_s)
