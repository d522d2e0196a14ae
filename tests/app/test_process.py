import gc
from typing import Any

from scaisend.app import process
from tests.base import PlainTestCase


class CollectorTests(PlainTestCase):
    def test_what_stands_is_passed_by(self) -> None:
        """When the daemon is ready, nothing that was there before is collected again, and young objects are looked at more rarely."""
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        self.addCleanup(gc.unfreeze)
        self.assertEqual(gc.get_freeze_count(), 0)
        daemon: Any = object()
        self.assertIs(process._stay(daemon), daemon)
        self.assertGreater(gc.get_freeze_count(), 10_000)
        self.assertEqual(gc.get_threshold()[0], process.YOUNG)
