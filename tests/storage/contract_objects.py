"""What every object store does."""

from scaisend.faults import NotFound


class ObjectsContract:
    """Mixed into a ReactorTestCase whose `open()` makes `self.objects`, empty."""

    async def setUp(self) -> None:
        super().setUp()
        await self.open()
        self.addCleanup(self.objects.close)

    async def test_put_get(self) -> None:
        """What was put is got, byte for byte, empty and large ones too."""
        for content in (b"", b"\x00\xff\r\n", bytes(range(256)) * 8_192):
            await self.objects.put("bodies/tnt_a/msg_1", content)
            self.assertEqual(await self.objects.get("bodies/tnt_a/msg_1"), content)

    async def test_put_replaces(self) -> None:
        """A second put replaces the first."""
        await self.objects.put("a", b"one, long")
        await self.objects.put("a", b"two")
        self.assertEqual(await self.objects.get("a"), b"two")

    async def test_missing(self) -> None:
        """What was never put is not found, and deleting it does nothing."""
        with self.assertRaises(NotFound):
            await self.objects.get("images/none")
        self.assertFalse(await self.objects.exists("images/none"))
        await self.objects.delete("images/none")

    async def test_delete(self) -> None:
        """What was deleted is gone, its neighbours are not."""
        await self.objects.put("images/one", b"1")
        await self.objects.put("images/two", b"2")
        await self.objects.delete("images/one")
        self.assertFalse(await self.objects.exists("images/one"))
        self.assertTrue(await self.objects.exists("images/two"))
        with self.assertRaises(NotFound):
            await self.objects.get("images/one")

    async def test_wrong_keys(self) -> None:
        """A key that could leave the store's own ground is refused by every method."""
        for key in ("", "/etc/passwd", "../x", "a/../x", "a//b", "a/", ".hidden", "a/.b", "a\x00b", "a b", "ü", "a\n", "x" * 600):
            for call in (self.objects.get, self.objects.delete, self.objects.exists, lambda each: self.objects.put(each, b"")):
                with self.assertRaises(ValueError):
                    await call(key)
