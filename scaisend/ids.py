"""Ids: sortable, prefixed, made by the process that inserts the row.

An id is `prefix_` and 26 characters of lower-case Crockford base32 over 128 bits: 48 bits of milliseconds, 20 bits of the
tenant's lane, 60 random bits. The lane lets a queue be fair between tenants without knowing more than the id.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from zlib import crc32

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
LANE_AT = 10
LANE_LENGTH = 4
_PAIRS = tuple(a + b for a in ALPHABET for b in ALPHABET)
# What Python reads base 32 in, and ! for all that is no letter of ours.
_DIGITS = dict.fromkeys(range(128), "!") | {ord(letter): digit for letter, digit in zip(ALPHABET, "0123456789abcdefghijklmnopqrstuv", strict=True)}


class IdMaker:
    """Makes ids from a clock (epoch seconds) and a source of random bits, `random_bits(60)`."""

    def __init__(self, *, now_s: Callable[[], float], random_bits: Callable[[int], int]) -> None:
        self._now_s = now_s
        self._random_bits = random_bits
        self._lanes: dict[str, int] = {}

    def number(self, tenant_id: str = "") -> int:
        """A fresh 128-bit number; later ones are larger, to the millisecond."""
        lane = self._lanes.get(tenant_id)
        if lane is None:
            if len(self._lanes) > 10_000:
                self._lanes.clear()
            lane = self._lanes[tenant_id] = lane_of(tenant_id)
        return (int(self._now_s() * 1000) << 80) | (lane << 60) | self._random_bits(60)

    def new(self, prefix: str, tenant_id: str = "") -> str:
        """A fresh id such as `msg_01k…`; ids of one tenant share the lane."""
        return f"{prefix}_{letters(self.number(tenant_id))}"


def lane_of(tenant_id: str) -> int:
    """The tenant's lane, 20 bits."""
    return crc32(tenant_id.encode()) & 0xFFFFF if tenant_id else 0


def lane_in(an_id: str) -> str:
    """The four lane letters inside an id made by `IdMaker.new`, whatever its prefix (and suffix) is."""
    start = an_id.find("_") + 1 + LANE_AT
    return an_id[start : start + LANE_LENGTH]


def letters(number: int) -> str:
    """128 bits as 26 letters."""
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def number_of(text: str) -> int:
    """The 128 bits of 26 letters, with or without a prefix.

    Raises: ValueError when the text is no such id.
    """
    tail = text.rpartition("_")[2]
    if len(tail) != LENGTH or tail[0] > "7" or not tail.isascii():
        raise ValueError("not an id")
    return int(tail.translate(_DIGITS), 32)


def short_form(number: int) -> str:
    """128 bits as 22 base64url characters: the form of SendGrid's X-Message-Id."""
    return urlsafe_b64encode(number.to_bytes(16, "big")).decode()[:22]


def from_short_form(text: str) -> int:
    """The 128 bits of a 22 character id.

    Raises: ValueError when the text is no such id.
    """
    if len(text) != 22:
        raise ValueError("not an id")
    return int.from_bytes(urlsafe_b64decode(text + "=="), "big")
