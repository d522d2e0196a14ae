"""What the submission listener answers: an API key logs in, and a mail is accepted as a send request before its 250."""

import hashlib
from collections.abc import Awaitable, Callable

from scaisend.address import is_valid
from scaisend.caller import Caller
from scaisend.faults import Forbidden, ScaiSendError, TooManyRequests, Unauthenticated, Unavailable
from scaisend.identity.api_key import REFUSED
from scaisend.identity.authenticate import Authenticator
from scaisend.sending.api import BODY_LIMIT, SendApi
from scaisend.sending.personalizations import MOST_RECIPIENTS
from scaisend.smtp.limits import Limits
from scaisend.smtp.session import Envelope, Session
from scaisend.smtp.verdict import RECIPIENT_OK, Verdict
from scaisend.storage.limiter import Limit, Limiter
from scaisend.submission.answers import login_refusal, refusal
from scaisend.submission.message import Submitted, read_submission

USER = "apikey"
PERMISSION = "mail.send"
READ_AT_ONCE = 64 * 1024
# What POST /v3/mail/send takes, in octets and recipients; the commands are those of one mail to all of them, and some more.
LIMITS = Limits(size_bytes=BODY_LIMIT, recipients=MOST_RECIPIENTS, commands=2 * MOST_RECIPIENTS, connections_per_address=500)
NO_ADDRESS = Verdict(550, "5.1.3", "Does not contain a valid address.")


class Submissions:
    """Takes mail from clients with an API key (`Deliveries` of smtp/session.py, and `authenticate` of smtp/auth.py).

    `in_thread` runs the reading of a large mail elsewhere; `limit` is that of mail/send, by tenant.
    """

    def __init__(
        self, *, sending: SendApi, identity: Authenticator, limiter: Limiter, limit: Limit | None, now_s: Callable[[], float],
        in_thread: Callable[[Callable[[], Submitted]], Awaitable[Submitted]],
    ) -> None:
        self._sending = sending
        self._identity = identity
        self._limiter = limiter
        self._limit = limit
        self._now_s = now_s
        self._in_thread = in_thread

    async def authenticate(self, user: str, password: str, peer: str) -> object:
        """The Caller, or the verdict that refuses it. The key is looked up whatever the user is called."""
        try:
            caller = await self._identity.authenticate_cached(
                password, now_s=self._now_s(), remote=peer, on_behalf_of=None, permission=PERMISSION
            )
            if user != USER:
                raise Unauthenticated(REFUSED)
            if not caller.may(PERMISSION):
                raise Forbidden("this key may not send mail")
            return caller
        except ScaiSendError as error:
            return login_refusal(error)

    async def mail(self, session: Session, sender: str) -> Verdict | None:
        """Every sender is fine: the return path of what goes out is our own, and From is judged with the mail."""
        return None

    async def rcpt(self, session: Session, recipient: str) -> Verdict:
        """Whether it is an address that mail can be sent to."""
        return RECIPIENT_OK if is_valid(recipient) else NO_ADDRESS

    async def message(self, session: Session, envelope: Envelope, content: bytes) -> Verdict:
        """The mail is committed and the 250 names its X-Message-Id, or the reply says what is wrong with it.

        Raises: Unavailable.
        """
        caller = session.login
        assert isinstance(caller, Caller)
        try:
            await self._count(caller)
            given = await self._read(content, envelope)
            digest = hashlib.sha256(given.likeness).digest()
            accepted = await self._sending.take(caller, given.request, now_s=self._now_s(), key=given.key, digest=digest)
        except Unavailable:
            raise
        except ScaiSendError as error:
            return refusal(error)
        return Verdict(250, "2.0.0", f"Ok: queued as {accepted.request_id}")

    async def _count(self, caller: Caller) -> None:
        if self._limit is None:
            return
        key = f"mail_send:{caller.tenant_id}"
        verdict = self._limiter.take_now(key, self._limit) or await self._limiter.take(key, self._limit)
        if not verdict.allowed:
            raise TooManyRequests(retry_after_s=verdict.retry_after_s)

    async def _read(self, content: bytes, envelope: Envelope) -> Submitted:
        if len(content) <= READ_AT_ONCE:
            return read_submission(content, envelope.sender, envelope.recipients)
        return await self._in_thread(lambda: read_submission(content, envelope.sender, envelope.recipients))
