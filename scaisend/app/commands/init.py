"""init: makes the first partner, tenant, roles and admin key."""

import argparse
import secrets
import time
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import add_options, print_json, with_adapters
from scaisend.app.env_file import ensure_secret_key
from scaisend.identity.api_key import make_key
from scaisend.identity.people_store import Installed, init_installation


def register(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "init", help="make the first tenant and an admin API key",
        description="Makes a partner, a tenant, its default roles and an admin API key, which is printed once. Writes a SECRET_KEY into the env file when none is set.",
    )
    add_options(parser)
    parser.add_argument("--partner-name", default="Default", help="display name of the partner")
    parser.add_argument("--tenant-name", default="Default", help="display name of the tenant")
    parser.set_defaults(run=run, makes_env_file=True)


def run(options: argparse.Namespace) -> int:
    """0 when the installation is set up now, 1 when it was before."""
    ensure_secret_key(options.env_file)
    key = make_key(secrets.token_bytes(16))

    async def work(adapters: Adapters) -> Installed:
        return await adapters.database.run(
            init_installation, adapters.ids, partner_name=options.partner_name, tenant_name=options.tenant_name, key=key, now_s=time.time()
        )

    installed = with_adapters(options, work, begins=True)
    made = {
        "partner_id": installed.partner.id, "tenant_id": installed.tenant.id, "api_key_id": installed.key.id, "api_key": key,
    }
    if options.json:
        print_json(made)
    else:
        for name, value in made.items():
            print(f"{name}: {value}")
        print("The API key is shown this once: keep it.")
    return 0
