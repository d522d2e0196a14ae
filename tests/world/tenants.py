"""Makers: tenants, keys and the calls that come with them, in an inline database."""

import itertools
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from scaisend.caller import Caller
from scaisend.http.call import Call
from scaisend.identity.api_key import caller_of, hash_of, make_key
from scaisend.identity.keys_store import create_key, find_credential
from scaisend.identity.lockout import Lockout
from scaisend.identity.people_store import Tenant, make_partner, make_tenant
from scaisend.ids import IdMaker
from scaisend.storage.memory_limiter import MemoryLimiter
from tests.world.inline_database import InlineDatabase

T = TypeVar("T")
NOW = 1_800_000_000.0


def id_maker(seed: int = 0) -> IdMaker:
    """Ids that are the same in each run, and in the order they were made."""
    ticks = itertools.count()
    return IdMaker(now_s=lambda: NOW + next(ticks) / 1000, random_bits=random.Random(seed).getrandbits)


def a_lockout() -> Lockout:
    """Login limits of a process by itself, all of whose failures are at NOW."""
    return Lockout(MemoryLimiter(clock=lambda: NOW).take)


def make_a_tenant(database: InlineDatabase, ids: IdMaker, name: str = "Acme") -> Tenant:
    """A tenant under a partner of its own."""
    partner = database.now(make_partner, ids, name=f"{name}'s partner", now_s=NOW)
    return database.now(make_tenant, ids, name=name, partner_id=partner.id, now_s=NOW)


def make_a_key(
    database: InlineDatabase, ids: IdMaker, tenant_id: str, scopes: Sequence[str] = ("mail.send",), *, is_test: bool = False,
    expires_at: float | None = None,
) -> str:
    """A key that works."""
    secret = make_key(ids.number().to_bytes(16, "big"), is_test=is_test)
    database.now(
        create_key, tenant_id, key_id=ids.new("key", tenant_id), key=secret, name="a key", scopes=scopes, is_test=is_test,
        created_by="test", created_at=NOW, expires_at=expires_at,
    )
    return secret


def caller_with(database: InlineDatabase, secret: str, now_s: float = NOW) -> Caller:
    """The caller that this key is good for."""
    return caller_of(database.now(find_credential, hash_of(secret)), now_s)


def call_by(
    caller: Caller, *, body: bytes = b"", path: Mapping[str, str] | None = None, query: Mapping[str, list[str]] | None = None,
    now_s: float = NOW,
) -> Call:
    """A request as the door hands it to a handler."""
    return Call(caller=caller, path=path or {}, query=query or {}, body=body, request_id="req_1", now_s=now_s, remote="192.0.2.7")


def now(case: SynchronousTestCase, coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing; what it raises is raised."""
    return case.successResultOf(_settled(coroutine))()


def _settled(coroutine: Coroutine[Any, Any, T]) -> "Deferred[Callable[[], T]]":
    async def settle() -> Callable[[], T]:
        try:
            result = await coroutine
        except Exception as error:
            raised = error

            def again() -> T:
                raise raised

            return again
        return lambda: result

    return Deferred.fromCoroutine(settle())
