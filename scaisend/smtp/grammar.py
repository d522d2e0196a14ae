"""What a command line says (RFC 5321 4.1.2, 4.1.3; RFC 6531 3.3). Data in, data out."""

import re
from dataclasses import dataclass
from typing import Literal

from scaisend.smtp.verdict import BAD_RECIPIENT, BAD_SENDER, NEEDS_SMTPUTF8, SYNTAX, UNKNOWN_PARAMETER, Verdict

Body = Literal["7BIT", "8BITMIME"]

PATH_LENGTH = 320
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\x80-\U0010ffff]+"
_LOCAL = rf'(?:{_ATOM}(?:\.{_ATOM})*|"(?:[ !#-\[\]-~\x80-\U0010ffff]|\\[ -~])*")'
_LABEL = r"[A-Za-z0-9_\x80-\U0010ffff](?:[A-Za-z0-9_\-\x80-\U0010ffff]*[A-Za-z0-9_\x80-\U0010ffff])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_LITERAL = r"\[[!-Z^-~]+\]"
_ROUTE = rf"@{_DOMAIN}(?:,@{_DOMAIN})*:"
_PARAMETERS = r"((?: +[A-Za-z0-9][A-Za-z0-9\-]*(?:=[!-<>-~\x80-\U0010ffff]+)?)*) *"
# Case is ignored in the words alone: with classes as wide as these it would cost a third of a second to compile.
_MAIL = re.compile(rf"(?i:FROM): *<(?:{_ROUTE})?({_LOCAL}@(?:{_DOMAIN}|{_LITERAL})|)>{_PARAMETERS}")
_RCPT = re.compile(rf"(?i:TO): *<(?:{_ROUTE})?({_LOCAL}@(?:{_DOMAIN}|{_LITERAL})|(?i:postmaster))>{_PARAMETERS}")
_CHUNK = re.compile(r"([0-9]{1,15})( +LAST)? *", re.IGNORECASE)
_NAME = re.compile(r"[!-~\x80-\U0010ffff]{1,255}")


@dataclass(frozen=True, slots=True)
class MailFrom:
    """A good MAIL command. `address` is empty for the null reverse path; `size_bytes` is what the peer declared, or 0."""

    address: str
    size_bytes: int
    body: Body
    is_utf8: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """A good BDAT command (RFC 3030 2)."""

    size_bytes: int
    is_last: bool


def read_mail_from(argument: str, *, may_name_author: bool = False) -> MailFrom | Verdict:
    """What stands behind MAIL, or why it is refused. A source route is dropped (RFC 5321 appendix C).

    `may_name_author`: AUTH= may stand there, and is passed over (RFC 4954 5).
    """
    match = _MAIL.fullmatch(argument)
    if match is None:
        return BAD_SENDER
    address, text = match.groups()
    if len(address) > PATH_LENGTH:
        return BAD_SENDER
    if not text:
        return MailFrom(address, 0, "7BIT", False) if address.isascii() else NEEDS_SMTPUTF8
    parameters = _parameters(text)
    if parameters is None:
        return SYNTAX
    size, body, utf8 = parameters.pop("SIZE", "0"), parameters.pop("BODY", "7BIT"), parameters.pop("SMTPUTF8", None)
    if may_name_author:
        parameters.pop("AUTH", None)
    if parameters:
        return UNKNOWN_PARAMETER
    if not (size.isascii() and size.isdigit() and len(size) <= 20) or utf8:
        return SYNTAX
    body = body.upper()
    if body not in ("7BIT", "8BITMIME"):
        return SYNTAX
    if utf8 is None and not address.isascii():
        return NEEDS_SMTPUTF8
    return MailFrom(address, int(size), "7BIT" if body == "7BIT" else "8BITMIME", utf8 is not None)


def read_rcpt_to(argument: str, *, is_utf8: bool) -> str | Verdict:
    """The recipient's address (or the word postmaster, RFC 5321 4.5.1), or why it is refused."""
    match = _RCPT.fullmatch(argument)
    if match is None:
        return BAD_RECIPIENT
    address: str = match[1]
    if len(address) > PATH_LENGTH:
        return BAD_RECIPIENT
    if match[2]:
        return SYNTAX if _parameters(match[2]) is None else UNKNOWN_PARAMETER
    if not is_utf8 and not address.isascii():
        return NEEDS_SMTPUTF8
    return address


def read_chunk(argument: str) -> Chunk | None:
    """What stands behind BDAT, or None when it cannot be known how many octets follow."""
    match = _CHUNK.fullmatch(argument)
    return Chunk(int(match[1]), match[2] is not None) if match else None


def is_peer_name(argument: str) -> bool:
    """Whether it may stand behind EHLO or HELO: any printable word, because much that is honest is no domain."""
    return _NAME.fullmatch(argument) is not None


def is_foreign(line: str) -> bool:
    """Whether a line that is no command is another protocol's: an HTTP request or a header field."""
    word = line.split(" ", 1)[0]
    return word.endswith(":") or word in ("GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE")


def _parameters(text: str) -> dict[str, str] | None:
    """Keyword (upper case) → value, empty where none is given; None when a keyword comes twice."""
    words = text.split()
    pairs = [word.partition("=") for word in words]
    parameters = {keyword.upper(): value for keyword, _, value in pairs}
    return parameters if len(parameters) == len(words) else None
