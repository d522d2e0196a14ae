"""The door: who calls, how often, and whether they may; and what becomes of an exception."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from twisted.logger import Logger

from scaisend.caller import Caller
from scaisend.faults import Forbidden, ScaiSendError, TooLarge, TooManyRequests, Unauthenticated
from scaisend.http.call import NOBODY, Call
from scaisend.http.cookies import CookieSession
from scaisend.http.reply import Reply, failure_reply, refusal_reply
from scaisend.http.route import Route
from scaisend.storage.limiter import Limit, Limiter, Verdict

BAD_CREDENTIAL = "The provided authorization grant is invalid, expired, or revoked"
MOST_CREDENTIAL = 8_192
# These limits are counted for the tenant, the others for the credential.
LIMITS_OF_TENANTS = ("mail_send", "writes")
# Refusals of what no route takes: no such path, no such method there.
LOST = (404, 405)


class Identity(Protocol):
    """Credentials to callers."""

    async def authenticate(self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None) -> Caller:
        """The caller that the credential stands for, of exactly one tenant.

        Raises: Unauthenticated when it is unknown, expired or revoked; Forbidden when the tenant is suspended, or the
        credential may not act `on_behalf_of` another one.
        """
        ...

    async def authenticate_cached(
        self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None, permission: str | None = None
    ) -> Caller:
        """As `authenticate`, from memory: for hot routes, whose own transaction checks the caller again before it commits."""
        ...


class HttpMetrics(Protocol):
    """What is counted of every answer; `route` is the route's path, never the request's."""

    def answered(self, route: str, method: str, status: int, seconds: float) -> None: ...


@dataclass(slots=True)
class Visit:
    """One request between its head and its answer; `caller` and `verdict` are known once it was admitted.

    Without a `route` it can only be refused. `arrived_at` in epoch seconds.
    """

    route: Route | None
    method: str
    headers: Mapping[str, str]
    request_id: str
    remote: str
    arrived_at: float
    caller: Caller = NOBODY
    verdict: Verdict | None = None


class Door:
    """Lets requests in to their routes. What is refused is a Reply; only `check_head` raises.

    `limit_of(tenant_id, name, limit)` tells a tenant's own limit, or that of the installation.
    With a `session` a browser's cookie counts as the credential of requests that have no Authorization header.
    """

    def __init__(
        self, *, identity: Identity, limiter: Limiter, limits: Mapping[str, Limit | None], clock: Callable[[], float],
        new_request_id: Callable[[], str], metrics: HttpMetrics, log: Logger,
        session: CookieSession | None = None, limit_of: Callable[[str, str, Limit | None], Limit | None] = lambda tenant_id, name, limit: limit,
    ) -> None:
        self._limit_of = limit_of
        self.clock = clock
        self.new_request_id = new_request_id
        self._identity = identity
        self._limiter = limiter
        self._limits = limits
        self._metrics = metrics
        self._log = log
        self._session = session

    def check_head(self, visit: Visit, length: int | None) -> None:
        """Nothing in the request's head forbids to read its body of `length` bytes (None: not announced).

        Raises: TooLarge; Unauthenticated when a credential is missing or malformed; Forbidden when its cookie may be used by another.
        """
        route = visit.route
        assert route is not None
        if length is not None and length > route.body_limit:
            raise TooLarge("content too large", help=f"The limit is {route.body_limit} bytes.")
        if not route.public:
            self._credential(visit)

    async def admit(self, visit: Visit) -> Reply | None:
        """None when the visit may go on: it has its caller, was counted, and the caller has the route's permission."""
        route = visit.route
        if route is None or route.public:
            return None
        try:
            visit.caller = caller = await self._caller(route, visit)
            if route.limit is not None:
                await self._count(visit, route.limit)
            if route.permission is not None and not may(caller, route.permission):
                raise Forbidden("access forbidden")
        except Exception as error:
            return self.refuse(visit, error)
        return None

    async def count_lost(self, visit: Visit, refusal: Reply) -> Reply:
        """The refusal of a request that no route takes (404, 405). It counts for its caller, whom the limit is told; strangers get it as it is."""
        if visit.route is not None or refusal.status not in LOST:
            return refusal
        try:
            visit.caller = await self._caller(None, visit)
            await self._count(visit, "default")
        except TooManyRequests as error:
            return refusal_reply(error)
        except ScaiSendError:
            return refusal
        except Exception as error:
            return self.refuse(visit, error)
        return refusal

    async def call(self, visit: Visit, route: Route, path: Mapping[str, str], query: Mapping[str, list[str]], body: bytes) -> Reply:
        """What the route's handler answers to the admitted visit."""
        try:
            return await route.call(
                Call(
                    caller=visit.caller, method=visit.method, path=path, query=query, headers=visit.headers, body=body,
                    request_id=visit.request_id, now_s=visit.arrived_at, remote=visit.remote,
                )
            )
        except Exception as error:
            return self.refuse(visit, error)

    def refuse(self, visit: Visit, error: Exception) -> Reply:
        """The refusal as a reply; anything unforeseen is logged under the request's id and is a 500 that says no more."""
        if isinstance(error, ScaiSendError):
            return refusal_reply(error)
        self._log.failure(
            "{method} {path}: internal error, request id {request_id}",
            method=visit.method, path=visit.route.path if visit.route else "?", request_id=visit.request_id,
        )
        return failure_reply(visit.request_id)

    def answered(self, visit: Visit, status: int) -> None:
        """The answer was counted."""
        path = visit.route.path if visit.route else "none"
        self._metrics.answered(path, visit.method, status, self.clock() - visit.arrived_at)

    def broken(self, status: int) -> None:
        """The answer to bytes that are no request was counted."""
        self._metrics.answered("none", "none", status, 0.0)

    async def _caller(self, route: Route | None, visit: Visit) -> Caller:
        credential = self._credential(visit)
        behalf = visit.headers.get("on-behalf-of")
        if route is not None and route.hot and isinstance(route.permission, str):
            return await self._identity.authenticate_cached(
                credential, now_s=visit.arrived_at, remote=visit.remote, on_behalf_of=behalf, permission=route.permission
            )
        return await self._identity.authenticate(credential, now_s=visit.arrived_at, remote=visit.remote, on_behalf_of=behalf)

    def _credential(self, visit: Visit) -> str:
        authorization = visit.headers.get("authorization")
        if authorization is None and self._session is not None:
            carried = self._session.credential(visit.method, visit.headers)
            if carried is not None:
                return credential_in(f"Bearer {carried}")
        return credential_in(authorization)

    async def _count(self, visit: Visit, name: str) -> None:
        caller = visit.caller
        usual = self._limits.get(name)
        limit = self._limit_of(caller.tenant_id, name, usual)
        if limit is None:
            return
        key = f"{name}:{caller.tenant_id if name in LIMITS_OF_TENANTS else caller.credential_id}"
        if limit != usual:
            key = f"{key}:{limit.count}/{limit.per_s:g}"  # a key belongs to one limit
        verdict = self._limiter.take_now(key, limit)
        if verdict is None:
            verdict = await self._limiter.take(key, limit)
        visit.verdict = verdict
        if not verdict.allowed:
            raise TooManyRequests(retry_after_s=verdict.retry_after_s)


def credential_in(authorization: str | None) -> str:
    """The credential of an Authorization header, `Bearer …` (RFC 6750 2.1; the scheme in any case).

    Raises: Unauthenticated when there is none, or it is not of that form.
    """
    if not authorization:
        raise Unauthenticated("authorization required")
    scheme, _, rest = authorization.partition(" ")
    credential = rest.strip()
    if (
        scheme.lower() != "bearer" or not credential or len(credential) > MOST_CREDENTIAL
        or not credential.isascii() or not credential.isprintable() or " " in credential
    ):
        raise Unauthenticated(BAD_CREDENTIAL)
    return credential


def may(caller: Caller, permission: str | tuple[str, ...]) -> bool:
    """Whether the caller has the permission, or one of them."""
    if isinstance(permission, str):
        return permission in caller.permissions
    return not caller.permissions.isdisjoint(permission)
