"""register, register-status: makes this service a client of the identity provider."""

import argparse
import os
import secrets
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.task import deferLater

from scaisend.app.commands.progress import Progress
from scaisend.app.commands.session import add_options, in_reactor, print_json, settings
from scaisend.app.config import Config
from scaisend.app.env_file import check_env_file, ensure_secret_key
from scaisend.app.provider import make_provider_client
from scaisend.app.registration import (
    Registration,
    forget_registration,
    keep_registration,
    kept_registration,
    registration_path,
    write_credentials,
)
from scaisend.app.setting_values import url
from scaisend.faults import Conflict, Forbidden, Invalid, NotFound, Unavailable
from scaisend.http.outgoing import Outgoing
from scaisend.identity.registration_client import APPROVED, PENDING, RegistrationClient, Standing, Wish

USUAL_WAIT_S = 3_600.0
LEAST_AGAIN_S, USUAL_AGAIN_S, MOST_AGAIN_S = 1.0, 5.0, 300.0
ASK_AGAIN = "`scaisend register-status --update-env` asks again"


def register(commands: Any) -> None:
    """Adds the commands."""
    parser = commands.add_parser(
        "register", help="register this service with the identity provider",
        description="Asks the identity provider at SCAIKEY_API_URL to take this service as a client, waits until somebody approves it, and writes the "
        "credentials into the env file. Asked again, it goes on with the request that is pending. Exit code 0 when the credentials are written, 1 "
        "when the request was refused or is not decided yet, 3 when the provider is away.",
    )
    add_options(parser)
    parser.add_argument("--public-url", required=True, type=_public_url, metavar="URL", help="where people and the provider reach this service")
    parser.add_argument("--contact-email", required=True, type=_contact, metavar="ADDRESS", help="who answers for it")
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument("--tenant", metavar="SLUG", help="for this tenant alone")
    limit.add_argument("--partner", metavar="SLUG", help="for this partner's tenants alone")
    parser.add_argument("--api-url", type=_public_url, metavar="URL", help="the provider; it is written into the env file too (default SCAIKEY_API_URL)")
    parser.add_argument("--wait", type=_seconds, default=USUAL_WAIT_S, metavar="SECONDS", help="how long to wait for the approval (default an hour, 0 not at all)")
    parser.add_argument("--again", action="store_true", help="make a new request, whatever was asked for or given before")
    parser.set_defaults(run=run_register, makes_env_file=True)
    status = commands.add_parser(
        "register-status", help="ask how the registration stands",
        description="Asks the identity provider how the registration stands: PENDING, APPROVED, REJECTED, CANCELLED or EXPIRED. Exit code 0 when it is approved, else 1.",
    )
    add_options(status)
    status.add_argument("--update-env", action="store_true", help="write the credentials of an approved registration into the env file")
    status.set_defaults(run=run_status)


def run_register(options: argparse.Namespace) -> int:
    """0 when the credentials are in the env file."""
    config = settings(options, needs_secret_key=False)
    api_url = options.api_url or config["SCAIKEY_API_URL"]
    if not api_url:
        raise Invalid("SCAIKEY_API_URL: must be set, or --api-url given", "SCAIKEY_API_URL", "it is the identity provider's address")
    if config["SCAIKEY_CLIENT_ID"] and not options.again:
        raise Conflict(f"this service is registered as {config['SCAIKEY_CLIENT_ID']}", help="--again registers it anew")
    if api_url.startswith("http://") and urlsplit(api_url).hostname not in ("127.0.0.1", "::1", "localhost"):
        print(f"warning: {api_url} is not https: the credentials can be read on the way", file=sys.stderr)
    ensure_secret_key(options.env_file)
    check_env_file(options.env_file)
    wish = Wish(options.public_url, options.contact_email, *_level(options))
    if options.again:
        forget_registration(config)
    registration = _begun(config, api_url, wish)
    progress = Progress()
    try:
        standing, registration = in_reactor(lambda reactor: _registered(reactor, config, registration, wish, options.wait, progress))
    except KeyboardInterrupt:
        print(f"\nthe request stays open: {ASK_AGAIN}", file=sys.stderr)
        raise
    finally:
        progress.end()
    if options.public_url != config["ADMIN_URL"]:
        print(f"warning: logins end at ADMIN_URL, which is {config['ADMIN_URL']} and not {options.public_url}", file=sys.stderr)
    return _tell(options, config, standing, registration, updates=True)


def run_status(options: argparse.Namespace) -> int:
    """0 when the registration is approved."""
    config = settings(options, needs_secret_key=False)
    registration = kept_registration(config)
    if registration is None or (registration.request_id is None and registration.credentials is None):
        if config["SCAIKEY_CLIENT_ID"]:
            raise NotFound(f"no registration is pending; this service is registered as {config['SCAIKEY_CLIENT_ID']}")
        raise NotFound("no registration is pending", help="`scaisend register` makes one")
    if options.update_env:
        check_env_file(options.env_file)
    standing = Standing(APPROVED, registration.credentials)
    if registration.credentials is None:
        progress = Progress()
        kept = registration
        try:
            standing = in_reactor(lambda reactor: _asked(reactor, config, kept, progress))
        finally:
            progress.end()
        registration = registration.after(standing)
    return _tell(options, config, standing, registration, updates=options.update_env)


