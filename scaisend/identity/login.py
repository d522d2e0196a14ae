"""A login at the identity provider: authorization code (OpenID Connect Core 3.1) with PKCE S256 (RFC 7636), state and nonce.

    begin --> the browser goes to the provider, and carries the sealed Attempt in a cookie
          --> the provider sends it back with a code and the state: `check_answer`
          --> the code and the attempt's verifier give tokens, with the attempt's nonce in them

Nothing of a login is kept here, so any process may end what another one began.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from scaisend.faults import Forbidden, Invalid, Unavailable

PROVIDER = "identity provider"
ATTEMPT_S = 600.0
LONGEST_NEXT = 2_000
LONGEST_CODE = 4_096
AGAIN = "Begin again at /v3/auth/login."
NOT_BEGUN = "This login was not begun in this browser, or too long ago."
# What the provider may answer instead of a code (RFC 6749 4.1.2.1, OpenID Connect Core 3.1.2.6); the rest is our fault or its.
_REFUSALS = ("access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login between its beginning and its end; `next` is the path on our pages where the browser goes then."""

    state: str
    nonce: str
    verifier: str
    next: str
    begun_at: float

    def packed(self) -> bytes:
        """As it is sealed."""
        return json.dumps(asdict(self)).encode()


def begin(random_bytes: Callable[[int], bytes], next_path: str, now_s: float) -> Attempt:
    """A new attempt; each of its three secrets has 256 random bits."""
    state, nonce, verifier = (urlsafe_b64encode(random_bytes(32)).decode().rstrip("=") for _ in range(3))
    return Attempt(state, nonce, verifier, next_path, now_s)


def read_attempt(packed: bytes | None, now_s: float) -> Attempt:
    """The attempt. Raises: Invalid when there is none, or it is older than ten minutes."""
    if packed is None:
        raise Invalid(NOT_BEGUN, help=AGAIN)
    attempt = Attempt(**json.loads(packed))
    if not attempt.begun_at - 60.0 <= now_s < attempt.begun_at + ATTEMPT_S:
        raise Invalid(NOT_BEGUN, help=AGAIN)
    return attempt


def authorization_url(endpoint: str, attempt: Attempt, *, client_id: str, redirect_uri: str, scopes: str) -> str:
    """Where the browser goes to log in."""
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    fields = {
        "response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "scope": scopes, "state": attempt.state,
        "nonce": attempt.nonce, "code_challenge": urlsafe_b64encode(digest).decode().rstrip("="), "code_challenge_method": "S256",
    }
    if "offline_access" in scopes.split():
        fields["prompt"] = "consent"  # without it the scope is to be ignored (OpenID Connect Core 11)
    return with_query(endpoint, fields)


def logout_url(endpoint: str, *, client_id: str, back_to: str, id_token: str | None) -> str:
    """Where the browser goes to end its session at the provider (OpenID Connect RP-Initiated Logout 2)."""
    fields = {"client_id": client_id, "post_logout_redirect_uri": back_to}
    return with_query(endpoint, fields | ({"id_token_hint": id_token} if id_token else {}))


def with_query(url: str, fields: Mapping[str, str]) -> str:
    """The URL with these fields added to its query."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


def check_answer(attempt: Attempt, query: Mapping[str, list[str]], *, issuer: str, names_itself: bool) -> str:
    """The code that the provider gave the browser.

    Raises: Invalid when the answer is not to this attempt, or of another provider (RFC 9207); Forbidden when the provider
    refused the login; Unavailable when it could not deal with it.
    """
    given = {name: values[0] for name, values in query.items() if len(values) == 1}
    if not hmac.compare_digest(given.get("state", "").encode(), attempt.state.encode()):
        raise Invalid(NOT_BEGUN, "state", AGAIN)
    if ("iss" in query or names_itself) and given.get("iss") != issuer:
        raise Invalid("The answer is not from the identity provider of this service.", "iss", AGAIN)
    if "error" in query:
        if given.get("error") in _REFUSALS:
            raise Forbidden("the identity provider refused the login", help=AGAIN)
        raise Unavailable(PROVIDER, "the identity provider could not log in; its log says why")
    code = given.get("code", "")
    if not 0 < len(code) <= LONGEST_CODE:
        raise Invalid("The answer has no code.", "code", AGAIN)
    return code


def check_next(path: str | None) -> str:
    """The path on our pages where a login ends: `/` when none is named.

    Raises: Invalid when it could lead anywhere else: only a path with one slash in front, of printable ASCII, without backslashes.
    """
    if not path:
        return "/"
    is_path = path.startswith("/") and not path.startswith("//") and "\\" not in path
    if not is_path or not path.isascii() or not path.isprintable() or " " in path or len(path) > LONGEST_NEXT:
        raise Invalid("The next must be a path of this service.", "next", "Give a path that begins with one slash, percent-encoded.")
    return path
