"""Who people are, when an identity provider is set: their tokens at the door, and the doors they log in at."""

import os
import time
from collections.abc import Awaitable
from typing import Protocol

from twisted.internet.task import deferLater

from scaisend.app.adapters import Adapters
from scaisend.caller import Caller
from scaisend.http.cookies import CookieSession
from scaisend.http.outgoing import Outgoing
from scaisend.http.route import Route
from scaisend.identity.authenticate import Authenticator
from scaisend.identity.bearer import Bearers
from scaisend.identity.jwt import Claims
from scaisend.identity.lockout import Lockout
from scaisend.identity.login_api import LoginApi
from scaisend.identity.login_client import LoginClient
from scaisend.identity.login_session import LoginCookies
from scaisend.identity.mirror_store import seen_across_tenants
from scaisend.identity.oidc_client import OidcClient
from scaisend.identity.person import Standing
from scaisend.identity.refreshing import Refreshing


class Identity(Protocol):
    """Credentials to callers (http/door.py)."""

    async def authenticate(self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None) -> Caller: ...

    async def authenticate_cached(
        self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None, permission: str | None = None
    ) -> Caller: ...


class LoggingIn:
    """What a process's door and its login share: one memory of the provider's keys, one session, one count of failures."""

    def __init__(self, adapters: Adapters, lockout: Lockout) -> None:
        self._adapters = adapters
        self._lockout = lockout
        self.client = make_client(adapters, Outgoing(reactor=adapters.reactor, resolver=None))
        self.session = CookieSession(adapters.config["ADMIN_URL"])

    def identity(self, keys: Authenticator) -> Identity:
        """Who the holders of keys are, and, with a provider, those of its tokens."""
        database, ids, client = self._adapters.database, self._adapters.ids, self.client
        if client is None:
            return keys

        def stand(claims: Claims, on_behalf_of: str | None) -> Awaitable[Standing | None]:
            return database.run(seen_across_tenants, ids, claims, on_behalf_of, now_s=time.time())

        return Bearers(keys=keys, claims_of=client.oidc.claims, stand=stand, lockout=self._lockout)

    def routes(self, keys: Authenticator) -> list[Route]:
        """The doors of /v3/auth."""
        adapters, base_url = self._adapters, self._adapters.config["ADMIN_URL"]
        refreshing = None
        if self.client is not None:
            refreshing = Refreshing(
                client=self.client, database=adapters.database, sealer=adapters.sealer,
                wait=lambda seconds: deferLater(adapters.reactor, seconds, lambda: None),
            )
        return LoginApi(
            client=self.client, refreshing=refreshing, cookies=LoginCookies(session=self.session, sealer=adapters.sealer), session=self.session,
            base_url=base_url, scopes=adapters.config["SCAIKEY_SCOPES"], identity=self.identity(keys), lockout=self._lockout,
            take=lambda key, limit: adapters.limiter.take(key, limit), database=adapters.database, random_bytes=os.urandom,
        ).routes()


def make_client(adapters: Adapters, outgoing: Outgoing) -> LoginClient | None:
    """This service as a client of the identity provider, if there is one."""
    config = adapters.config
    if not config["SCAIKEY_API_URL"]:
        return None
    oidc = OidcClient(
        outgoing=outgoing, api_url=config["SCAIKEY_API_URL"], client_id=config["SCAIKEY_CLIENT_ID"], audience=config["SCAIKEY_AUDIENCE"],
        jwks_url=config["SCAIKEY_JWKS_URL"], issuer=config["SCAIKEY_ISSUER"], now_s=time.time,
    )
    return LoginClient(oidc=oidc, outgoing=outgoing, client_id=config["SCAIKEY_CLIENT_ID"], secret=config["SCAIKEY_CLIENT_SECRET"])
