"""Posts the mails of parse hosts to their tenants' URLs: stored first, tried for three days, kept when that failed.

A host has at most a few posts in flight from one process, so one that is slow or dead holds up nobody else for long. A claim lasts
LEASE_S, longer than any post; a process that dies in between leaves the mail to whoever finds the lease ended.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.defer import ensureDeferred
from twisted.logger import Logger

from scaisend.faultpoints import reach
from scaisend.faults import NotFound, ScaiSendError, Unavailable
from scaisend.ids import IdMaker
from scaisend.inbound import parse_posts_store as posts
from scaisend.inbound import store
from scaisend.inbound.arrival_verdicts import TROUBLE, Lookup, dkim_of, signatures_of, spf_of
from scaisend.inbound.form import form_body
from scaisend.inbound.parse_attempts import TRIED_FOR_S, next_post_at
from scaisend.inbound.parse_form import Arrival, parse_form
from scaisend.inbound.parse_posts_store import PARSE_FAILED, ParsePost
from scaisend.inbound.parse_store import ParseSetting, owners_across_tenants
from scaisend.inbound.store import KeptMail
from scaisend.reporting.post_client import without_login
from scaisend.storage.database import Database, Txn
from scaisend.storage.objects import Objects
from scaisend.storage.pausing import until
from scaisend.timing import ReactorTime

POSTS_MOST = 32
POSTS_A_HOST = 2
BYTES_MOST = 64 * 1024 * 1024
HOSTS_AT_ONCE = 200
TIMEOUT_S = 30.0
LOOK_UP_S = 20.0
LEASE_S = 180.0
KEPT_FOR_S = 30 * 86_400.0
FORGET_EVERY_S = 3_600.0
GIVEN_UP_AFTER_S = TRIED_FOR_S + 86_400.0
NEVER_ENDED = "not posted: no attempt came to an end"
NO_SETTING = "not posted: the host's parse setting is gone"


class Answered(Protocol):
    """What the other side answered."""

    @property
    def status(self) -> int: ...


class Posts(Protocol):
    """Posts a body (http/outgoing.py)."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Answered: ...


class Counting(Protocol):
    """Where mails are counted that came to their end."""

    def read_back(self, kind: str) -> None:
        """A mail was posted (`parse`) or failed for good (`parse_failed`)."""


@dataclass(frozen=True, slots=True)
class _Claimed:
    post: ParsePost
    setting: ParseSetting
    mail: KeptMail
    attempt_id: str


