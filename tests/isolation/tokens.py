"""An identity provider for the walk: its metadata and keys on a loopback port, and tokens of whom it is told to name."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.world.provider import Provider


class Tokens:
    """Listens until it is closed; `settings` are what makes an installation believe it."""

    def __init__(self) -> None:
        self._provider = Provider()
        provider = self._provider

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                url = f"http://{self.headers['Host']}"
                metadata = {
                    "issuer": url, "jwks_uri": f"{url}/keys", "authorization_endpoint": f"{url}/authorize", "token_endpoint": f"{url}/token",
                    "code_challenge_methods_supported": ["S256"], "response_types_supported": ["code"],
                }
                body = provider.jwks() if self.path == "/keys" else json.dumps(metadata).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """No access log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def settings(self) -> dict[str, str]:
        return {
            "SCAIKEY_API_URL": self.url, "SCAIKEY_CLIENT_ID": "scaisend", "SCAIKEY_CLIENT_SECRET": "secret", "SCAIKEY_WEBHOOK_SECRET": "told",
        }

    def of(self, subject: str, **claims: object) -> str:
        """A token of this person, good for an hour."""
        return self._provider.token(subject, iss=self.url, iat=time.time() - 1, exp=time.time() + 3_600, **claims)

    def close(self) -> None:
        """Nothing listens any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
