"""Content transfer encodings (RFC 2045 6): text and attachments as seven-bit lines."""

from binascii import b2a_base64, b2a_qp

SEVEN_BIT = "7bit"
QUOTED_PRINTABLE = "quoted-printable"
BASE64 = "base64"
LONGEST_LINE = 998
_BASE64_LINE = 76
# What quoted-printable leaves alone, one byte for one.
_LITERAL = bytes(each for each in range(0x20, 0x7F) if each != 0x3D) + b"\t\r\n"


def encoded_text(text: str, *, may_be_base64: bool = True) -> tuple[str, bytes]:
    """The cheapest encoding's name, and the text in it: CRLF between lines, no CRLF added at the end.

    Line ends of any kind become CRLF. Plain ASCII in lines of at most 998 goes as it is; else quoted-printable or base64,
    whichever is shorter, or may be.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    content = text.replace("\n", "\r\n").encode("utf-8", "replace")
    if text.isascii() and "\0" not in text and not _has_long_line(content):
        return SEVEN_BIT, content
    quoted = len(content) + 2 * len(content.translate(None, _LITERAL))
    if quoted <= len(content) * 4 // 3 or not may_be_base64:
        # The line end makes the encoder write CRLF at its soft breaks, and guard white space at the very end.
        return QUOTED_PRINTABLE, b2a_qp(content + b"\r\n")[:-2]
    return BASE64, base64_lines(content)[:-2]


def base64_lines(content: bytes) -> bytes:
    """Base64 in lines of 76, each with its CRLF; empty for no content."""
    encoded = b2a_base64(content, newline=False)
    lines = [encoded[at : at + _BASE64_LINE] for at in range(0, len(encoded), _BASE64_LINE)]
    lines.append(b"")
    return b"\r\n".join(lines)


def _has_long_line(content: bytes) -> bool:
    start = 0
    while len(content) - start > LONGEST_LINE:
        end = content.rfind(b"\n", start, start + LONGEST_LINE + 2)
        if end < 0:
            return True
        start = end + 1
    return False
