"""Addresses: the addr-spec of RFC 5321 4.1.2, internationalised by RFC 6531 3.3, as a mail service accepts it.

A domain name stands right of the @, of two labels or more; address literals and single labels are refused, since nobody's
recipients live there. Angle brackets and control characters are refused even where a quoted local part could hold them:
programs along the way have been fooled by less. Lengths are octets (RFC 5321 4.5.3.1): 64 for the local part, 254 in all.
"""

import re
import unicodedata
from dataclasses import dataclass

import idna

LONGEST_LOCAL = 64
LONGEST = 254

# Nothing in these is tried twice (the quantifiers are possessive), so hostile text costs no more than its length.
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}+(?<!-)"
_DOMAIN = rf"(?:{_LABEL}\.)++(?![0-9]+\Z){_LABEL}"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+@{_DOMAIN}")
_DOMAIN_NAME = re.compile(_DOMAIN)
# RFC 6531 adds everything outside ASCII to atext and qtext; `_is_text` takes the unprintable away again.
_DOT_ATOM = re.compile(r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x7f])++(?:\.(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x7f])++)*+")
_QUOTED = re.compile(r'"(?:[ !#-;=?-\[\]-~]|[^\x00-\x7f]|\\[ -;=?-~])*+"')
_PAIR = re.compile(r"\\(.)")
# Zero-width joiners are letters' business in Persian and the Indic scripts.
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Address:
    """A valid addr-spec: `text` as it was given, `local` with its quotes if any, `domain` as lower-case A-labels.

    `smtputf8` says that it can travel only by SMTPUTF8, for its local part is not ASCII.
    """

    local: str
    domain: str
    smtputf8: bool
    text: str


def parse(address: str) -> Address:
    """The parts of an address.

    Raises: ValueError when it is not a valid address; the text says why and repeats nothing of it.
    """
    if _PLAIN.fullmatch(address) and len(address) <= LONGEST and (at := address.find("@")) <= LONGEST_LOCAL:
        return Address(address[:at], address[at + 1 :].lower(), False, address)
    local, domain = _parts(address)
    return Address(local, domain, not local.isascii(), address)


def is_valid(address: str) -> bool:
    """Whether `parse` takes it."""
    if _PLAIN.fullmatch(address) and len(address) <= LONGEST and address.find("@") <= LONGEST_LOCAL:
        return True
    try:
        _parts(address)
    except ValueError:
        return False
    return True


def domain_of(address: str) -> str:
    """The domain of a valid address, as lower-case A-labels.

    Raises: ValueError when the domain is no domain name.
    """
    domain = address[address.rfind("@") + 1 :]
    return domain.lower() if domain.isascii() else a_labels(domain)


def fold(address: str) -> str:
    """The key under which two spellings of one mailbox meet: for duplicates, suppressions and look-ups.

    Case is folded on both sides of the @, the domain is A-labels, needless quotes and backslashes are gone
    (RFC 5321 4.1.2: they do not distinguish mailboxes), and Unicode is in NFC. Text that is no address folds to itself
    in lower case.
    """
    if address.isascii() and '"' not in address:
        return address.lower()
    local, at, domain = address.rpartition("@")
    if not at:
        return address.lower()
    if _QUOTED.fullmatch(local):
        bare = _PAIR.sub(r"\1", local[1:-1])
        local = bare if _DOT_ATOM.fullmatch(bare) else '"' + bare.replace("\\", "\\\\").replace('"', '\\"') + '"'
    try:
        domain = domain.lower() if domain.isascii() else a_labels(domain)
    except ValueError:
        domain = domain.lower()
    return f"{unicodedata.normalize('NFC', unicodedata.normalize('NFC', local).lower())}@{domain}"


def a_labels(domain: str) -> str:
    """A domain name as lower-case A-labels (RFC 5891, mapped by UTS 46, not transitional).

    Raises: ValueError when it is not a domain name of two labels or more.
    """
    if not domain.isascii():
        if len(domain) > LONGEST:
            raise ValueError("the domain is too long")
        try:
            domain = idna.encode(domain, uts46=True, std3_rules=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise ValueError("the domain is not a valid internationalised domain name")
    if len(domain) > LONGEST or not _DOMAIN_NAME.fullmatch(domain):
        raise ValueError("the domain is not a domain name")
    return domain.lower()


def _parts(address: str) -> tuple[str, str]:
    """Local part and domain of an address that is not plain ASCII."""
    local, at, given_domain = address.rpartition("@")
    if not at or len(address) > LONGEST:
        raise ValueError("it is too long" if at else "it has no @")
    if not (_DOT_ATOM.fullmatch(local) or _QUOTED.fullmatch(local)):
        raise ValueError("the local part is neither a dot-atom nor a quoted string")
    if not local.isascii() and not _is_text(local):
        raise ValueError("the local part holds characters that are not text")
    domain = a_labels(given_domain)
    octets = len(local.encode())
    if octets > LONGEST_LOCAL or octets + 1 + len(domain) > LONGEST:
        raise ValueError("it is too long")
    return local, domain


def _is_text(text: str) -> bool:
    """Whether the characters outside ASCII are text: no control, format, surrogate, space or line separator among them."""
    return all(
        each in _JOINERS or unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs") for each in text if each > "\x7f"
    )
