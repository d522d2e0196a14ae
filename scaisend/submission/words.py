"""Text in header fields: charsets, encoded words (RFC 2047) and mailboxes (RFC 5322 3.4)."""

import codecs
import re
from binascii import Error, a2b_base64, a2b_qp
from email.utils import getaddresses

from scaisend.faults import Invalid

MOST_COMMENTS = 20

_WORD = re.compile(r"=\?([!->@-~]{1,60})\?([bqBQ])\?([^?\s]{0,4000})\?=")
_MAILBOX = re.compile(r"(?:([^<>]*)<([^<>\s]+)>|([^<>\s]+))")
# Codecs of Python's that are no charsets of mail, or take their time.
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})


def text_of(octets: bytes, charset: str) -> str:
    """The octets as text: in their charset if it holds them, else as UTF-8, else as Latin-1. No lone surrogate is left."""
    for name in (charset, "utf-8"):
        try:
            codec = codecs.lookup(name or "utf-8")
            if codec.name not in _NO_CHARSETS:
                text = octets.decode(codec.name)
                return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
        except (LookupError, ValueError, TypeError):
            continue
    return octets.decode("latin-1")


def words(value: str) -> str:
    """A field's text with its encoded words read; white space between two of them is none. What cannot be read stays."""
    if "=?" not in value:
        return value
    pieces: list[str] = []
    run: list[bytes] = []
    charset, end = "", 0
    for found in _WORD.finditer(value):
        octets = _octets(found[2], found[3])
        gap, named = value[end : found.start()], found[1].partition("*")[0].lower()
        if octets is None:
            continue
        if run and (named != charset or gap.strip()):
            pieces.append(text_of(b"".join(run), charset))
            run = []
        if gap.strip() or not end:
            pieces.append(gap)
        run.append(octets)
        charset, end = named, found.end()
    if run:
        pieces.append(text_of(b"".join(run), charset))
    pieces.append(value[end:])
    return "".join(pieces)


def mailboxes(value: str) -> list[dict[str, str]]:
    """The mailboxes of an address field, `{"email", "name"?}` each; groups give their members.

    Raises: Invalid when it cannot be understood.
    """
    if not any(each in value for each in '"(\\:;'):
        found = [_MAILBOX.fullmatch(each.strip()) for each in value.split(",") if each.strip()]
        if all(found):
            return [_mailbox(each[1] or "", each[2] or each[3]) for each in found if each]
    if value.count("(") > MOST_COMMENTS:
        raise Invalid("An address field has too many comments.")
    return [_mailbox(name, email) for name, email in getaddresses([value]) if email]


def _mailbox(name: str, email: str) -> dict[str, str]:
    name = words(name).strip()
    return {"email": email, "name": name} if name else {"email": email}


def _octets(encoding: str, text: str) -> bytes | None:
    if not text.isascii():
        return None
    if encoding in "qQ":
        return a2b_qp(text, header=True)
    try:
        return a2b_base64(text + "=" * (-len(text) % 4))
    except Error:
        return None
