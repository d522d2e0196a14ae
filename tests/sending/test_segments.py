"""Mails in segments: packed for the database, joined for the wire."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.sending.segments import (
    ObjectRef,
    Unjoinable,
    filled,
    join,
    needs_smtputf8,
    object_keys,
    pack,
    size_of,
    unpack,
)
from tests.base import PlainTestCase

_SEGMENT = st.one_of(st.binary(max_size=50), st.builds(ObjectRef, st.text(max_size=10), st.integers(0, 2**31)))


class Segments(PlainTestCase):
    @settings(deadline=None)
    @given(st.lists(_SEGMENT, max_size=6))
    def test_unpack_undoes_pack(self, segments: list[bytes | ObjectRef]) -> None:
        """What was packed comes back, whatever bytes and keys it holds."""
        self.assertEqual(unpack(pack(segments)), tuple(segments))

    @settings(deadline=None)
    @given(st.one_of(st.binary(max_size=60), st.binary(max_size=40).map(lambda junk: b"2" + junk), st.binary(max_size=9).map(lambda junk: b"29\n[3,3,3.5]" + junk)))
    def test_damage_is_told(self, packed: bytes) -> None:
        """Bytes that packing never made raise Unjoinable and nothing else."""
        try:
            unpack(packed)
        except Unjoinable:
            return
        self.assertIn(packed[:1], (b"1", b"2"))

    def test_joined_with_its_objects(self) -> None:
        """References give way to contents; a key used twice is asked once; sizes add up."""
        segments = (b"head\r\n", ObjectRef("k", 3), b"-", ObjectRef("k", 3), b"end")
        self.assertEqual(object_keys(segments), ("k",))
        self.assertEqual(join(segments, {"k": b"abc"}), b"head\r\nabc-abcend")
        self.assertEqual(filled(segments, {"k": b"abc"})[1], b"abc")
        self.assertEqual(size_of(segments), 16)

    def test_a_wrong_object_is_refused(self) -> None:
        """A missing object, and one of another size, raise Unjoinable: no mail goes out with a hole."""
        for objects in ({}, {"k": b"ab"}):
            self.assertRaises(Unjoinable, join, (b"x", ObjectRef("k", 3)), objects)

    def test_only_utf8_headers_need_smtputf8(self) -> None:
        """The need is read from the bytes, so that it survives storage."""
        self.assertFalse(needs_smtputf8((b"ascii", ObjectRef("é", 1))))
        self.assertTrue(needs_smtputf8(("To: é@example.com".encode(),)))
