"""The kill harness's door: named points of the program at which a test may have the process killed.

`SCAISEND_FAULT_POINT=name[:n]` in the environment kills the process with SIGKILL when it passes `name` for the n-th time
(the first, without n). Without the variable a point costs one comparison.
"""

import os
import signal
from collections.abc import Mapping
from itertools import count


class FaultPoint:
    """The point that `environ` names, if any, and how often it was passed."""

    __slots__ = ("name", "_last", "_passes")

    def __init__(self, environ: Mapping[str, str]) -> None:
        name, _, last = environ.get("SCAISEND_FAULT_POINT", "").partition(":")
        self.name = name
        self._last = int(last) if last else 1
        self._passes = count(1)

    def passed(self) -> bool:
        """Whether this passing, which it counts, is the fatal one."""
        return next(self._passes) == self._last


_POINT = FaultPoint(os.environ)
_ARMED = bool(_POINT.name)


def reach(name: str) -> None:
    """The process is alive after the point `name`, unless the environment wants it killed here."""
    if _ARMED and name == _POINT.name and _POINT.passed():
        os.kill(os.getpid(), signal.SIGKILL)
