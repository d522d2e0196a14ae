"""A registration on its way: kept in DATA_DIR until its credentials are in the env file, so that nothing of it is lost in between.

The provider shows credentials once: they are kept before they are written on.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from scaisend.app.config import Config
from scaisend.app.env_file import change_env_file
from scaisend.app.installation import make_data_dir, write_privately
from scaisend.faults import Invalid
from scaisend.identity.registration_client import Credentials, Standing

FILE = "registration.json"


@dataclass(frozen=True, slots=True)
class Registration:
    """What was asked of whom, with which key, and what came of it so far."""

    api_url: str
    idempotency_key: str
    wish: Mapping[str, object]
    request_id: str | None = None
    status_token: str | None = field(repr=False, default=None)
    credentials: Credentials | None = None

    def after(self, standing: Standing) -> "Registration":
        """With what the provider answered."""
        return Registration(
            self.api_url, self.idempotency_key, self.wish, standing.request_id or self.request_id, standing.status_token or self.status_token,
            standing.credentials or self.credentials,
        )


def kept_registration(config: Config) -> Registration | None:
    """The one that is on its way. Raises: Invalid when the file cannot be read."""
    path = registration_path(config)
    try:
        with open(path, encoding="utf-8") as stream:
            given: dict[str, Any] = json.load(stream)
        credentials = given.pop("credentials")
        return Registration(**given, credentials=Credentials(**credentials) if credentials else None)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Invalid(f"{path} cannot be read ({type(error).__name__})", help="remove it, and register again") from None


def keep_registration(config: Config, registration: Registration) -> None:
    """It outlives this process, in a file of mode 600."""
    make_data_dir(config)
    write_privately(registration_path(config), json.dumps(asdict(registration), indent=2) + "\n")


def forget_registration(config: Config) -> None:
    """None is on its way."""
    with suppress(FileNotFoundError):
        os.unlink(registration_path(config))


def registration_path(config: Config) -> str:
    """Where it is kept."""
    return os.path.join(config["DATA_DIR"], FILE)


def write_credentials(config: Config, env_file: str, registration: Registration) -> list[str]:
    """The env file holds the credentials, and the registration has come to its end. The variables that were written.

    Raises: Invalid when the file cannot be written; the credentials stay where they are kept.
    """
    given = registration.credentials
    if given is None:
        return []
    values = {
        "SCAIKEY_API_URL": registration.api_url, "SCAIKEY_CLIENT_ID": given.client_id, "SCAIKEY_CLIENT_SECRET": given.client_secret,
        "SCAIKEY_WEBHOOK_SECRET": given.webhook_secret, "SCAIKEY_ISSUER": given.issuer, "SCAIKEY_JWKS_URL": given.jwks_url,
    }
    written = {name: value for name, value in values.items() if value}
    change_env_file(env_file, written)
    forget_registration(config)
    return list(written)
