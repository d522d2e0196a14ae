"""A refresh token is exchanged once, however many ask for it at once, and wherever.

Providers turn refresh tokens, and end a session in which one comes twice, as if it were stolen. But a browser has several tabs, and
an answer may be lost on its way. So the first to ask exchanges the token, the others are given what it got, and for a minute
so is whoever still has the old token. What is kept for that is sealed.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from scaisend.faults import ScaiSendError, Unavailable
from scaisend.identity.jwt import Claims
from scaisend.identity.login import PROVIDER
from scaisend.identity.login_client import LoginClient, Tokens
from scaisend.identity.refreshes_store import OPEN_S, begin_exchange_across_tenants, end_exchange_across_tenants
from scaisend.sealing import SealBroken, Sealer
from scaisend.storage.database import Database

LOOK_EVERY_S = 0.25
_PURPOSE = "login-refreshed"


class Refreshing:
    """Exchanges refresh tokens; `wait(seconds)` ends after so long."""

    def __init__(self, *, client: LoginClient, database: Database, sealer: Sealer, wait: Callable[[float], Awaitable[object]]) -> None:
        self._client = client
        self._database = database
        self._sealer = sealer
        self._wait = wait

    async def tokens(self, refresh_token: str, now_s: float) -> Tokens:
        """What the token is good for. Raises: Unauthenticated when that is nothing; Unavailable."""
        token_hash = hashlib.sha256(refresh_token.encode()).hexdigest()
        waited_s = 0.0
        while waited_s <= OPEN_S:
            found = await self._database.run(begin_exchange_across_tenants, token_hash, now_s=now_s + waited_s)
            if isinstance(found, bytes):
                return self._opened(found)
            if found:
                return await self._exchanged(refresh_token, token_hash)
            await self._wait(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S
        raise Unavailable(PROVIDER)

    async def _exchanged(self, refresh_token: str, token_hash: str) -> Tokens:
        answer: bytes | None = None
        try:
            tokens = await self._client.renew(refresh_token)
            answer = self._sealer.seal(_PURPOSE, json.dumps(asdict(tokens)).encode())
        finally:
            try:
                await self._database.run(end_exchange_across_tenants, token_hash, answer)
            except ScaiSendError:
                pass  # others wait until it counts as cut off; the caller has its tokens
        return tokens

    def _opened(self, answer: bytes) -> Tokens:
        try:
            kept = json.loads(self._sealer.open(_PURPOSE, answer))
        except SealBroken:
            raise Unavailable(PROVIDER) from None
        return Tokens(**{**kept, "claims": Claims(**kept["claims"])})
