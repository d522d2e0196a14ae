"""The provider of provider.py with its doors for logins: it checks what a client must prove, and can misbehave."""

import hashlib
import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from scaisend.http.outgoing import Answer, NotAnswered
from tests.world.provider import AUDIENCE, ISSUER, NOW, Provider

SECRET = "client: secret"


class LoginProvider(Provider):
    """`answers` is what the token endpoint says next, whatever it is asked; `id_claims` are put into each ID token.

    `access` makes the access token from the claims of a person, or is None for one that is no JWT.
    """

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, dict[str, Any]] = {}
        self.refreshes: dict[str, dict[str, Any]] = {}
        self.answers: list[Answer] = []
        self.id_claims: dict[str, object] = {}
        self.access_claims: dict[str, object] | None = None
        self.revoked: list[str] = []
        self.now = NOW
        self.metadata: dict[str, object] = {
            "issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys", "authorization_endpoint": f"{ISSUER}/authorize?realm=x", "token_endpoint": f"{ISSUER}/token",
            "end_session_endpoint": f"{ISSUER}/end", "revocation_endpoint": f"{ISSUER}/revoke", "authorization_response_iss_parameter_supported": True,
        }

    def log_in(self, url: str, subject: str = "ann", **claims: object) -> str:
        """The URL at which the provider sends the browser back after the person has logged in at `url`."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(f"{ISSUER}/authorize?realm=x&") and asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split() and asked["client_id"] == AUDIENCE
        code = f"code-{len(self.codes)}"
        self.codes[code] = {**asked, "subject": subject, "claims": claims}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': ISSUER})}"

    async def get(self, url: str, headers: Mapping[str, str], timeout_s: float, *, body_most: int = 0) -> Answer:
        answer = await super().get(url, headers, timeout_s, body_most=body_most)
        return Answer(200, json.dumps(self.metadata).encode(), {}) if url.endswith("/.well-known/openid-configuration") else answer

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float, *, body_most: int = 0) -> Answer:
        self.asked.append(url)
        if self.is_away:
            raise NotAnswered("away")
        if self.answers:
            return self.answers.pop(0)
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if b64decode(headers["Authorization"].removeprefix("Basic ")).decode() != f"{AUDIENCE}:client%3A+secret":
            return _error(401, "invalid_client")
        if url == f"{ISSUER}/revoke":
            self.revoked.append(asked["token"])
            return Answer(200, b"", {})
        if asked["grant_type"] == "refresh_token":
            begun = self.refreshes.pop(asked["refresh_token"], None)
        else:
            begun = self.codes.pop(asked["code"], None)
            digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
            if begun and (begun["code_challenge"] != urlsafe_b64encode(digest).decode().rstrip("=") or begun["redirect_uri"] != asked["redirect_uri"]):
                begun = None
        return Answer(200, json.dumps(self._tokens(begun)).encode(), {}) if begun else _error(400, "invalid_grant")

    def _tokens(self, begun: dict[str, Any]) -> dict[str, object]:
        refresh_token = f"refresh-{len(self.asked)}"
        self.refreshes[refresh_token] = {**begun, "nonce": None}
        person = {"iat": self.now, "exp": self.now + 600, **begun["claims"]}
        access = "opaque" if self.access_claims is None else self.token(begun["subject"], **{**person, **self.access_claims})
        id_token = self.token(begun["subject"], **{**person, "nonce": begun["nonce"], **self.id_claims})
        return {"access_token": access, "token_type": "Bearer", "id_token": id_token, "refresh_token": refresh_token, "expires_in": 600}


def _error(status: int, name: str) -> Answer:
    return Answer(status, json.dumps({"error": name}).encode(), {})
