"""Links that lead over this service: /t/c/<token>?u=<target>.

The token is the recipient's (personal.py), followed by 32 letters that are the link's: base64url of two bytes of its number, eleven of the
target's SHA-256, eleven of keyed BLAKE2b over the message, the number and those. So a mail that many get holds the same letters
for all of them; a link works for its message's recipients alone, and leads to its target alone.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from scaisend.address import a_labels
from scaisend.ids import number_of
from scaisend.sealing import keys_of
from scaisend.tracking.personal import CLICK, LENGTH, Named, placeholder, read_token

LINK_LENGTH = 32
IN_TEXT = 0x8000  # marks a link of the text part
_BYTES = 11
# What a query's value may hold as it is, and what a URL may: all else is escaped.
_PLAIN_IN_VALUE = ":/?=@,;~*!$-._"
_PLAIN_IN_URL = ":/?#[]@!$&'()*+,;=-._~%"
_MOSTLY_PLAIN = re.compile(r"[A-Za-z0-9:/?=@,;~*!$._&#%+-]*+\Z")
_CONTROLS = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Followed:
    """A link that was followed: whose it is, and the how manieth of its part of the mail. `digest` tells its target."""

    named: Named
    number: int
    in_text: bool
    digest: bytes

    def leads_to(self, target: str) -> bool:
        """Whether the target is the one that the link was made for."""
        return hmac.compare_digest(self.digest, _digest(target))


def message_key(key: bytes, message_id: str) -> bytes:
    """The key of the links of one message."""
    return hmac.digest(key, b"link" + number_of(message_id).to_bytes(16, "big"), "sha256")


def tracked_url(base_url: str, message_key: bytes, number: int, target: str) -> str:
    """The URL to write in place of the target, with a placeholder for the recipient's token."""
    body = number.to_bytes(2, "big") + _digest(target)
    link = urlsafe_b64encode(body + _signature(message_key, body)).decode()
    return f"{base_url}/t/c/{placeholder(CLICK)}{link}?u={_as_value(target)}"


def read_link(key: bytes, token: str) -> Followed | None:
    """Which link the token names, or None when it is not ours, or altered."""
    named = read_token(key, token[:LENGTH], (CLICK,))
    link = token[LENGTH:]
    if named is None or len(link) != LINK_LENGTH or not link.isascii():
        return None
    try:
        raw = urlsafe_b64decode(link)
    except ValueError:
        return None
    body, signature = raw[: 2 + _BYTES], raw[2 + _BYTES :]
    if not any(hmac.compare_digest(signature, _signature(message_key(each, named.message_id), body)) for each in keys_of(key)):
        return None
    number = int.from_bytes(body[:2], "big")
    return Followed(named, number & ~IN_TEXT, bool(number & IN_TEXT), body[2:])


def location(target: str) -> str:
    """The target as a Location header holds it (RFC 9110 10.2.2): ASCII, nothing that ends a line, a host in A-labels.

    Raises: ValueError when it is no http or https URL with a host.
    """
    if urlsplit(target).scheme not in ("http", "https") or not urlsplit(target).hostname:
        raise ValueError("not a web address")
    if target.isascii() and not _CONTROLS.search(target):
        return target
    begin = target.index("//") + 2
    end = next((at for at in range(begin, len(target)) if target[at] in "/?#\\"), len(target))
    login, at_sign, host = target[begin:end].rpartition("@")
    name, colon, port = host.partition(":")
    if not name.isascii():
        host = a_labels(name) + colon + port
    written = target[:begin] + login + at_sign + host + target[end:]
    return quote(written, _PLAIN_IN_URL, errors="replace")


def _signature(message_key: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(body, key=message_key, digest_size=_BYTES).digest()


def _as_value(target: str) -> str:
    """The target as the value of a query's parameter."""
    if _MOSTLY_PLAIN.match(target):
        return target.replace("%", "%25").replace("&", "%26").replace("#", "%23").replace("+", "%2B")
    return quote(target, _PLAIN_IN_VALUE, errors="replace")


def _digest(target: str) -> bytes:
    return hashlib.sha256(target.encode("utf-8", "replace")).digest()[:_BYTES]
