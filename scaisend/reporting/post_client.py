"""One post of events to a webhook: in its form, with its token, signed."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from scaisend.faults import ScaiSendError
from scaisend.reporting.envelope import Told, bodies, flat, own_form
from scaisend.reporting.oauth_client import OAuthClient, Poster
from scaisend.reporting.signature import ecdsa_headers, hmac_headers
from scaisend.reporting.webhook import SENDGRID, Secrets, Webhook, unseal
from scaisend.sealing import Sealer

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Posted:
    """How a post went; `answer` is the status, or why there was none."""

    is_good: bool
    answer: str


class PostClient:
    """Posts events; success is a 2xx within 30 seconds."""

    def __init__(self, *, outgoing: Poster, oauth: OAuthClient, sealer: Sealer, now_s: Callable[[], float]) -> None:
        self._outgoing = outgoing
        self._oauth = oauth
        self._sealer = sealer
        self._now_s = now_s

    async def post(self, webhook: Webhook, told: Sequence[Told]) -> Posted:
        """All the events were posted, in as many requests as their size needs, or one of them failed and the rest was not tried."""
        try:
            secrets = unseal(self._sealer, webhook.sealed_secret)
            answer = "nothing to post"
            for body in bodies([flat(each) if webhook.model == SENDGRID else own_form(each) for each in told]):
                posted = await self._one(webhook, secrets, body)
                if not posted.is_good:
                    return posted
                answer = posted.answer
            return Posted(True, answer)
        except ScaiSendError as error:
            return Posted(False, str(error)[:500])

    async def _one(self, webhook: Webhook, secrets: Secrets, body: bytes) -> Posted:
        url, login = without_login(webhook.url)
        headers = {"Content-Type": "application/json", "User-Agent": "ScaiSend", **login}
        client = (webhook.oauth.token_url, webhook.oauth.client_id, secrets.oauth_secret)
        if webhook.oauth.token_url:
            headers["Authorization"] = f"Bearer {await self._oauth.token(*client)}"
        # Signed last: the receiver compares the timestamp with its clock.
        if webhook.model == SENDGRID and secrets.ecdsa_key:
            headers |= ecdsa_headers(secrets.ecdsa_key, body, self._now_s())
        elif webhook.model != SENDGRID:
            headers |= hmac_headers(secrets.hmac_secret, body, self._now_s())
        answer = await self._outgoing.post(url, body, headers, TIMEOUT_S)
        if answer.status == 401 and webhook.oauth.token_url:
            self._oauth.forget(*client)
        return Posted(200 <= answer.status < 300, str(answer.status))


def without_login(url: str) -> tuple[str, dict[str, str]]:
    """The URL without `user:password@`, and the header that says it instead."""
    parts = urlsplit(url)
    login, at, place = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    user, _, password = login.partition(":")
    basic = b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    return urlunsplit(parts._replace(netloc=place)), {"Authorization": f"Basic {basic}"}
