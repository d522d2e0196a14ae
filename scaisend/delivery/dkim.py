"""DKIM signatures: relaxed/relaxed, RSA and Ed25519 (RFC 6376, 8463).

What is signed is the canonical form of a mail: lines end in CRLF, no bare CR or LF. Only the body's hash depends on its
size; it is taken once for all keys, and segments of a large mail need not be joined for it.

The canonical forms are made with `bytes.replace` and `split`: a regular expression over the body costs several times more.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from scaisend.faults import ScaiSendError

RSA = "rsa-sha256"
ED25519 = "ed25519-sha256"
SIGNED = (
    b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"mime-version", b"content-type", b"reply-to",
    b"list-unsubscribe", b"list-unsubscribe-post",
)
OVERSIGNED = (b"from", b"to", b"cc", b"subject", b"date", b"reply-to")
_WANTED = frozenset(SIGNED)
_LINE = 72
_WHITESPACE_RUNS = (b" " * 8, b" " * 3, b"  ")
_ENDS = b" \t\r\n"


class UnusableKey(ScaiSendError):
    """The stored private key cannot be read, or is not of the algorithm it is kept for."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and where its public half is published: `<selector>._domainkey.<domain>`."""

    domain: str
    selector: str
    algorithm: str
    private: RSAPrivateKey | Ed25519PrivateKey


def load_signing_key(domain: str, selector: str, algorithm: str, pkcs8_der: bytes) -> SigningKey:
    """The key ready to sign with; keep it, since one that was loaded before signs without any set-up.

    RSA numbers are not checked again: that takes 36 ms, and was done before the key was stored.

    Raises: UnusableKey when these bytes are no private key of `algorithm`.
    """
    try:
        private = load_der_private_key(pkcs8_der, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableKey(f"the DKIM key {selector} of {domain} cannot be read") from None
    if algorithm == RSA and isinstance(private, RSAPrivateKey):
        return SigningKey(domain, selector, algorithm, private)
    if algorithm == ED25519 and isinstance(private, Ed25519PrivateKey):
        return SigningKey(domain, selector, algorithm, private)
    raise UnusableKey(f"the DKIM key {selector} of {domain} is not of {algorithm}")


def sign(message: bytes, keys: Sequence[SigningKey], signed_at: float) -> bytes:
    """The DKIM-Signature fields to put in front of the mail, one a key, RSA first; empty without keys.

    Fields outside SIGNED may be added or changed later; a second From, To, Cc, Subject, Date or Reply-To breaks the
    signature (they are oversigned, RFC 6376 8.15).
    """
    return sign_segments((message,), keys, signed_at)


def sign_segments(segments: Iterable[bytes], keys: Sequence[SigningKey], signed_at: float) -> bytes:
    """As `sign`, for a mail in pieces, of which the first holds the whole header."""
    if not keys:
        return b""
    pieces = iter(segments)
    head, _, start = next(pieces).partition(b"\r\n\r\n")
    listed, fields = _header_hash_input(head)
    body_hash = b64encode(_body_digest(start, pieces))
    moment = b"%d" % signed_at
    ordered = sorted(keys, key=lambda key: key.algorithm != RSA)
    return b"".join([_signature_field(key, moment, listed, body_hash, fields) for key in ordered])


def _signature_field(key: SigningKey, moment: bytes, listed: bytes, body_hash: bytes, fields: bytes) -> bytes:
    value = b"v=1; a=%s; c=relaxed/relaxed; d=%s; s=%s;\r\n t=%s; bh=%s;\r\n h=%s;\r\n b=" % (
        key.algorithm.encode(), key.domain.encode(), key.selector.encode(), moment, body_hash, listed,
    )
    signature = _signature(key, fields + b"dkim-signature:" + value.replace(b"\r\n ", b" "))
    lines = b"\r\n ".join([signature[at : at + _LINE] for at in range(0, len(signature), _LINE)])
    return b"DKIM-Signature: " + value + lines + b"\r\n"


def _signature(key: SigningKey, signed: bytes) -> bytes:
    """Base64 of the signature over the canonical header (RFC 6376 3.7); Ed25519 signs its hash (RFC 8463 3)."""
    if isinstance(key.private, RSAPrivateKey):
        return b64encode(key.private.sign(signed, PKCS1v15(), SHA256()))
    return b64encode(key.private.sign(sha256(signed).digest()))


def _header_hash_input(head: bytes) -> tuple[bytes, bytes]:
    """The folded value of `h=`, and the canonical fields in that order, each with its CRLF (RFC 6376 3.4.2, 5.4.2)."""
    present: dict[bytes, list[bytes]] = {}
    for line in _unfolded(head).split(b"\r\n"):
        name, _, value = line.partition(b":")
        name = name.rstrip(_ENDS).lower()
        if name in _WANTED:
            present.setdefault(name, []).append(name + b":" + _single_spaced(value) + b"\r\n")
    names = [name for name in SIGNED if name in present]
    names.extend(OVERSIGNED)
    fields = [instances.pop() for name in names if (instances := present.get(name))]
    half = len(names) // 2
    return b":".join(names[:half]) + b":\r\n " + b":".join(names[half:]), b"".join(fields)


def _unfolded(head: bytes) -> bytes:
    if b"\r\n " in head:
        head = head.replace(b"\r\n ", b" ")
    return head.replace(b"\r\n\t", b" ") if b"\r\n\t" in head else head


def _single_spaced(value: bytes) -> bytes:
    if b"\t" in value:
        value = value.replace(b"\t", b" ")
    if b"  " in value:
        return b" ".join([word for word in value.split(b" ") if word])
    return value.strip(b" ")


def _body_digest(start: bytes, pieces: Iterable[bytes]) -> bytes:
    """SHA-256 of the relaxed body (RFC 6376 3.4.4).

    White space and line ends at the end of a piece wait for the next one: they may be the end of the body, where they do
    not count, or part of a run that counts as one space.
    """
    digest = sha256()
    core = start.rstrip(_ENDS)
    waiting = start[len(core) :]
    any_text = bool(core)
    if core:
        digest.update(_relaxed(core))
    for piece in pieces:
        core = piece.rstrip(_ENDS)
        if core:
            digest.update(_relaxed(waiting + core) if waiting else _relaxed(core))
            waiting = piece[len(core) :]
            any_text = True
        else:
            waiting += piece
    if any_text:
        digest.update(b"\r\n")
    return digest.digest()


def _relaxed(text: bytes) -> bytes:
    """Runs of white space are one space, and none at the end of a line."""
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    if b"  " in text:
        for run in _WHITESPACE_RUNS:
            text = text.replace(run, b" ")
        while b"  " in text:
            text = text.replace(b"  ", b" ")
    return text.replace(b" \r\n", b"\r\n")
