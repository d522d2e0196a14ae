"""An OpenID Connect provider: publishes metadata and keys, signs whatever it is told to, and can be away or turn its keys."""

import json
from collections.abc import Mapping

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from scaisend.http.outgoing import Answer, NotAnswered

ISSUER, AUDIENCE = "https://id.test", "scaisend"
NOW = 1_800_000_000.0


class Provider:
    """Stands where http/outgoing.py stands. `asked` are the URLs that were called."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_away = False
        self.keys: dict[str, tuple[str, object]] = {}
        self.add("r1", "RS256")

    def add(self, kid: str, algorithm: str) -> None:
        """One more key."""
        made = rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
        self.keys[kid] = (algorithm, made)

    def jwks(self) -> bytes:
        shown = []
        for kid, (algorithm, key) in self.keys.items():
            kind = jwt.algorithms.RSAAlgorithm if algorithm == "RS256" else jwt.algorithms.ECAlgorithm
            shown.append({**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", "alg": algorithm})  # type: ignore[attr-defined]
        return json.dumps({"keys": shown}).encode()

    def token(self, subject: str = "ann", *, kid: str = "r1", headers: Mapping[str, object] | None = None, **claims: object) -> str:
        """A good token but for what `claims` and `headers` say; a claim that is None is left out."""
        whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": NOW, "exp": NOW + 600, **claims}
        algorithm, key = self.keys[kid]
        given = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(given, key, algorithm=algorithm, headers={"kid": kid, **(headers or {})})  # type: ignore[arg-type]

    async def get(self, url: str, headers: Mapping[str, str], timeout_s: float, *, body_most: int = 0) -> Answer:
        self.asked.append(url)
        if self.is_away:
            raise NotAnswered("away")
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return Answer(200, json.dumps({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}).encode(), {})
        return Answer(200, self.jwks(), {}) if url == f"{ISSUER}/keys" else Answer(404, b"{}", {})
