"""Tokens of the identity provider: JSON Web Tokens (RFC 7519), checked as RFC 8725 says.

Only RS256 and ES256 count, each with a key of its own kind out of the provider's published set; `none` and HMAC never.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jwt

from scaisend.faults import Invalid, Unauthenticated
from scaisend.identity.api_key import REFUSED
from scaisend.identity.reach import PARTNER_ADMIN, SUPER_ADMIN, TENANT_ADMIN

LEEWAY_S = 60.0
MOST_KEYS = 100
MOST_TOKEN = 8_192
LEAST_RSA_BITS = 2_048
LONGEST = 128
_KINDS = {"RS256": "RSA", "ES256": "EC"}
_TYPES = ("", "jwt", "at+jwt", "application/at+jwt")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One public key of the provider; `algorithm` is the only one that it checks."""

    kid: str | None
    algorithm: str
    key: jwt.PyJWK


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says. Ids are the provider's; `role` is None unless it is one that administers."""

    subject: str
    tenant: str | None
    partner: str | None
    role: str | None
    email: str | None
    name: str | None
    issued_at: float
    expires_at: float


class UnknownKey(Unauthenticated):
    """The token names a key that is not in the set, which may be newer than the set."""


class Expired(Unauthenticated):
    """The token was good once."""


def is_token(credential: str) -> bool:
    """Whether it has the form of a JWT."""
    return credential.startswith("ey") and credential.count(".") == 2 and len(credential) <= MOST_TOKEN


def read_keys(body: bytes) -> tuple[SigningKey, ...]:
    """The keys of a JWK set (RFC 7517) that can check signatures here; others are passed over.

    Raises: Invalid when it is no JWK set.
    """
    try:
        listed = json.loads(body)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Invalid("the provider's keys are not a JWK set") from None
    if not isinstance(listed, list):
        raise Invalid("the provider's keys are not a JWK set")
    read = (_read_key(each) for each in listed[:MOST_KEYS])
    return tuple(each for each in read if each is not None)


def read_token(
    token: str, keys: Sequence[SigningKey], *, issuer: str, audience: str, now_s: float, nonce: str | None = None,
) -> Claims:
    """What the token says: signed by one of the keys, by this issuer, for this audience, good at this moment, with this nonce.

    A minute of difference between the clocks is borne. Raises: UnknownKey; Expired; Unauthenticated, whose cause is for the log.
    """
    key = _key_for(token, keys)
    try:
        claims = jwt.decode(
            token, key.key, algorithms=[key.algorithm], issuer=issuer, audience=audience,
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["exp", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Unauthenticated(REFUSED) from error
    if nonce is not None and claims.get("nonce") != nonce:
        raise Unauthenticated(REFUSED) from ValueError("another nonce than was sent")
    return _claims(claims, now_s)


def _read_key(given: object) -> SigningKey | None:
    if not isinstance(given, dict) or given.get("use", "sig") != "sig" or "verify" not in given.get("key_ops", ["verify"]):
        return None
    algorithm = next((name for name, kind in _KINDS.items() if kind == given.get("kty")), None)
    kid = given.get("kid")
    if algorithm is None or given.get("alg", algorithm) != algorithm or not isinstance(kid, str | None):
        return None
    if algorithm == "ES256" and given.get("crv") != "P-256":
        return None
    public = {name: value for name, value in given.items() if name in ("kty", "n", "e", "crv", "x", "y")}
    try:
        key = jwt.PyJWK(public, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return SigningKey(kid, algorithm, key) if getattr(key.key, "key_size", 0) >= LEAST_RSA_BITS or algorithm == "ES256" else None


def _key_for(token: str, keys: Sequence[SigningKey]) -> SigningKey:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Unauthenticated(REFUSED) from None
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "")
    if algorithm not in _KINDS or "crit" in header or not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise Unauthenticated(REFUSED)
    found = [each for each in keys if each.algorithm == algorithm and (kid is None or each.kid == kid)]
    if not found and kid is not None:
        raise UnknownKey(REFUSED)
    if len(found) != 1:
        raise Unauthenticated(REFUSED)
    return found[0]


def _claims(claims: Mapping[str, object], now_s: float) -> Claims:
    expires_at, begins_at, issued_at = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
    if expires_at is None or max(begins_at or 0.0, issued_at or 0.0) - LEEWAY_S > now_s:
        raise Unauthenticated(REFUSED) from ValueError("a token of the future: the clocks differ")
    if expires_at + LEEWAY_S <= now_s:
        raise Expired(REFUSED)
    subject, role = _text(claims, "sub"), claims.get("role")
    if subject is None:
        raise Unauthenticated(REFUSED)
    return Claims(
        subject, _text(claims, "tenant_id"), _text(claims, "partner_id"),
        role if isinstance(role, str) and role in (SUPER_ADMIN, PARTNER_ADMIN, TENANT_ADMIN) else None,
        _shown(claims, "email"), _shown(claims, "name"), issued_at or 0.0, expires_at,
    )


def _moment(claims: Mapping[str, object], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 2**40:
        raise Unauthenticated(REFUSED)
    return float(value)


def _text(claims: Mapping[str, object], name: str) -> str | None:
    """An id of the provider's. Raises: Unauthenticated when it is none that can be kept."""
    value = claims.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or len(value) > LONGEST:
        raise Unauthenticated(REFUSED)
    return value


def _shown(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    return value[:255] if isinstance(value, str) and value.isprintable() else None
