"""OpenDKIM as a second opinion on signatures: its verifier, run on a file, with the keys given as test data."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from unittest import SkipTest

_RESULT = re.compile(r"dkim=(\w+)[^;]*? header\.s=([\w-]+)")


def opendkim_path() -> str:
    """Where the program is.

    Raises: SkipTest when it is not installed; AssertionError instead where CI=true.
    """
    found = shutil.which("opendkim", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        if os.environ.get("CI") == "true":
            raise AssertionError("opendkim is not installed, and CI must not skip its tests")
        raise SkipTest("NOT TESTED: opendkim is not installed (Debian package opendkim)")
    return found


def verdicts(message: bytes, records: Mapping[str, str]) -> dict[str, str]:
    """What OpenDKIM says of each signature, selector → `pass` or `fail`; `records` are TXT texts by DNS name."""
    program = opendkim_path()
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        (room / "keys").write_text("".join(f"{name} {text}\n" for name, text in records.items()))
        (room / "conf").write_text(f"Mode v\nTestDNSData file:{room}/keys\nSyslog no\n")
        (room / "mail").write_bytes(message)
        done = subprocess.run(
            [program, "-x", str(room / "conf"), "-v", "-v", "-t", str(room / "mail")],
            capture_output=True, text=True, errors="replace", timeout=60, check=True,
        )
    return {selector: verdict for verdict, selector in _RESULT.findall(done.stdout)}
