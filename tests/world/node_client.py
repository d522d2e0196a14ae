"""@sendgrid/mail from npm, unchanged but for the host, as a process."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from unittest import SkipTest

SCRIPT = Path(__file__).parents[1] / "node" / "send.js"


def node_send(url: str, key: str, sender: str, to: str) -> Any:
    """`status` and `id` of the answer, or `status` and `body` of the refusal. Raises: SkipTest where the client is not installed."""
    if shutil.which("node") is None or not (SCRIPT.parent / "node_modules" / "@sendgrid" / "mail").is_dir():
        raise SkipTest("NOT TESTED: node or @sendgrid/mail is not installed (make node)")
    done = subprocess.run(["node", str(SCRIPT), url, key, sender, to], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)
