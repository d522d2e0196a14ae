"""Header fields as bytes: folded (RFC 5322 2.2.3), encoded (RFC 2047, 2231), safe.

No function here lets a CR, LF or NUL through. All fields come out in ASCII, except that an address whose local part is not
ASCII stands as UTF-8 (RFC 6532): such a mail travels only by SMTPUTF8.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import partial
from urllib.parse import quote

from scaisend import address
from scaisend.sending.mail import ComposeError, Mailbox

COLUMN = 76
LONGEST_LINE = 998
_ENCODED_WORD_EXTRA = len("=?utf-8?q??=")
_ENCODED_WORD = 65
_NAME = re.compile(r"[!-9;-~]{1,200}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/^_`{|}~-]+)*")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_WORD = re.compile(r" *[^ ]+")
# RFC 2047 5 (3): what may stand bare in an encoded word anywhere, in a phrase too.
_BARE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = tuple("_" if byte == 0x20 else chr(byte) if byte in _BARE else f"={byte:02X}" for byte in range(256))
_URI_FIELDS = frozenset(
    f"list-{name}" for name in ("unsubscribe", "subscribe", "help", "post", "owner", "archive")
)
_TOKEN_FIELDS = frozenset({"message-id", "in-reply-to", "references", "list-unsubscribe-post", "date", "resent-message-id"})
_quoted_octets = partial(quote, safe="!#$&+^`{}|~-._", encoding="utf-8", errors="replace")


def text_field(name: str, value: str) -> bytes:
    """An unstructured field of ours, such as Subject: it reads back as `value`, whatever that holds.

    Raises: ComposeError on CR, LF or NUL.
    """
    value = value.strip(" ")
    if value.isascii() and value.isprintable() and "=?" not in value:
        if len(name) + len(value) < COLUMN:
            return f"{name}: {value}\r\n".encode("ascii")
        words = _WORD.findall(value)
        if len(max(words, key=len)) < LONGEST_LINE - len(name):
            return _folded(name, words)
    _refuse_controls(name, value)
    return _folded(name, _spaced(_encoded_words(value)))


def own_field(name: str, value: str) -> bytes:
    """A field that the sender chose: ASCII goes as it is, words that are not ASCII are encoded one run at a time.

    Raises: ComposeError when the name or a structured value is not one that RFC 5322 allows.
    """
    if not _NAME.fullmatch(name):
        raise ComposeError(f"{name!r} cannot be the name of a header field")
    if value.isascii() and value.isprintable() and len(name) + len(value) < COLUMN:
        return f"{name}: {value}\r\n".encode("ascii")
    _refuse_controls(name, value)
    value = value.replace("\t", " ")
    lowered = name.lower()
    if lowered in _URI_FIELDS and not value.isascii():
        value = quote(value, safe=":/?#[]@!$&'()*+,;=%<> -._~\"", errors="replace")
    words = _WORD.findall(value)
    longest = LONGEST_LINE - len(name) - 2
    if lowered not in _URI_FIELDS and lowered not in _TOKEN_FIELDS:
        return _folded(name, _with_encoded_runs(words, longest))
    if not (value.isascii() and value.isprintable()) or any(len(word) > longest for word in words):
        raise ComposeError(f"the header field {name} must be printable ASCII in words of at most {longest} characters")
    return _folded(name, words)


def mailboxes_field(name: str, mailboxes: Sequence[Mailbox]) -> tuple[bytes, bool]:
    """An address field, and whether it needs SMTPUTF8.

    Raises: ComposeError on an address or a name that cannot be written.
    """
    texts = [mailbox_text(mailbox) for mailbox in mailboxes]
    value = ", ".join(texts)
    if len(name) + len(value) < COLUMN:
        return f"{name}: {value}\r\n".encode(), not value.isascii()
    lines = [f"{name}:"]
    for text in texts:
        if len(lines[-1]) + len(text) + 2 <= COLUMN or len(lines[-1]) == len(name) + 1:
            lines[-1] += f" {text},"
        else:
            lines.append(f" {text},")
    lines[-1] = lines[-1][:-1]
    whole = "\r\n".join([line if len(line) <= COLUMN else _refolded(line) for line in lines])
    return whole.encode() + b"\r\n", not value.isascii()


def mailbox_text(mailbox: Mailbox) -> str:
    """`Name <address>` with the name as a phrase (atoms, quoted string or encoded words) and the domain in A-labels.

    Raises: ComposeError on an address or a name that cannot be written.
    """
    email = mailbox.email
    if not _PLAIN_ADDRESS.fullmatch(email):
        try:
            parsed = address.parse(email)
        except ValueError as reason:
            raise ComposeError(f"an address cannot be written into the header: {reason}") from None
        email = f"{parsed.local}@{parsed.domain}"
    name = mailbox.name
    if not name:
        return email
    if len(name) < COLUMN and _ATOMS.fullmatch(name):
        return f"{name} <{email}>"
    if len(name) <= _ENCODED_WORD and name.isascii() and name.isprintable() and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{email}>'
    _refuse_controls("display name", name)
    return f"{' '.join(_encoded_words(name))} <{email}>"


def bracketed(message_id: str) -> str:
    """A Message-ID as its field wants it, for senders who leave the angle brackets away."""
    bare = message_id.strip(" ")
    return bare if bare.startswith("<") else f"<{bare}>"


def parameter(name: str, value: str) -> list[str]:
    """A MIME parameter, ready to be folded: quoted, or by RFC 2231 with an ASCII stand-in for readers without it.

    Raises: ComposeError on CR, LF or NUL.
    """
    if value.isascii() and value.isprintable() and len(value) < 200:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return [f'{name}="{escaped}"']
    _refuse_controls(name, value)
    octets = _percent_pieces(value)
    stand_in = "".join([each if " " <= each <= "~" and each not in '"\\' else "_" for each in value])
    if len(stand_in) > 60:
        stand_in = stand_in[:50] + stand_in[-10:]
    if len(octets) == 1:
        return [f"{name}*=utf-8''{octets[0]}", f'{name}="{stand_in}"']
    octets[0] = f"utf-8''{octets[0]}"
    return [*[f"{name}*{number}*={piece}" for number, piece in enumerate(octets)], f'{name}="{stand_in}"']


def parameters_field(name: str, value: str, parameters: Iterable[str]) -> bytes:
    """A structured MIME field, one parameter a line where it does not fit."""
    line = f"{name}: {value}"
    lines = []
    for each in parameters:
        if len(line) + len(each) + 3 > COLUMN:
            lines.append(line + ";")
            line = f" {each}"
        else:
            line += f"; {each}"
    lines.append(line)
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _refuse_controls(name: str, value: str) -> None:
    if "\r" in value or "\n" in value or "\0" in value:
        raise ComposeError(f"the {name} holds a CR, LF or NUL")


def _folded(name: str, words: Iterable[str]) -> bytes:
    """The field with line breaks before the white space of words; the first word stays beside the name.

    A first encoded word goes down where it would make its line longer than RFC 2047 2 allows.
    """
    lines = [f"{name}:"]
    for word in words:
        if len(lines) == 1 and len(lines[0]) == len(name) + 1 and (len(name) <= 10 or not word.startswith(" =?")):
            lines[0] += word if word.startswith(" ") else f" {word}"
        elif len(lines[-1]) + len(word) > COLUMN:
            lines.append(word)
        else:
            lines[-1] += word
    return ("\r\n".join(lines) + "\r\n").encode()


def _refolded(line: str) -> str:
    """A line of one mailbox that is too long, broken at the white space within."""
    lines = [""]
    for word in _WORD.findall(line):
        if lines[-1] and len(lines[-1]) + len(word) > COLUMN and lines[-1][-1] != ":":
            lines.append(word)
        else:
            lines[-1] += word
    return "\r\n".join(lines)


def _spaced(words: Iterable[str]) -> list[str]:
    return [f" {word}" for word in words]


def _with_encoded_runs(words: Sequence[str], longest: int) -> list[str]:
    """The words, with each run of those that are not ASCII, or too long for a line, as encoded words."""
    done: list[str] = []
    run = ""
    for word in words:
        if word.isascii() and word.isprintable() and len(word) <= longest:
            if run:
                done.extend(_spaced(_encoded_words(run.lstrip(" "))))
                run = ""
            done.append(word)
        else:
            run += word
    if run:
        done.extend(_spaced(_encoded_words(run.lstrip(" "))))
    return done


def _encoded_words(text: str) -> list[str]:
    """RFC 2047 encoded words, none over 65 characters and none with part of a character; Q or B, whichever is shorter."""
    octets = text.encode("utf-8", "replace")
    quoted = "".join([_Q[byte] for byte in octets])
    is_q = len(quoted) <= (len(octets) + 2) // 3 * 4
    room = _ENCODED_WORD - _ENCODED_WORD_EXTRA
    if is_q and len(quoted) <= room:
        return [f"=?utf-8?q?{quoted}?="]
    words: list[str] = []
    chunk: list[bytes] = []
    size = 0
    limit = room if is_q else room // 4 * 3
    for character in text:
        raw = character.encode("utf-8", "replace")
        cost = sum([len(_Q[byte]) for byte in raw]) if is_q else len(raw)
        if size + cost > limit:
            words.append(_encoded_word(b"".join(chunk), is_q))
            chunk, size = [], 0
        chunk.append(raw)
        size += cost
    words.append(_encoded_word(b"".join(chunk), is_q))
    return words


def _encoded_word(octets: bytes, is_q: bool) -> str:
    if is_q:
        return f"=?utf-8?q?{''.join([_Q[byte] for byte in octets])}?="
    return f"=?utf-8?b?{b64encode(octets).decode('ascii')}?="


def _percent_pieces(value: str) -> list[str]:
    """RFC 2231 extended octets in pieces that fit a line, split between characters."""
    pieces = [""]
    for character in value:
        octets = _quoted_octets(character)
        if len(pieces[-1]) + len(octets) > 48:
            pieces.append("")
        pieces[-1] += octets
    return pieces