class ParsePosts:
    """`turn` begins what is due; `in_thread` runs a function in a thread."""

    log = Logger()

    def __init__(
        self, *, database: Database, objects: Objects, ids: IdMaker, outgoing: Posts, lookup: Lookup, reactor: ReactorTime,
        now_s: Callable[[], float], in_thread: Callable[[Callable[[], Any]], Awaitable[Any]], metrics: Counting,
    ) -> None:
        self._database, self._objects, self._ids, self._outgoing, self._lookup = database, objects, ids, outgoing, lookup
        self._reactor, self._now_s, self._in_thread, self._metrics = reactor, now_s, in_thread, metrics
        self._in_flight: Counter[str] = Counter()
        self._bytes = 0
        self._is_stopping = False
        self._forget_at = 0.0

    async def turn(self) -> None:
        """As many due mails are being posted as may be at once; old failures are forgotten."""
        now = self._now_s()
        for host in await self._database.run(posts.due_hosts_across_tenants, now, HOSTS_AT_ONCE):
            await self._pull(host)
        if now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY_S
            await self._database.run(posts.forget_failed_across_tenants, now - KEPT_FOR_S, 1_000)

    async def stop(self, limit_s: float) -> None:
        """No new post is begun; the open ones ended, or the limit is over and their leases will."""
        self._is_stopping = True
        await until(self._reactor, lambda: not self._in_flight.total(), limit_s)

    async def _pull(self, host: str) -> None:
        free = min(POSTS_A_HOST - self._in_flight[host], POSTS_MOST - self._in_flight.total())
        if free <= 0 or self._is_stopping or self._bytes >= BYTES_MOST:
            return
        self._in_flight[host] += free
        claimed: list[_Claimed] = []
        try:
            claimed = await self._database.run(self._claim, host, free)
        finally:
            self._free(host, free - len(claimed))
        reach("parse.claimed")
        for each in claimed:
            self._bytes += each.mail.size_bytes
            ensureDeferred(self._deliver(host, each))

    def _claim(self, txn: Txn, host: str, most: int) -> list[_Claimed]:
        """Claims due mails of the host; those that it does not take any more have failed."""
        now, attempt_id = self._now_s(), self._ids.new("att")
        tenant_id, setting = owners_across_tenants(txn, [host]).get(host, ("", None))
        claimed = []
        for post in posts.claim_across_tenants(txn, host, most, attempt_id, now + LEASE_S, now):
            mail = store.kept_mail_across_tenants(txn, post.mail_id)
            if mail is None:  # somebody removed it
                posts.drop_claimed_across_tenants(txn, post.mail_id, attempt_id)
            elif setting is None or post.tenant_id != tenant_id:
                self._fail(txn, post, attempt_id, NO_SETTING)
            elif post.attempts and now > post.created_at + GIVEN_UP_AFTER_S:
                self._fail(txn, post, attempt_id, NEVER_ENDED)
            else:
                claimed.append(_Claimed(post, setting, mail, attempt_id))
        return claimed

    def _fail(self, txn: Txn, post: ParsePost, attempt_id: str, why: str) -> None:
        posts.put_off_across_tenants(txn, post.mail_id, attempt_id, None, why)
        store.set_kinds_across_tenants(txn, {PARSE_FAILED: [post.mail_id]})

    def _free(self, host: str, count: int) -> None:
        self._in_flight[host] -= count
        if self._in_flight[host] <= 0:
            del self._in_flight[host]

    async def _deliver(self, host: str, claimed: _Claimed) -> None:
        try:
            answer = await self._answer(claimed)
            reach("parse.posted")
            outcome = await self._database.run(self._settle, claimed, answer)
            if outcome:
                self._metrics.read_back(outcome)
            if outcome == store.PARSE and claimed.mail.object_key:
                await self._drop_object(claimed.mail.object_key)
        except Unavailable:
            self.log.warn("the end of a post of {id} could not be recorded; it is made again when its lease ends", id=claimed.mail.id)
        except Exception:
            self.log.failure("the mail {id} could not be posted; it is tried again when its lease ends", id=claimed.mail.id)
        finally:
            self._bytes -= claimed.mail.size_bytes
            self._free(host, 1)
        if not self._is_stopping:
            await self._pull_next(host)

    async def _pull_next(self, host: str) -> None:
        try:
            await self._pull(host)
        except Unavailable:
            return  # the next turn comes
        except Exception:
            self.log.failure("mails of {host} could not be claimed; the next turn tries again", host=host)

    async def _answer(self, claimed: _Claimed) -> str:
        """As `_post`; a fault of ours counts as a failed try, or it would be made for ever."""
        try:
            return await self._post(claimed)
        except Unavailable:
            raise
        except Exception:
            self.log.failure("the mail {id} could not be made a form", id=claimed.mail.id)
            return "not posted: the mail could not be made a form"

    async def _post(self, claimed: _Claimed) -> str:
        """The status that the URL answered, or why it answered none."""
        mail = claimed.mail
        try:
            content = mail.content if mail.content is not None else await self._objects.get(mail.object_key or "")
        except NotFound:
            return "not posted: the mail has lost its content"
        arrival = await self._arrival(claimed, content)
        kind, body = await self._in_thread(lambda: _body(content, arrival, claimed))
        url, login = without_login(claimed.setting.url)
        try:
            answered = await self._outgoing.post(url, body, {"Content-Type": kind, "User-Agent": "ScaiSend", **login}, TIMEOUT_S)
        except Unavailable:
            raise
        except ScaiSendError as error:
            return str(error)
        return str(answered.status)

    async def _arrival(self, claimed: _Claimed, content: bytes) -> Arrival:
        address, _, name = claimed.mail.peer.partition(" ")
        spf = await self._within(spf_of(self._lookup, address, claimed.mail.mail_from, name), TROUBLE)
        signatures = await self._within(signatures_of(self._lookup, content), [])
        dkim = await self._in_thread(lambda: dkim_of(content, signatures))
        return Arrival(claimed.mail.mail_from, claimed.post.recipients, address, spf, dkim)

    async def _within(self, looking: Any, otherwise: Any) -> Any:
        """What was found out, or `otherwise` when DNS took too long."""
        try:
            return await ensureDeferred(looking).addTimeout(LOOK_UP_S, self._reactor)  # type: ignore[arg-type]  # a reactor's time is enough
        except TookTooLong:
            return otherwise

    def _settle(self, txn: Txn, claimed: _Claimed, answer: str) -> str:
        """What became of the mail, where its claim still holds: posted and gone, due again (nothing), or failed and kept."""
        mail_id, now = claimed.mail.id, self._now_s()
        if answer.startswith("2") and answer.isdigit():
            if not posts.drop_claimed_across_tenants(txn, mail_id, claimed.attempt_id):
                return ""
            store.drop_across_tenants(txn, [mail_id])
            return store.PARSE
        due_at = next_post_at(claimed.post.attempts + 1, claimed.mail.received_at, now)
        if not posts.put_off_across_tenants(txn, mail_id, claimed.attempt_id, due_at, answer) or due_at is not None:
            return ""
        store.set_kinds_across_tenants(txn, {PARSE_FAILED: [mail_id]})
        return PARSE_FAILED

    async def _drop_object(self, key: str) -> None:
        """The object is gone unless another mail of the same transaction names it."""
        if await self._database.run(store.unnamed_objects_across_tenants, [key]):
            await self._objects.delete(key)


def _body(content: bytes, arrival: Arrival, claimed: _Claimed) -> tuple[str, bytes]:
    """Runs in a thread."""
    fields, files = parse_form(content, arrival, is_raw=claimed.setting.send_raw)
    return form_body(fields, files, claimed.mail.id)
