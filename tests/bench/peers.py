"""What ScaiSend is set beside, where the folder of peers is: the usual Python stack, and Postfix with OpenDKIM.

Each run is one call of the peer's own driver, so that runs can be made by turns.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PEERS = Path(__file__).resolve().parents[3] / "shared" / "bench"
VENV = Path(__file__).resolve().parents[2] / "build" / "bench-peers"


def baseline(what: str, messages: int, seconds: int) -> dict[str, float] | None:
    """One run of the Python baseline (`e2e` or `accept`): per_s and CPU µs by part; None where it is absent."""
    driver = PEERS / "python_baseline" / "bench.py"
    if not driver.exists():
        return None
    row = _run([str(_python()), str(driver), what, "--runs", "1", "--messages", str(messages), "--seconds", str(seconds)], driver.parent, f"run 0 baseline {what}")
    if row is None:
        return None
    parts = {name: float(row[f"{name}_us"]) for name in ("api", "worker", "mariadb", "redis") if f"{name}_us" in row}
    return {"per_s": float(row["e2e" if what == "e2e" else "req_s"]), **{f"{name}_us": value for name, value in parts.items()}, "cpu_us": sum(parts.values())}


def postfix(messages: int, variant: str) -> dict[str, float] | None:
    """One run of Postfix as a relay, `log` or `dkim` (with OpenDKIM); None where it is absent or we are not root."""
    driver = PEERS / "peer_postfix.py"
    if not driver.exists():
        return None
    command = [sys.executable, str(driver), "--runs", "1", "--messages", str(messages), "--variants", variant]
    row = _run(command, PEERS, f"run 0 {variant}")
    if row is None:
        return None
    return {"per_s": float(row["e2e"]), "cpu_us": float(row["postfix_us"]) + float(row.get("dkim_us", 0.0))}


def _python() -> Path:
    """The Python of the baseline's own environment, made at first use."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(PEERS / "python_baseline" / "requirements.txt")], check=True)
    return python


def _run(command: list[str], folder: Path, name: str) -> Mapping[str, float] | None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    if done.returncode:
        print(f"a peer did not run: {done.stderr[-400:]}", file=sys.stderr)
        return None
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = [row for row in rows if str(row.get("name", "")).startswith(name)]
    return found[0] if found else None
