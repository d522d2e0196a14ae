"""Objects as files."""

import os
import stat
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults

from scaisend.faults import Unavailable
from scaisend.storage.disk_objects import DiskObjects
from tests.base import ReactorTestCase
from tests.storage.contract_objects import ObjectsContract


class DiskObjectsTests(ObjectsContract, ReactorTestCase):
    """The contract, and the ways of files."""

    async def open(self) -> None:
        self.directory = Path(self.mktemp()) / "objects"
        self.objects = DiskObjects(directory=self.directory, reactor=reactor)

    async def test_nothing_temporary_stays(self) -> None:
        """After many puts of one key at once there is one file, readable by its owner only."""
        await gatherResults([ensureDeferred(self.objects.put("d/a", b"%d" % each * 5_000)) for each in range(20)])
        self.assertEqual([each.name for each in (self.directory / "d").iterdir()], ["a"])
        self.assertEqual(stat.S_IMODE((self.directory / "d" / "a").stat().st_mode), 0o600)

    async def test_left_over(self) -> None:
        """What a killed process left half-written is removed at the next start, when it is old."""
        await self.objects.put("d/a", b"1")
        old, new = self.directory / "d" / ".new-1-x", self.directory / "d" / ".new-2-x"
        for each in (old, new):
            each.write_bytes(b"half")
        os.utime(old, (1, 1))
        again = DiskObjects(directory=self.directory, reactor=reactor)
        await again.close()
        self.assertEqual((old.exists(), new.exists()), (False, True))

    async def test_a_directory_is_no_object(self) -> None:
        """A key that is the beginning of another's is not found."""
        await self.objects.put("d/a", b"1")
        self.assertFalse(await self.objects.exists("d"))
        await self.objects.delete("d")
        self.assertTrue(await self.objects.exists("d/a"))

    async def test_disk_refuses(self) -> None:
        """A disk that does not take a file is a store that is away."""
        await self.objects.put("d", b"1")
        with self.assertRaises(Unavailable) as caught:
            await self.objects.put("d/a", b"2")
        self.assertEqual(caught.exception.dependency, "objects")
