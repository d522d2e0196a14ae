"""keys: makes, lists and revokes API keys of a tenant."""

import argparse
import secrets
import time
from collections.abc import Callable
from typing import Any

from scaisend.app.adapters import Adapters
from scaisend.app.commands.session import add_options, print_json, print_table, the_tenant, with_adapters
from scaisend.faults import Forbidden, Invalid, NotFound
from scaisend.identity.api_key import SECRET_BYTES, make_key
from scaisend.identity.audit_store import record_act
from scaisend.identity.key_request import MOST_KEYS, NAME_LENGTH
from scaisend.identity.keys_store import Key, create_key, key, key_count, keys, revoke_key
from scaisend.identity.permissions import OURS, unknown_scopes
from scaisend.messages.moments import iso, read_moment
from scaisend.storage.database import Txn

ACTOR = "cli"
COLUMNS = ("id", "name", "prefix", "test", "expires_at", "last_used_at", "scopes")


def register(commands: Any) -> None:
    """Adds the command and its verbs."""
    parser = commands.add_parser("keys", help="make, list and revoke API keys", description="The API keys of a tenant.")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    create = _verb(verbs, "create", "make an API key, which is printed this once", run_create)
    create.add_argument("name", metavar="NAME", help="what the key is for")
    create.add_argument("--scopes", type=read_scopes, default=OURS, metavar="A,B", help="what it may do, SendGrid's names or ours (default: everything)")
    create.add_argument("--test", action="store_true", help="a key that validates everything and delivers nothing")
    create.add_argument("--expires", type=read_expiry, metavar="WHEN", help="from when it is refused: ISO 8601 or unix seconds")
    _verb(verbs, "list", "the tenant's keys", run_list)
    revoke = _verb(verbs, "revoke", "refuse a key from now on, in every process", run_revoke)
    revoke.add_argument("id", metavar="ID", help="the key's id")


def _verb(verbs: Any, name: str, sentence: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=sentence, description=sentence.capitalize() + ".")
    add_options(parser, tenant=True)
    parser.set_defaults(run=run)
    return parser


def run_create(options: argparse.Namespace) -> int:
    """0 when the key was made."""
    now = time.time()
    scopes, expires_at = options.scopes, options.expires
    if expires_at is not None and expires_at <= now:
        raise Invalid("--expires: the moment is past", "expires")
    if not 0 < len(options.name) <= NAME_LENGTH or not options.name.isprintable():
        raise Invalid(f"the name must be 1 to {NAME_LENGTH} printable characters", "name")
    secret = make_key(secrets.token_bytes(SECRET_BYTES), is_test=options.test)

    def create(txn: Txn, tenant_id: str, key_id: str) -> Key:
        if key_count(txn, tenant_id) >= MOST_KEYS:
            raise Forbidden(f"a tenant has at most {MOST_KEYS} API keys", help="revoke keys that are no longer used")
        made = create_key(
            txn, tenant_id, key_id=key_id, key=secret, name=options.name, scopes=scopes, is_test=options.test, created_by=ACTOR, created_at=now,
            expires_at=expires_at,
        )
        change = {"name": made.name, "scopes": made.scopes, "test": made.is_test, "expires_at": expires_at, "prefix": made.prefix}
        _record(txn, tenant_id, "api_key.create", made.id, change, now)
        return made

    async def work(adapters: Adapters) -> Key:
        tenant = await the_tenant(adapters, options)
        return await adapters.database.run(create, tenant.id, adapters.ids.new("key", tenant.id))

    made = with_adapters(options, work)
    shown = _shape(made) | {"api_key": secret, "api_key_id": made.id}
    if options.json:
        print_json(shown)
    else:
        print(f"api_key_id: {made.id}\napi_key: {secret}\nThe API key is shown this once: keep it.")
    return 0


def run_list(options: argparse.Namespace) -> int:
    """0."""

    async def work(adapters: Adapters) -> list[Key]:
        return await adapters.database.run(keys, (await the_tenant(adapters, options)).id, most=MOST_KEYS)

    found = [_shape(each) for each in with_adapters(options, work)]
    if options.json:
        print_json(found)
    else:
        print_table(found, COLUMNS)
    return 0


def run_revoke(options: argparse.Namespace) -> int:
    """0 when the key is refused from now on, 1 when there is no such key."""

    def revoke(txn: Txn, tenant_id: str) -> Key:
        before = key(txn, tenant_id, options.id, for_update=True)
        if before is None:
            raise NotFound(f"there is no API key {options.id!r}", help="`scaisend keys list` shows the ids")
        now = time.time()
        revoke_key(txn, tenant_id, options.id, revoked_at=now)
        _record(txn, tenant_id, "api_key.revoke", before.id, {"name": before.name, "prefix": before.prefix}, now)
        return before

    async def work(adapters: Adapters) -> Key:
        return await adapters.database.run(revoke, (await the_tenant(adapters, options)).id)

    gone = with_adapters(options, work)
    if options.json:
        print_json({"id": gone.id, "name": gone.name, "revoked": True})
    else:
        print(f"{gone.id} ({gone.name}) is revoked")
    return 0


def read_scopes(text: str) -> tuple[str, ...]:
    """The scopes of a comma-separated list, all permissions when it is empty."""
    scopes = tuple(dict.fromkeys(filter(None, (each.strip() for each in text.split(",")))))
    unknown = unknown_scopes(scopes)
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown scopes: {', '.join(unknown)} (ours are {', '.join(OURS)})")
    return scopes or OURS


def read_expiry(text: str) -> float:
    """The moment that --expires names."""
    try:
        return read_moment(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither ISO 8601 nor unix seconds") from None


def _record(txn: Txn, tenant_id: str, action: str, key_id: str, change: dict[str, object], now: float) -> None:
    record_act(
        txn, tenant_id, actor=ACTOR, action=action, resource=key_id, change=change, source=None, request_id=None, happened_at=now,
    )


def _shape(each: Key) -> dict[str, object]:
    return {
        "id": each.id, "tenant_id": each.tenant_id, "name": each.name, "prefix": each.prefix, "scopes": list(each.scopes), "test": each.is_test,
        "created_by": each.created_by, "created_at": iso(each.created_at), "expires_at": iso(each.expires_at), "last_used_at": iso(each.last_used_at),
    }
