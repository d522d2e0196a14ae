"""What a browser keeps of a login: cookies that no script sees, all but the credential itself sealed.

| cookie | holds | for |
|---|---|---|
| `scaisend_session` | the credential: the same token that goes into an Authorization header | as long as the token is good |
| `scaisend_refresh` | the sealed refresh token, and whose it is | fourteen days from the last refresh |
| `scaisend_id_token` | the ID token, which the provider wants to see at the logout | the same |
| `scaisend_login_…` | the sealed attempt; by its state, so that two tabs may log in at once | ten minutes |

Over TLS their names begin with `__Host-`, so that no neighbour of our host can slip one in; that takes the path `/` for all. All but the
last are sent with requests from our own pages alone.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Mapping
from dataclasses import dataclass, field

from scaisend.faults import Unavailable
from scaisend.http.cookies import MOST_COOKIE, CookieSession, cookie, cookie_names, set_cookie
from scaisend.http.reply import Headers
from scaisend.identity.login import ATTEMPT_S, PROVIDER, Attempt
from scaisend.identity.login_client import Tokens
from scaisend.sealing import SealBroken, Sealer

REFRESH_S = 14 * 86_400
TOO_LARGE = "the identity provider's tokens do not fit into a cookie of 3800 bytes; its operator can put fewer claims into them"
MOST_ATTEMPTS = 4
_STATE = re.compile(r"[A-Za-z0-9_-]{43}")
_ATTEMPT_SUFFIX = re.compile(r"[A-Za-z0-9_-]{8}")
_REFRESH, _ATTEMPT = "login-refresh", "login-attempt"


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token, and the provider's id of the user that it is for."""

    token: str = field(repr=False)
    subject: str


class LoginCookies:
    """Writes and reads them."""

    def __init__(self, *, session: CookieSession, sealer: Sealer) -> None:
        self._session = session
        self._sealer = sealer
        self._attempt_name, self._refresh_name, self._id_name = (
            session.prefix + name for name in ("scaisend_login_", "scaisend_refresh", "scaisend_id_token")
        )

    def attempt(self, attempt: Attempt, headers: Mapping[str, str]) -> Headers:
        """A login has begun. It comes back from another site, so the cookie has to come along from there.

        The oldest of many that the browser has begun and not ended are forgotten: a head has room for so many cookies.
        """
        begun = [name for name in cookie_names(headers.get("cookie"), self._attempt_name) if _ATTEMPT_SUFFIX.fullmatch(name[len(self._attempt_name) :])]
        forgotten = [self._set(name, "", 0, "Lax") for name in begun[: -MOST_ATTEMPTS + 1]]
        name = self._attempt_name + attempt.state[:8]
        return (*forgotten, self._set(name, self._seal(_ATTEMPT, attempt.packed()), int(ATTEMPT_S), "Lax"))

    def attempt_over(self, state: str) -> Headers:
        """The login of this state, if it can be one, has ended."""
        if not _STATE.fullmatch(state):
            return ()
        return (self._set(self._attempt_name + state[:8], "", 0, "Lax"),)

    def read_attempt(self, headers: Mapping[str, str], state: str) -> bytes | None:
        """The packed attempt of this state, if it was begun in this browser."""
        return self._open(_ATTEMPT, cookie(headers.get("cookie"), self._attempt_name + state[:8]))

    def session(self, tokens: Tokens, now_s: float) -> Headers:
        """The browser has a session. Raises: Unavailable when the provider's tokens are too large for that."""
        lasts_s = max(1, int(tokens.claims.expires_at - now_s))
        headers = [self._set(self._session.name, tokens.credential, lasts_s)]
        if tokens.refresh_token:
            kept = json.dumps([tokens.refresh_token, tokens.claims.subject]).encode()
            headers.append(self._set(self._refresh_name, self._seal(_REFRESH, kept), REFRESH_S))
        if any(len(value) > MOST_COOKIE for _, value in headers):
            raise Unavailable(PROVIDER, TOO_LARGE)
        if tokens.id_token and len(tokens.id_token) <= MOST_COOKIE:
            headers.append(self._set(self._id_name, tokens.id_token, REFRESH_S))
        return tuple(headers)

    def session_over(self) -> Headers:
        """The browser has none."""
        return tuple(self._set(name, "", 0) for name in (self._session.name, self._refresh_name, self._id_name))

    def has_session(self, headers: Mapping[str, str]) -> bool:
        """Whether any cookie of a session came along."""
        return any(cookie(headers.get("cookie"), name) for name in (self._session.name, self._refresh_name, self._id_name))

    def read_refresh(self, headers: Mapping[str, str]) -> Refresh | None:
        """The refresh token that came along, if any."""
        packed = self._open(_REFRESH, cookie(headers.get("cookie"), self._refresh_name))
        return Refresh(*json.loads(packed)) if packed is not None else None

    def read_id_token(self, headers: Mapping[str, str]) -> str | None:
        """The ID token that came along, if any."""
        return cookie(headers.get("cookie"), self._id_name)

    def _set(self, name: str, value: str, max_age_s: int, same_site: str = "Strict") -> tuple[str, str]:
        return set_cookie(name, value, max_age_s=max_age_s, is_secure=self._session.is_secure, same_site=same_site)

    def _seal(self, purpose: str, plain: bytes) -> str:
        return urlsafe_b64encode(self._sealer.seal(purpose, plain)).decode().rstrip("=")

    def _open(self, purpose: str, value: str | None) -> bytes | None:
        if value is None:
            return None
        try:
            return self._sealer.open(purpose, urlsafe_b64decode(value + "=" * (-len(value) % 4)))
        except (SealBroken, Error, ValueError):
            return None
