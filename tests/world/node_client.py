"""@sendgrid/mail and @sendgrid/client from npm, unchanged but for the host, as processes."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import SkipTest

FOLDER = Path(__file__).parents[1] / "node"


def node_send(url: str, key: str, sender: str, to: str) -> Any:
    """`status` and `id` of the answer, or `status` and `body` of the refusal. Raises: SkipTest where the client is not installed."""
    return _said("send.js", url, key, sender, to)


def node_requests(url: str, credential: str, *requests: Mapping[str, object]) -> list[Any]:
    """`status` and `body` of each answer; requests are `{"method", "url", "body"?, "subuser"?}`. Raises: SkipTest, as `node_send`."""
    found: list[Any] = _said("requests.js", url, credential, given=json.dumps(requests))
    return found


def _said(script: str, *arguments: str, given: str = "") -> Any:
    if shutil.which("node") is None or not (FOLDER / "node_modules" / "@sendgrid" / "mail").is_dir():
        raise SkipTest("NOT TESTED: node or @sendgrid/mail is not installed (make node)")
    done = subprocess.run(["node", str(FOLDER / script), *arguments], input=given, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)
