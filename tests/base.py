"""Test cases of the house: quick time-outs, and a coroutine that nobody awaited fails its test."""

import gc
import warnings

from twisted.trial import unittest


def _unawaited(case: unittest.SynchronousTestCase) -> list[str]:
    gc.collect()
    return [str(each["message"]) for each in case.flushWarnings() if "never awaited" in str(each["message"])]


class PlainTestCase(unittest.SynchronousTestCase):
    """For everything that needs no reactor."""

    def setUp(self) -> None:
        warnings.simplefilter("default", ResourceWarning)

    def run(self, result):  # type: ignore[no-untyped-def]
        self.addCleanup(self._check_unawaited)
        return super().run(result)

    def _check_unawaited(self) -> None:
        found = _unawaited(self)
        if found:
            self.fail(f"forgotten coroutines: {found}")


class ReactorTestCase(unittest.TestCase):
    """For what needs the reactor: pools, sockets, journeys."""

    timeout = 120

    def run(self, result):  # type: ignore[no-untyped-def]
        self.addCleanup(self._check_unawaited)
        return super().run(result)

    def _check_unawaited(self) -> None:
        found = _unawaited(self)
        if found:
            self.fail(f"forgotten coroutines: {found}")
