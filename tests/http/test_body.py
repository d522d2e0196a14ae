import gzip

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid, TooLarge, UnsupportedType
from scaisend.http.body import STEP_BYTES, Intake, is_packed, unpack, unpacked_limit
from tests.base import PlainTestCase


class IntakeTest(PlainTestCase):
    def test_the_limit_is_exact(self) -> None:
        """A body of just the limit is taken; the next byte is refused and lets go of all."""
        intake = Intake(10)
        intake.add(b"12345")
        intake.add(b"67890")
        self.assertEqual(intake.whole(), b"1234567890")
        with self.assertRaises(TooLarge):
            intake.add(b"x")
        self.assertEqual(intake.whole(), b"")


class UnpackTest(PlainTestCase):
    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4))
    def test_members_in_a_row(self, parts: list[bytes]) -> None:
        """Any number of gzip members is one body."""
        packed = b"".join(gzip.compress(part) for part in parts)
        self.assertEqual(b"".join(unpack(packed, 10_000)), b"".join(parts))

    def test_steps_are_small(self) -> None:
        """A body comes out in pieces that leave room for others."""
        pieces = list(unpack(gzip.compress(b"a" * (3 * STEP_BYTES)), 10**9))
        self.assertEqual(sum(map(len, pieces)), 3 * STEP_BYTES)
        self.assertLessEqual(max(map(len, pieces)), STEP_BYTES)

    def test_a_bomb_is_refused_at_its_limit(self) -> None:
        """Unpacking stops one step after the limit, however much is still packed."""
        seen = 0
        with self.assertRaises(TooLarge):
            for piece in unpack(gzip.compress(b"\0" * 50_000_000), 1_000_000):
                seen += len(piece)
        self.assertLessEqual(seen, 1_000_000)

    def test_a_bomb_of_many_members_is_refused(self) -> None:
        """The limit counts all members together."""
        with self.assertRaises(TooLarge):
            list(unpack(gzip.compress(b"x" * 1000) * 100, 50_000))

    def test_what_is_not_gzip_is_invalid(self) -> None:
        """Garbage, a cut body, garbage behind a body and nothing at all are a 400."""
        good = gzip.compress(b"hello")
        for packed in (b"hello", good[:-3], good + b"xyz", b""):
            with self.assertRaises(Invalid):
                list(unpack(packed, 1000))

    def test_encodings(self) -> None:
        """gzip and identity in any case; all others are refused."""
        self.assertEqual([is_packed(word) for word in ("GZIP", "x-gzip", "identity", "", None)], [True, True, False, False, False])
        for word in ("br", "deflate", "gzip, gzip"):
            with self.assertRaises(UnsupportedType):
                is_packed(word)

    def test_limits(self) -> None:
        """Four times the packed limit, and never more than 64 MB unless the limit itself is."""
        self.assertEqual((unpacked_limit(1_000_000), unpacked_limit(42_000_000), unpacked_limit(100_000_000)), (4_000_000, 64_000_000, 100_000_000))
