"""POST /v3/mail/send: a request is read, its attachments stored, and it is accepted in a group commit."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import orjson

from scaisend.caller import Caller
from scaisend.faults import Conflict, Invalid, UnsupportedType
from scaisend.http.call import Call, is_json
from scaisend.http.reply import Reply
from scaisend.http.route import Route, post
from scaisend.ids import IdMaker, short_form
from scaisend.sending.accept import Accepted, Submission
from scaisend.sending.request import SendRequest, read_send_request
from scaisend.storage.group_commit import GroupCommit
from scaisend.storage.objects import Objects
from scaisend.storage.pushing import Pushing

BODY_LIMIT = 42_000_000
KEY_LENGTH = 255
TEXT_IN_ROW = 400_000


class Accepts(Protocol):
    """What metrics want to know of accepted requests."""

    def accepted(self, messages: int) -> None:
        """So many messages were committed."""


class SendApi:
    """The door that mail comes in by. `encode` gives an attachment's content as it stands in a mail, and its SHA-256."""

    def __init__(
        self, *, commits: GroupCommit[Submission, Accepted], objects: Objects, pushing: Pushing, ids: IdMaker, metrics: Accepts,
        encode: Callable[[bytes], Awaitable[tuple[bytes, str]]], reached: Callable[[str], None],
    ) -> None:
        self._encode = encode
        self._commits = commits
        self._objects = objects
        self._pushing = pushing
        self._ids = ids
        self._metrics = metrics
        self._reached = reached
        self._in_flight: dict[tuple[str, str], bytes] = {}

    def routes(self) -> list[Route]:
        return [
            post(
                "/v3/mail/send", self.send, permission="mail.send", limit="mail_send", body_limit=BODY_LIMIT, hot=True,
                summary="Send mail: one message a personalization",
            )
        ]

    async def send(self, call: Call) -> Reply:
        """202 once every message is committed; 200 for sandbox_mode."""
        kind = call.headers.get("content-type")
        if kind and not is_json(kind):
            raise UnsupportedType("Content-Type should be application/json")
        return _reply(await self.take(call.caller, call.body, now_s=call.now_s, key=call.headers.get("idempotency-key")))

    async def take(self, caller: Caller, body: bytes, *, now_s: float, key: str | None = None, digest: bytes | None = None) -> Accepted:
        """The request that the body is was committed; `key` is its idempotency key, `digest` what its repetition must equal (the body's).

        Raises: Invalid, Forbidden, Conflict and the other refusals of a request; Unavailable.
        """
        request = read_send_request(body, now_s=now_s)
        if key is None:
            return await self._accept(caller, request, now_s, None, b"")
        _check_key(key)
        digest = digest or hashlib.sha256(body).digest()
        place = (caller.tenant_id, key)
        if place in self._in_flight:
            if self._in_flight[place] != digest:
                raise Conflict("this Idempotency-Key was used with another body", "Idempotency-Key", "use a new key for a new request")
            raise Conflict("the first request with this Idempotency-Key is still in flight", "Idempotency-Key", retry_after_s=1)
        self._in_flight[place] = digest
        try:
            return await self._accept(caller, request, now_s, key, digest)
        finally:
            del self._in_flight[place]

    async def send_own(self, caller: Caller, body: bytes, *, now_s: float, request_id: str | None = None) -> Accepted:
        """A mail that this service wrote, in the name of the caller's tenant, is committed; nothing is when its `request_id` was before. Raises: as `send`."""
        return await self._accept(caller, read_send_request(body, now_s=now_s), now_s, None, b"", is_ours=True, request_id=request_id)

    async def _accept(
        self, caller: Caller, request: SendRequest, now: float, key: str | None, digest: bytes, *, is_ours: bool = False, request_id: str | None = None
    ) -> Accepted:
        shared, attachment_bytes = await self._stored(caller, request)
        submission = Submission(
            caller=caller, request=request, request_id=request_id or short_form(self._ids.number(caller.tenant_id)),
            message_ids=tuple([self._ids.new("msg", caller.tenant_id) for _ in request.messages]),
            payload=orjson.dumps(shared).decode(), attachment_bytes=attachment_bytes, accepted_at=now, idempotency_key=key, digest=digest,
            is_ours=is_ours,
        )
        self._reached("accept.before_commit")
        accepted = await self._commits.run(submission)
        self._reached("accept.after_commit")
        if accepted.ready:
            self._pushing.push(accepted.ready)
        if not accepted.is_replay:
            self._metrics.accepted(len(accepted.message_ids))
        return accepted

    async def _stored(self, caller: Caller, request: SendRequest) -> tuple[dict[str, object], int]:
        """The shared payload, and the bytes of what is not in it: attachments and large texts, stored before the commit that names them."""
        shared, text_bytes = await self._without_large_texts(caller, request.shared)
        if not request.attachments:
            return shared, text_bytes
        described: list[dict[str, object]] = []
        total = 0
        metadata = request.shared["attachments"]
        assert isinstance(metadata, list)
        for attachment, about in zip(request.attachments, metadata, strict=True):
            encoded, digest = await self._encode(attachment.content)
            name = f"attachments/{caller.tenant_id}/{digest}"
            if not await self._objects.exists(name):
                await self._objects.put(name, encoded)
            total += len(encoded)
            described.append({**about, "object": name, "encoded_size": len(encoded)})
        return {**shared, "attachments": described}, total + text_bytes

    async def _without_large_texts(self, caller: Caller, shared: Mapping[str, object]) -> tuple[dict[str, object], int]:
        """The payload with each text that is too large for a row in the object store; how many bytes that were."""
        parts = shared.get("content")
        if not isinstance(parts, list) or all(len(part["value"]) <= TEXT_IN_ROW for part in parts):
            return dict(shared), 0
        kept: list[dict[str, object]] = []
        total = 0
        for part in parts:
            if len(part["value"]) <= TEXT_IN_ROW:
                kept.append(part)
                continue
            content = part["value"].encode()
            name = f"texts/{caller.tenant_id}/{hashlib.sha256(content).hexdigest()}"
            await self._objects.put(name, content)
            total += len(content)
            kept.append({"type": part["type"], "object": name})
        return {**shared, "content": kept}, total


def _check_key(key: str) -> None:
    if not (0 < len(key) <= KEY_LENGTH and key.isascii() and key.isprintable()):
        raise Invalid("Idempotency-Key must be 1 to 255 printable ASCII characters", "Idempotency-Key")


def _reply(accepted: Accepted) -> Reply:
    ids = accepted.message_ids
    body = orjson.dumps({"message_id": ids[0]} if len(ids) == 1 else {"message_ids": ids})
    headers = [("X-Message-Id", accepted.request_id)]
    if (quota := accepted.quota) is not None:
        headers += [("X-Quota-Limit", str(quota.most)), ("X-Quota-Remaining", str(quota.remaining)), ("X-Quota-Reset", str(int(quota.reset_at)))]
    return Reply(status=accepted.status, body=body, headers=tuple(headers))
