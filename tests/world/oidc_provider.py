"""npm's `oidc-provider`, certified by the OpenID Foundation, as a process on loopback; and a person who logs in there."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import SkipTest

from tests.world.browser import Browser, Page
from tests.world.ports import free_port
from tests.world.program import bare_environment

SCRIPT = Path(__file__).parents[1] / "node" / "oidc_provider.mjs"
CLIENT_ID, SECRET = "scaisend-test", "secret of the client"


class OidcProvider:
    """It knows the accounts, each with its claims, and one client: this service at `base_url`.

    With `is_jwt` its access tokens are JWTs for the client, else opaque.
    """

    def __init__(self, base_url: str, accounts: Mapping[str, Mapping[str, object]], *, is_jwt: bool = False, lasts_s: int = 600) -> None:
        if shutil.which("node") is None or not (SCRIPT.parent / "node_modules" / "oidc-provider").is_dir():
            raise SkipTest("NOT TESTED: node or oidc-provider is not installed (make node)")
        self._base_url, self._is_jwt, self._lasts_s = base_url, is_jwt, lasts_s
        self.accounts = dict(accounts)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What ScaiSend is to be told."""
        return {
            "SCAIKEY_API_URL": self.url, "SCAIKEY_CLIENT_ID": CLIENT_ID, "SCAIKEY_CLIENT_SECRET": SECRET, "ADMIN_URL": self._base_url,
            "SCAIKEY_SCOPES": "openid profile email offline_access",
        }

    def start(self) -> None:
        """It listens."""
        client = {
            "client_id": CLIENT_ID, "client_secret": SECRET, "grant_types": ["authorization_code", "refresh_token"],
            "redirect_uris": [f"{self._base_url}/v3/auth/callback"], "post_logout_redirect_uris": [f"{self._base_url}/"],
        }
        given: dict[str, Any] = {"port": self.port, "client": client, "accounts": self.accounts, "jwt": self._is_jwt, "lasts_s": self._lasts_s}
        self._process = subprocess.Popen(
            ["node", str(SCRIPT), json.dumps(given)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=bare_environment(),
        )
        self._line("ready")

    def rotate(self) -> list[str]:
        """It signs with a new key; the ids of those that it publishes."""
        return self._tell("rotate")

    def forget(self) -> list[str]:
        """It publishes no key but the one it signs with."""
        return self._tell("forget")

    def stop(self) -> None:
        """It is gone, with all that it knew."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def log_in(self, browser: Browser, url: str, account: str, *, headers: Mapping[str, str] | None = None) -> Page:
        """Where the browser ends that goes to the login at `url`, when the person says who it is and agrees to everything."""
        page = browser.go(url, headers=headers)
        for _ in range(4):
            if not page.url.startswith(self.url):
                break
            assert page.status == 200, (page.url, page.status, page.body)
            page = browser.submit(page, login=account, password="any") if b"password" in page.body else browser.submit(page)
        return page

    def _tell(self, word: str) -> list[str]:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return self._line("").split()

    def _line(self, wanted: str) -> str:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        while wanted and line != wanted:
            assert self._process.poll() is None, "oidc-provider ended"
            line = self._process.stdout.readline().strip()
        return line
