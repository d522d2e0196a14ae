"""This service as a client of the identity provider's own API, from the settings."""

import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.task import deferLater

from scaisend.app.config import Config
from scaisend.faults import Invalid, ScaiSendError, Unavailable
from scaisend.http.outgoing import NotAnswered, Outgoing
from scaisend.identity.directory_client import DirectoryClient
from scaisend.identity.oidc_client import PROVIDER, OidcClient
from scaisend.identity.provider_client import ProviderClient
from scaisend.reporting.oauth_client import OAuthClient

NEEDED = ("SCAIKEY_API_URL", "SCAIKEY_CLIENT_ID", "SCAIKEY_CLIENT_SECRET")


def make_provider_client(reactor: Any, outgoing: Outgoing, api_url: str, told: Callable[[str], None]) -> ProviderClient:
    """Asks the provider at that URL; `told` hears why it waits."""

    def wait(seconds: float) -> Awaitable[None]:
        waited: Awaitable[None] = deferLater(reactor, seconds)
        return waited

    return ProviderClient(
        outgoing=outgoing, api_url=api_url, wait=wait, jitter=lambda: random.uniform(0.8, 1.2), now_s=time.time, told=told,
    )


def make_directory(reactor: Any, outgoing: Outgoing, config: Config, told: Callable[[str], None]) -> DirectoryClient:
    """Reads the provider's lists as this service's client.

    Raises: Invalid when this service is no client of a provider.
    """
    missing = [name for name in NEEDED if not config[name]]
    if missing:
        raise Invalid(f"{', '.join(missing)}: must be set", missing[0], "`scaisend register` makes this service a client of the identity provider")
    api_url, client_id, secret = (config[name] for name in NEEDED)
    oidc = OidcClient(
        outgoing=outgoing, api_url=api_url, client_id=client_id, audience="", jwks_url=config["SCAIKEY_JWKS_URL"], issuer=config["SCAIKEY_ISSUER"],
        now_s=time.time,
    )
    tokens, used = OAuthClient(outgoing=outgoing, now_s=time.time), list[str]()

    async def token() -> str:
        token_url = (await oidc.metadata()).token_endpoint
        if not token_url:
            raise Unavailable(PROVIDER, "the identity provider names no token endpoint")
        used[:] = [token_url]
        try:
            return await tokens.token(token_url, client_id, secret)
        except NotAnswered as error:
            raise Unavailable(PROVIDER, f"the identity provider did not answer ({error})") from None
        except ScaiSendError as error:
            raise Unavailable(PROVIDER, f"the identity provider gave no token to this client: {error}") from None

    def renew() -> None:
        for token_url in used:
            tokens.forget(token_url, client_id, secret)

    return DirectoryClient(client=make_provider_client(reactor, outgoing, api_url, told), token=token, renew=renew)
