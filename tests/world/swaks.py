"""swaks, the Swiss army knife of SMTP: another client than Python's, run as a program."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from unittest import SkipTest


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What was said, and the exit code: 0 for a mail that was taken, 28 for a login that was refused, 23 and up for other refusals."""

    code: int
    text: str


def swaks(port: int, *arguments: str, body: str = "") -> Dialogue:
    """A mail was submitted to the loopback port, or refused.

    Raises: SkipTest when it is not installed; AssertionError instead where CI=true.
    """
    program = shutil.which("swaks")
    if program is None:
        if os.environ.get("CI") == "true":
            raise AssertionError("swaks is not installed, and CI must not skip its tests")
        raise SkipTest("NOT TESTED: swaks is not installed (Debian packages swaks and libnet-ssleay-perl)")
    more = ["--body", body] if body else []
    done = subprocess.run(
        [program, "--server", "127.0.0.1", "--port", str(port), "--ehlo", "client.test", "--timeout", "30", *arguments, *more],
        capture_output=True, text=True, errors="replace", timeout=60, check=False,
    )
    return Dialogue(done.returncode, done.stdout + done.stderr)
