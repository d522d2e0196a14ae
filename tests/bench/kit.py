"""Measuring: CPU of process trees, a counting sink, load by `ab` and `wrk`, medians. Loopback only, bounded in count and time."""

import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.world.ports import free_port

TICKS = os.sysconf("SC_CLK_TCK")


def tree_cpu_s(pids: Iterable[int]) -> float:
    """User and system seconds of the processes, their living descendants and the children they reaped."""
    table: dict[int, tuple[int, int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(") ")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            table[int(name)] = (int(fields[1]), sum(int(each) for each in fields[11:15]))
    wanted = set(pids)
    grown = True
    while grown:
        more = {pid for pid, (parent, _) in table.items() if parent in wanted} - wanted
        wanted |= more
        grown = bool(more)
    return sum(ticks for pid, (_, ticks) in table.items() if pid in wanted) / TICKS


def resident_mb(pid: int) -> float:
    """Resident memory of one process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def busy_cores(over_s: float = 1.0) -> float:
    """How many cores were busy during the last moment."""

    def busy() -> float:
        values = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
        return (values[0] + values[1] + values[2] + values[5] + values[6]) / TICKS

    first, began = busy(), time.monotonic()
    time.sleep(over_s)
    return (busy() - first) / (time.monotonic() - began)


def wait_quiet(limit_s: float = 20.0) -> float:
    """Waits until the machine is nearly idle, at most `limit_s`; the cores busy at the end."""
    until = time.monotonic() + limit_s
    while True:
        load = busy_cores()
        if load < 0.3 or time.monotonic() > until:
            return load



def program(name: str) -> str:
    """Where a program is; /usr/sbin is looked at too."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/lib/postfix/sbin")
    if found is None:
        raise SystemExit(f"{name} is not installed; the benchmark needs it")
    return found


class CountingSink:
    """Postfix's smtp-sink with its running counter in a file."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._file = open(folder / "sink.count", "wb+")  # noqa: SIM115  # open as long as the sink runs
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        self.process = subprocess.Popen(
            [program("smtp-sink"), *user, "-c", f"127.0.0.1:{self.port}", "1024"], stdout=self._file, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def count(self) -> int:
        """Messages whose final dot was answered."""
        size = os.fstat(self._file.fileno()).st_size
        tail = os.pread(self._file.fileno(), 200, max(0, size - 200)).decode("ascii", "replace")
        found = re.findall(r"mesg=(\d+)", tail)
        return int(found[-1]) if found else 0

    def wait(self, count: int, limit_s: float) -> bool:
        """Whether so many messages had arrived within the limit."""
        until = time.monotonic() + limit_s
        while self.count() < count:
            if time.monotonic() > until or self.process.poll() is not None:
                return False
            time.sleep(0.01)
        return True

    def close(self) -> None:
        end(self.process)
        self._file.close()


def end(process: "subprocess.Popen[bytes] | None", limit_s: float = 15.0) -> None:
    """The process, which we started, is gone."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def post_many(url: str, key: str, body: Path, count: int, connections: int) -> dict[str, float]:
    """Posts the body so many times over kept connections (ab); seconds, own CPU seconds, p50 and p99 in ms."""
    before = os.times()
    began = time.monotonic()
    out = subprocess.run(
        [program("ab"), "-q", "-k", "-l", "-n", str(count), "-c", str(connections), "-p", str(body), "-T", "application/json",
         "-H", f"Authorization: Bearer {key}", url],
        capture_output=True, text=True, timeout=600, check=True,
    ).stdout
    wall_s = time.monotonic() - began
    after = os.times()
    if re.search(r"Non-2xx responses:\s+[1-9]", out) or re.search(r"Failed requests:\s+[1-9]", out):
        raise SystemExit(f"requests were refused:\n{out[-1500:]}")
    share = dict(re.findall(r"^\s+(50|99)%\s+(\d+)", out, re.M))
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return {"wall_s": wall_s, "cpu_s": cpu_s, "p50_ms": float(share.get("50", 0)), "p99_ms": float(share.get("99", 0))}


def post_for(url: str, key: str, body: Path, seconds: int, connections: int, folder: Path) -> dict[str, float]:
    """Posts the body for so many seconds (wrk); requests, requests a second and p99 in ms."""
    script = folder / "post.lua"
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        f'wrk.headers["Authorization"] = "Bearer {key}"\nlocal f = io.open("{body}", "rb")\nwrk.body = f:read("*all")\nf:close()\n'
    )
    out = subprocess.run(
        [program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url],
        capture_output=True, text=True, timeout=seconds + 60, check=True,
    ).stdout
    if "Non-2xx" in out:
        raise SystemExit(f"requests were refused:\n{out}")
    found = re.search(r"(\d+) requests in ([\d.]+)(s|m)", out)
    late = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    assert found and late, out
    seconds_run = float(found[2]) * (60 if found[3] == "m" else 1)
    factor = {"us": 0.001, "ms": 1.0, "s": 1000.0}[late[2]]
    return {"requests": float(found[1]), "per_s": int(found[1]) / seconds_run, "p99_ms": float(late[1]) * factor}


def medians(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over the runs."""
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Rows as aligned text."""
    cells = [[_shown(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(column), *(len(line[at]) for line in cells)) for at, column in enumerate(columns)]
    lines = [list(columns), *cells]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return str(value)