def _begun(config: Config, api_url: str, wish: Wish) -> Registration:
    """The registration to go on with, or a new one, kept before it is asked for: asked twice it is one request."""
    kept = kept_registration(config)
    if kept is not None and kept.api_url == api_url and (kept.request_id or kept.credentials or kept.wish == wish.body()):
        if kept.wish != wish.body():
            print("a registration is on its way, as it was asked for before; --again makes a new one", file=sys.stderr)
        return kept
    made = Registration(api_url, secrets.token_hex(16), wish.body())
    keep_registration(config, made)
    return made


async def _registered(
    reactor: Any, config: Config, registration: Registration, wish: Wish, wait_s: float, progress: Progress,
) -> tuple[Standing, Registration]:
    """Where it stands once it is decided, or the wait is over; what is known of it is kept at each step."""
    if registration.credentials is not None:
        return Standing(APPROVED, registration.credentials), registration
    outgoing = Outgoing(reactor=reactor, resolver=None)
    client = RegistrationClient(client=make_provider_client(reactor, outgoing, registration.api_url, progress.show))
    ends_at = time.monotonic() + wait_s
    try:
        if registration.request_id is None:
            standing = await client.register(wish, idempotency_key=registration.idempotency_key)
            registration = registration.after(standing)
            keep_registration(config, registration)
        else:
            standing = await _looked(client, registration, progress)
        if standing.state == PENDING:
            progress.end()
            print(f"request {registration.request_id} waits for the approval of the identity provider's administrator", file=sys.stderr)
        while standing.state == PENDING and time.monotonic() < ends_at:
            left_s = ends_at - time.monotonic()
            progress.show(f"{standing.state}, {left_s:.0f} s left to wait")
            await deferLater(reactor, min(_again_s(standing), left_s))
            standing = await _looked(client, registration, progress)
        registration = registration.after(standing)
        keep_registration(config, registration)
        return standing, registration
    finally:
        await outgoing.close()


async def _looked(client: RegistrationClient, registration: Registration, progress: Progress) -> Standing:
    """Where it stands; still pending while the provider is away."""
    try:
        return await client.standing(registration.request_id or "", registration.status_token or "", tries=2)
    except Unavailable as error:
        progress.show(str(error))
        return Standing(PENDING)


async def _asked(reactor: Any, config: Config, registration: Registration, progress: Progress) -> Standing:
    outgoing = Outgoing(reactor=reactor, resolver=None)
    client = RegistrationClient(client=make_provider_client(reactor, outgoing, registration.api_url, progress.show))
    try:
        standing = await client.standing(registration.request_id or "", registration.status_token or "", tries=3)
        keep_registration(config, registration.after(standing))
        return standing
    finally:
        await outgoing.close()


def _tell(options: argparse.Namespace, config: Config, standing: Standing, registration: Registration, *, updates: bool) -> int:
    """Prints where it stands, having written the credentials if they came. 0 when it is approved and they are here."""
    given = registration.credentials
    written = write_credentials(config, options.env_file, registration) if updates and given is not None else []
    shown = {
        "status": standing.state, "request_id": registration.request_id, "client_id": given.client_id if given else None, "reason": standing.reason,
        "env_file": options.env_file if written else None, "written": written,
    }
    if standing.state not in (PENDING, APPROVED):
        forget_registration(config)
    if options.json:
        print_json(shown)
    else:
        print(f"{standing.state}{': ' + standing.reason if standing.reason else ''}")
    if standing.state == PENDING:
        print(ASK_AGAIN, file=sys.stderr)
        return 1
    if standing.state != APPROVED:
        return 1
    if given is None:
        raise Forbidden(
            "the registration is approved, but its credentials were read before",
            help="put them into the env file, or let the provider's administrator give a new secret, or `scaisend register --again`",
        )
    if not written:
        print(f"the credentials are kept in {registration_path(config)}: `scaisend register-status --update-env` writes them into the env file", file=sys.stderr)
        return 0
    print(f"{', '.join(written)} written into {options.env_file}", file=sys.stderr)
    for name in written:
        if os.environ.get(name):
            print(f"warning: {name} of the environment wins over the file", file=sys.stderr)
    return 0


def _level(options: argparse.Namespace) -> tuple[str, str | None]:
    if options.tenant:
        return "tenant", options.tenant
    return ("partner", options.partner) if options.partner else ("platform", None)


def _again_s(standing: Standing) -> float:
    return min(MOST_AGAIN_S, max(LEAST_AGAIN_S, standing.again_s or USUAL_AGAIN_S))


def _public_url(raw: str) -> str:
    try:
        if raw and (found := url(raw)):
            return found
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{raw!r} is not an http or https URL")


def _contact(raw: str) -> str:
    name, at, domain = raw.rpartition("@")
    if not name or not at or "." not in domain or not raw.isprintable() or " " in raw:
        raise argparse.ArgumentTypeError(f"{raw!r} is not an address")
    return raw


def _seconds(raw: str) -> float:
    try:
        value = float(raw)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 30 * 86_400:
        raise argparse.ArgumentTypeError(f"{raw!r} is not a number of seconds")
    return value
