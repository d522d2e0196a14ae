"""The identity provider as a server on loopback: registration with approval, tokens, logins, lists page by page, and events.

It misbehaves when it is told to: `troubles` are answers that the next requests get whose path they begin.
"""

import hashlib
import json
import secrets
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, unquote, unquote_plus, urlencode, urlsplit
from urllib.request import Request, urlopen

from scaisend.identity.provider_events import sign
from tests.world.provider import Provider

Answer = tuple[int, Mapping[str, object], Mapping[str, str]]


@dataclass
class Trouble:
    """What the next `times` requests of that path get; a status of 0 cuts the connection."""

    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


@dataclass
class Application:
    """A client that was asked for."""

    request_id: str
    status_token: str
    wish: dict[str, Any]
    state: str = "PENDING"
    client_id: str = ""
    client_secret: str = ""
    webhook_secret: str = ""
    is_read: bool = False


class Scaikey:
    """Runs from its making to `close`. `lists` is what its directory holds: objects as they are shown, by noun."""

    def __init__(self, *, approves: bool = True, page: int = 200) -> None:
        self.approves = approves
        self.page = page
        self.lists: dict[str, list[dict[str, Any]]] = {"partners": [], "tenants": [], "users": [], "groups": []}
        self.hidden: set[str] = set()
        self.applications: dict[str, Application] = {}
        self.by_key: dict[str, str] = {}
        self.troubles: list[Trouble] = []
        self.asked: list[str] = []
        self.tokens: set[str] = set()
        self.places: dict[str, int] = {}
        self.person: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self._provider = Provider()
        self._lock = threading.Lock()
        scaikey = self

        class Doors(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with scaikey._lock:
                    status, given, headers = scaikey.answer(self.command, self.path, dict(self.headers.items()), body)
                if status == 0:
                    self.close_connection = True
                    self.connection.close()
                    return
                content = json.dumps(given).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """No log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Doors)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """It is gone."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # -- what its administrator does --

    def decide(self, state: str = "APPROVED") -> None:
        """Every request that is pending gets this state."""
        for each in self.applications.values():
            if each.state == "PENDING":
                each.state = state
                if state == "APPROVED":
                    each.client_id, each.client_secret, each.webhook_secret = f"cl-{each.request_id}", "s e'cret#1", secrets.token_hex(16)

    def client(self) -> Application:
        """The approved client that was made last."""
        return [each for each in self.applications.values() if each.state == "APPROVED"][-1]

    def stands(self) -> dict[str, str]:
        """An approved client without a registration, as settings of this service."""
        made = Application("ready", "", {})
        self.applications["ready"] = made
        self.decide()
        return {"SCAIKEY_API_URL": self.url, "SCAIKEY_CLIENT_ID": made.client_id, "SCAIKEY_CLIENT_SECRET": made.client_secret, "SCAIKEY_WEBHOOK_SECRET": made.webhook_secret}

    def jwt(self, subject: str, **claims: object) -> str:
        """An access token of that person."""
        now = time.time()
        return self._provider.token(subject, iss=self.url, aud=self.client().client_id, iat=now, exp=now + 600, **claims)

    def post_event(self, url: str, kind: str, *, event_id: str | None = None, at: float | None = None, signed_at: float | None = None, **more: object) -> int:
        """The status that the service at `url` answers to the event."""
        given = {"event_id": event_id or secrets.token_hex(8), "event_type": kind, "timestamp": at or time.time(), "actor": {"id": "root"}, **more}
        body = json.dumps(given).encode()
        signature = sign(self.client().webhook_secret, body, int(signed_at or time.time()))
        request = Request(f"{url}/webhooks/scaikey", body, {"Content-Type": "application/json", "X-ScaiKey-Signature": signature})
        try:
            with urlopen(request, timeout=30) as response:
                status: int = response.status
        except HTTPError as error:
            with error:
                status = error.code
        return status

    # -- its doors --

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Status, JSON and headers."""
        parts = urlsplit(target)
        path, query = parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(f"{method} {target}")
        for trouble in self.troubles:
            if path.startswith(trouble.path) and trouble.times:
                trouble.times -= 1
                return trouble.status, {"error": "trouble"}, trouble.headers
        if path == "/.well-known/openid-configuration":
            names = {"jwks_uri": "keys", "authorization_endpoint": "authorize", "token_endpoint": "token"}
            return 200, {"issuer": self.url, **{name: f"{self.url}/{each}" for name, each in names.items()}}, {}
        if path == "/keys":
            return 200, json.loads(self._provider.jwks()), {}
        if path == "/authorize":
            return self._authorize(query)
        if path == "/token":
            return self._token(headers, {name: values[0] for name, values in parse_qs(body.decode()).items()})
        if path.startswith("/v1/clients/register"):
            return self._registration(method, path.removeprefix("/v1/clients/register").strip("/"), headers, body)
        if path.startswith("/api/v1/admin/"):
            return self._directory(path.removeprefix("/api/v1/admin/"), query, headers)
        return 404, {"error": "not found"}, {}

    def _registration(self, method: str, request_id: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if method == "POST" and not request_id:
            key = headers.get("Idempotency-Key", "")
            if key not in self.by_key:
                made = Application(f"req-{len(self.applications)}", secrets.token_hex(8), json.loads(body))
                self.applications[made.request_id] = made
                self.by_key[key] = made.request_id
                if self.approves:
                    self.decide()
            found = self.applications[self.by_key[key]]
            if found.state == "APPROVED":
                return 201, _credentials(found), {}
            return 202, {"status": "PENDING", "request_id": found.request_id, "status_token": found.status_token, "poll_interval": 1}, {}
        application = self.applications.get(request_id)
        if application is None or headers.get("Authorization") != f"Bearer {application.status_token}":
            return 404, {"error": "not_found", "message": "there is no such request"}, {}
        if application.state != "APPROVED":
            return 200, {"status": application.state, "request_id": request_id, "reason": {"REJECTED": "not known to us"}.get(application.state)}, {}
        if application.is_read:
            return 200, {"status": "APPROVED", "client_id": application.client_id}, {}
        application.is_read = True
        return 200, _credentials(application), {}

    def _authorize(self, query: dict[str, str]) -> Answer:
        """`person` is logged in at once."""
        code = secrets.token_hex(8)
        self.codes[code] = query
        return 302, {}, {"Location": f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"}

    def _token(self, headers: Mapping[str, str], form: dict[str, str]) -> Answer:
        client_id, _, secret = b64decode(headers.get("Authorization", "").removeprefix("Basic ")).decode().partition(":")
        known = {(each.client_id, each.client_secret) for each in self.applications.values() if each.state == "APPROVED"}
        if (unquote_plus(client_id), unquote_plus(secret)) not in known:
            return 401, {"error": "invalid_client"}, {}
        if form["grant_type"] == "client_credentials":
            token = secrets.token_hex(16)
            self.tokens.add(token)
            return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 300}, {}
        begun = self.codes.pop(form.get("code", ""), None)
        digest = urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if begun is None or digest != begun["code_challenge"]:
            return 400, {"error": "invalid_grant"}, {}
        claims = {name: value for name, value in self.person.items() if name != "sub"}
        token = self.jwt(self.person["sub"], **claims)
        return 200, {"access_token": token, "id_token": self.jwt(self.person["sub"], nonce=begun["nonce"], **claims), "token_type": "Bearer", "expires_in": 600}, {}

    def _directory(self, noun: str, query: dict[str, str], headers: Mapping[str, str]) -> Answer:
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return 401, {"error": "invalid_token"}, {}
        if noun in self.hidden:
            return 403, {"error": "insufficient_scope"}, {}
        if noun.endswith("/members"):
            group = next(each for each in self.lists["groups"] if each["id"] == unquote(noun.split("/")[1]))
            found = [{"user_id": each} for each in group["inside"]]
        else:
            since = query.get("updated_since", "")
            found = [{name: value for name, value in each.items() if name != "inside"} for each in self.lists[noun] if each.get("updated_at", "~") >= since]
        begin = 0
        if "cursor" in query:
            if query["cursor"] not in self.places:
                return 400, {"error": "invalid_cursor"}, {}
            begin = self.places[query["cursor"]]
        end = begin + min(self.page, int(query["limit"]))
        following = None
        if end < len(found):
            following = f"{noun}@{end}"
            self.places[following] = end
        return 200, {"data": found[begin:end], "next_cursor": following, "total": len(found)}, {}


def _credentials(application: Application) -> dict[str, object]:
    return {
        "status": "APPROVED", "request_id": application.request_id, "client_id": application.client_id, "client_secret": application.client_secret,
        "webhook_secret": application.webhook_secret,
    }
