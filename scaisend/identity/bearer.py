"""The Identity seam for both kinds of credential: API keys, and tokens of the identity provider."""

from collections.abc import Awaitable, Callable

from scaisend.caller import Caller
from scaisend.faults import Unauthenticated
from scaisend.identity.authenticate import Authenticator
from scaisend.identity.jwt import Claims, Expired, is_token
from scaisend.identity.lockout import Lockout
from scaisend.identity.person import Standing, caller_of_person

ACCOUNT = "account-id "


class Bearers:
    """Keys go to `keys`; tokens to `claims_of`, which checks them, and `stand`, which asks the primary database each time.

    `stand(claims, on_behalf_of)`: what the database says of the person. As nothing is remembered of it, what changes about a
    person counts on its next request in every process. `lockout` hears of tokens that are no good; good ones are never locked out.
    """

    def __init__(
        self, *, keys: Authenticator, claims_of: Callable[[str], Awaitable[Claims]],
        stand: Callable[[Claims, str | None], Awaitable[Standing | None]], lockout: Lockout,
    ) -> None:
        self._keys = keys
        self._claims_of = claims_of
        self._stand = stand
        self._lockout = lockout

    async def authenticate(self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None) -> Caller:
        """The caller of a key or a token. Raises: as the seam; Unavailable while the provider's keys cannot be had."""
        if is_token(credential):
            return await self._person(credential, now_s, remote, on_behalf_of)
        return await self._keys.authenticate(credential, now_s=now_s, remote=remote, on_behalf_of=on_behalf_of)

    async def authenticate_cached(
        self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None, permission: str | None = None,
    ) -> Caller:
        """As `authenticate`; verdicts on keys may come from memory."""
        if is_token(credential):
            return await self._person(credential, now_s, remote, on_behalf_of)
        return await self._keys.authenticate_cached(
            credential, now_s=now_s, remote=remote, on_behalf_of=on_behalf_of, permission=permission,
        )

    async def _person(self, token: str, now_s: float, remote: str, on_behalf_of: str | None) -> Caller:
        behalf = _account(on_behalf_of) if on_behalf_of else None
        try:
            claims = await self._claims_of(token)
        except Expired:
            raise
        except Unauthenticated:
            self._lockout.refuse(remote, now_s)
            await self._lockout.note(remote, now_s)
            raise
        return caller_of_person(await self._stand(claims, behalf), on_behalf=behalf is not None)


def _account(header: str) -> str:
    """The account that the header names: SendGrid's `account-id …`, or an id or username as it is, in UTF-8."""
    name = header.removeprefix(ACCOUNT).strip()
    try:
        return name.encode("latin-1").decode()
    except UnicodeError:
        return name
