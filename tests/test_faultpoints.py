"""The kill harness's door."""

import os
import signal
import subprocess
import sys

from scaisend.faultpoints import FaultPoint
from tests.base import PlainTestCase

PROGRAM = "from scaisend.faultpoints import reach\nfor name in ('a', 'b', 'a', 'b'):\n    print(name, flush=True); reach(name)\n"


def run(point: str | None) -> tuple[int, str]:
    environ = {name: value for name, value in os.environ.items() if name != "SCAISEND_FAULT_POINT"}
    if point is not None:
        environ["SCAISEND_FAULT_POINT"] = point
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.replace("\n", "")


class FaultPointTests(PlainTestCase):
    """In a process that may die."""

    def test_kills_at_the_named_passing(self) -> None:
        """Without the variable nothing happens; with it the process is killed at the first, or n-th, passing."""
        self.assertEqual(run(None), (0, "abab"))
        self.assertEqual(run("b"), (-signal.SIGKILL, "ab"))
        self.assertEqual(run("a:2"), (-signal.SIGKILL, "aba"))
        self.assertEqual(run("c"), (0, "abab"))

    def test_a_number_that_is_none_is_an_error(self) -> None:
        """A misspelt point does not pass for none."""
        self.assertRaises(ValueError, FaultPoint, {"SCAISEND_FAULT_POINT": "a:b"})
