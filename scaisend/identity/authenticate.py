"""Credential → Caller.

`authenticate` asks the database on every call and so is right on the next request in every process. `authenticate_cached`
may answer from memory: for routes whose own transaction asks `keys_store.check_callers` before it commits.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from scaisend.caller import Caller
from scaisend.faults import Forbidden, Unauthenticated
from scaisend.identity.api_key import REFUSED, Credential, caller_of, hash_of, is_key
from scaisend.identity.lockout import Lockout

T = TypeVar("T")

GOOD_FOR_S = 30.0
UNKNOWN_FOR_S = 5.0
MOST_VERDICTS = 10_000


@dataclass(frozen=True, slots=True)
class _Verdict:
    caller: Caller
    expires_at: float
    good_until: float


class Authenticator:
    """The Identity seam for API keys.

    `look_up` answers what the primary database, never a replica, says of a key's hash (`keys_store.find_credential`);
    `note_use(key_id, tenant_id)` hears of every key that was accepted, `lockout` of every credential that nobody knows, once.
    The keys themselves need no such guard, with 128 random bits: it bounds what guessing costs the database.
    """

    def __init__(
        self, *, look_up: Callable[[bytes], Awaitable[Credential | None]], note_use: Callable[[str, str], None],
        lockout: Lockout, good_for_s: float = GOOD_FOR_S, most: int = MOST_VERDICTS,
    ) -> None:
        self._look_up = look_up
        self._note_use = note_use
        self._good_for_s = good_for_s
        self._most = most
        self._verdicts: OrderedDict[bytes, _Verdict] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._lockout = lockout
        self._epoch = 0

    async def authenticate(self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None) -> Caller:
        """The caller, by what the database says now.

        Raises: Unauthenticated when the credential is no key, or an unknown, revoked or expired one; Forbidden when the tenant
        is not active or the key would act for another; TooManyRequests when the source is locked out.
        """
        key_hash = _digest(credential)
        self._refuse_guessing(key_hash, now_s, remote)
        found = await self._look_up(key_hash) if is_key(credential) else None
        if found is None and key_hash not in self._unknown:
            await self._lockout.note(remote, now_s)
        caller = self._judge(key_hash, found, now_s)
        return self._admit(caller, on_behalf_of)

    async def authenticate_cached(
        self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None, permission: str | None = None,
    ) -> Caller:
        """As `authenticate`, but a verdict may be up to 30 seconds old: the caller's `epoch` has to be checked before commit.

        A remembered caller without `permission`, which the route asks for, is asked for again: it may have been given since.
        """
        caller = self.remembered(credential, now_s)
        if caller is None or (permission is not None and permission not in caller.permissions):
            return await self.authenticate(credential, now_s=now_s, remote=remote, on_behalf_of=on_behalf_of)
        return self._admit(caller, on_behalf_of)

    def remembered(self, credential: str, now_s: float) -> Caller | None:
        """The caller if a verdict on this key is in memory, its time is not up and no newer epoch was seen."""
        key_hash = _digest(credential)
        verdict = self._verdicts.get(key_hash)
        if verdict is None:
            return None
        if now_s >= verdict.good_until or now_s >= verdict.expires_at or verdict.caller.epoch != self._epoch:
            return None
        self._verdicts.move_to_end(key_hash)
        return verdict.caller

    def saw_epoch(self, epoch: int) -> None:
        """Verdicts reached under another epoch are not answered from memory any more."""
        self._epoch = epoch

    def _refuse_guessing(self, key_hash: bytes, now_s: float, remote: str) -> None:
        until = self._unknown.get(key_hash)
        if until is not None and now_s < until:
            raise Unauthenticated(REFUSED)
        if key_hash not in self._verdicts:
            self._lockout.refuse(remote, now_s)

    def _judge(self, key_hash: bytes, found: Credential | None, now_s: float) -> Caller:
        if found is None:
            self._keep(self._unknown, key_hash, now_s + UNKNOWN_FOR_S)
        else:
            self._epoch = found.epoch
        try:
            caller = caller_of(found, now_s)
        except (Unauthenticated, Forbidden):
            self._verdicts.pop(key_hash, None)
            raise
        expires_at = found.expires_at if found is not None and found.expires_at is not None else float("inf")
        self._keep(self._verdicts, key_hash, _Verdict(caller, expires_at, now_s + self._good_for_s))
        return caller

    def _keep(self, memory: OrderedDict[bytes, T], key_hash: bytes, value: T) -> None:
        memory[key_hash] = value
        memory.move_to_end(key_hash)
        if len(memory) > self._most:
            memory.popitem(last=False)

    def _admit(self, caller: Caller, on_behalf_of: str | None) -> Caller:
        if on_behalf_of:
            raise Forbidden("access forbidden: this credential may not act for another account", help="leave the on-behalf-of header out")
        self._note_use(caller.credential_id, caller.tenant_id)
        return caller


def _digest(credential: str) -> bytes:
    """What a credential is remembered by: a key's own hash, or one of what is no key."""
    return hash_of(credential) if is_key(credential) else b"-" + hashlib.sha256(credential.encode("utf-8", "replace")).digest()
