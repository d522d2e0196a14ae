"""/v3/auth: people log in at the identity provider, stay logged in, and log out; who the caller is."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from twisted.logger import Logger

from scaisend.caller import Caller
from scaisend.faults import Fault, Invalid, NotFound, ScaiSendError, TooManyRequests, Unauthenticated
from scaisend.http.call import Call
from scaisend.http.cookies import CookieSession
from scaisend.http.reply import Headers, Reply, json_reply, no_content, refusal_reply
from scaisend.http.route import Route, get, post
from scaisend.identity.api_key import REFUSED
from scaisend.identity.audit_store import record_act
from scaisend.identity.lockout import Lockout, source_of
from scaisend.identity.login import authorization_url, begin, check_answer, check_next, logout_url, read_attempt
from scaisend.identity.login_client import LoginClient, Tokens
from scaisend.identity.login_session import LoginCookies
from scaisend.identity.people_store import tenant
from scaisend.identity.refreshing import Refreshing
from scaisend.identity.users_store import user
from scaisend.shape import Reader, finish
from scaisend.storage.database import Database, Txn
from scaisend.storage.limiter import Limit, Verdict

# How often one address may call what asks for no credential here: each call may become one to the provider.
VISITS = Limit(300, 60.0)
BODY_LIMIT = 16_384
NO_STORE: Headers = (("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"))
CALLBACK = "/v3/auth/callback"


class Identity(Protocol):
    """Credentials to callers (http/door.py)."""

    async def authenticate(self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None) -> Caller: ...


class LoginApi:
    """Logins for pages at `base_url`. Without a `client` (and `refreshing`) there is no provider, and only `/me` answers."""

    log = Logger("scaisend.identity")

    def __init__(
        self, *, client: LoginClient | None, cookies: LoginCookies, session: CookieSession, base_url: str, scopes: str, identity: Identity,
        refreshing: Refreshing | None, lockout: Lockout, take: Callable[[str, Limit], Awaitable[Verdict]], database: Database, random_bytes: Callable[[int], bytes],
    ) -> None:
        self._given_client = client
        self._cookies = cookies
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._scopes = scopes
        self._identity = identity
        self._refreshing = refreshing
        self._lockout = lockout
        self._take = take
        self._database = database
        self._random_bytes = random_bytes

    def routes(self) -> list[Route]:
        return [
            get("/v3/auth/login", self.login, public=True, limit=None, summary="Log in at the identity provider: a redirect there, and then to `next`"),
            get(CALLBACK, self.callback, public=True, limit=None, summary="Where the identity provider sends the browser back"),
            post("/v3/auth/refresh", self.refresh, public=True, limit=None, body_limit=BODY_LIMIT, summary="A new token for a session that has a refresh token"),
            get("/v3/auth/logout", self.logout, public=True, limit=None, summary="Log out here and at the identity provider, by redirect"),
            post("/v3/auth/logout", self.logout_by_script, public=True, limit=None, body_limit=BODY_LIMIT, summary="Log out here; the answer names where to do so at the provider"),
            get("/v3/auth/me", self.me, summary="Who the caller is, and what it may do"),
        ]

    @property
    def _client(self) -> LoginClient:
        if self._given_client is None:
            raise _local()
        return self._given_client

    @property
    def _renewer(self) -> Refreshing:
        if self._refreshing is None:
            raise _local()
        return self._refreshing

    async def login(self, call: Call) -> Reply:
        """302 to the provider; the attempt is in a cookie."""
        client, next_path = self._client, check_next(call.one("next"))
        await self._visit(call)
        found = await client.endpoints()
        attempt = begin(self._random_bytes, next_path, call.now_s)
        url = authorization_url(
            found.authorization_endpoint, attempt, client_id=client.client_id, redirect_uri=self._base_url + CALLBACK, scopes=self._scopes,
        )
        return _redirect(url, self._cookies.attempt(attempt, call.headers))

    async def callback(self, call: Call) -> Reply:
        """302 to where the login was to end, with a session; programs that ask for JSON get the tokens. The attempt is over either way."""
        client, state = self._client, call.one("state") or ""
        await self._visit(call)
        over = self._cookies.attempt_over(state)
        try:
            attempt = read_attempt(self._cookies.read_attempt(call.headers, state), call.now_s)
            found = await client.endpoints()
            code = check_answer(attempt, call.query, issuer=found.issuer, names_itself=found.names_itself)
            tokens = await client.redeem(code, verifier=attempt.verifier, redirect_uri=self._base_url + CALLBACK, nonce=attempt.nonce)
            caller = await self._admit(call, tokens)
            session = self._cookies.session(tokens, call.now_s)
            await self._database.run(_record_login, call, caller)
        except ScaiSendError as error:
            self.log.warn("a login failed: {error} ({cause}), request id {request_id}", error=error, cause=error.__cause__ or "no more is known", request_id=call.request_id)
            return _refusal(error, over)
        if _wants_json(call):
            return json_reply(_shown(tokens, call.now_s), headers=(*NO_STORE, *over, *session))
        return _redirect(self._base_url + attempt.next, (*over, *session))

    async def refresh(self, call: Call) -> Reply:
        """A new token: in the cookies of a session, or in the answer for programs that give their refresh token in the body."""
        refreshing = self._renewer
        await self._visit(call)
        if call.body.strip():
            faults: list[Fault] = []
            given = Reader(call.json(), faults).text("refresh_token", required=True, least=1, most=8_192) or ""
            finish(faults)
            return json_reply(_shown(await self._renewed(refreshing, call, given), call.now_s), headers=NO_STORE)
        kept = self._cookies.read_refresh(call.headers)
        if kept is None:
            raise Unauthenticated("there is no session to refresh", help="Log in at /v3/auth/login.")
        self._session.refuse_others(call.headers)
        try:
            tokens = await self._renewed(refreshing, call, kept.token)
            if tokens.claims.subject != kept.subject:
                raise Unauthenticated(REFUSED)
        except Unauthenticated as error:
            return _refusal(error, self._cookies.session_over())
        session = self._cookies.session(tokens, call.now_s)
        try:
            await self._admit(call, tokens)
        except ScaiSendError as error:
            return _refusal(error, session)  # the old refresh token may be good for nothing by now
        return json_reply({"expires_in": _lasts_s(tokens, call.now_s)}, headers=(*NO_STORE, *session))

    async def logout(self, call: Call) -> Reply:
        """302 to the provider's logout, which leads back to our pages; only there when nobody was logged in."""
        if not self._cookies.has_session(call.headers):
            return _redirect(self._base_url + "/", ())
        if call.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            self._session.refuse_others(call.headers)
        return _redirect(await self._leave(call), self._cookies.session_over())

    async def logout_by_script(self, call: Call) -> Reply:
        """200 with the URL at which the browser's session at the provider ends; 204 when nobody was logged in."""
        if not self._cookies.has_session(call.headers):
            return no_content()
        self._session.refuse_others(call.headers)
        return json_reply({"logout_url": await self._leave(call)}, headers=(*NO_STORE, *self._cookies.session_over()))

    async def me(self, call: Call) -> Reply:
        """The caller: a person, or an API key."""
        return json_reply(await self._database.read(_caller, call.caller.tenant_id, call.caller), headers=NO_STORE)

    async def _admit(self, call: Call, tokens: Tokens) -> Caller:
        """The caller that the new credential is, as any later request would have it. Raises: as the Identity seam."""
        return await self._identity.authenticate(tokens.credential, now_s=call.now_s, remote=call.remote, on_behalf_of=None)

    async def _renewed(self, refreshing: Refreshing, call: Call, refresh_token: str) -> Tokens:
        self._lockout.refuse(call.remote, call.now_s)
        try:
            return await refreshing.tokens(refresh_token, call.now_s)
        except Unauthenticated:
            await self._lockout.note(call.remote, call.now_s)
            raise

    async def _leave(self, call: Call) -> str:
        """Where the browser goes to end its session at the provider; the refresh token is given up."""
        back_to = self._base_url + "/"
        client, kept = self._given_client, self._cookies.read_refresh(call.headers)
        if client is None:
            return back_to
        if kept is not None:
            await client.revoke(kept.token)
        try:
            endpoint = (await client.oidc.metadata()).end_session_endpoint
        except ScaiSendError:
            endpoint = ""  # it is away: here, at least, the session has ended
        if not endpoint:
            return back_to
        return logout_url(endpoint, client_id=client.client_id, back_to=back_to, id_token=self._cookies.read_id_token(call.headers))

    async def _visit(self, call: Call) -> None:
        verdict = await self._take(f"auth:{source_of(call.remote)}", VISITS)
        if not verdict.allowed:
            raise TooManyRequests(retry_after_s=verdict.retry_after_s)


def _local() -> NotFound:
    return NotFound("there is no identity provider to log in at", help="Use an API key; or set SCAIKEY_API_URL, the identity provider's address.")


def _redirect(url: str, headers: Headers) -> Reply:
    if not url.isascii() or not url.isprintable():
        raise Invalid("Bad Request")
    return Reply(302, b"", "text/plain", (("Location", url), *NO_STORE, *headers))


def _refusal(error: ScaiSendError, headers: Headers) -> Reply:
    refused = refusal_reply(error)
    return Reply(refused.status, refused.body, refused.content_type, (*refused.headers, *NO_STORE, *headers))


def _wants_json(call: Call) -> bool:
    accept = call.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def _lasts_s(tokens: Tokens, now_s: float) -> int:
    return max(0, int(tokens.claims.expires_at - now_s))


def _shown(tokens: Tokens, now_s: float) -> dict[str, object]:
    shown: dict[str, object] = {"access_token": tokens.credential, "token_type": "Bearer", "expires_in": _lasts_s(tokens, now_s)}
    return shown | ({"refresh_token": tokens.refresh_token} if tokens.refresh_token else {})


def _record_login(txn: Txn, call: Call, caller: Caller) -> None:
    record_act(
        txn, caller.tenant_id or None, actor=caller.user_id or caller.credential_id, action="session.begin", resource=caller.user_id, change=None,
        source=call.remote or None, request_id=call.request_id or None, happened_at=call.now_s,
    )


def _caller(txn: Txn, tenant_id: str, caller: Caller) -> dict[str, object]:
    person = user(txn, None, caller.user_id) if caller.user_id else None
    found = tenant(txn, tenant_id) if tenant_id else None
    return {
        "user_id": caller.user_id, "email": person.email if person else None, "name": person.name if person else None, "role": caller.role,
        "api_key_id": None if caller.user_id else caller.credential_id, "tenant_id": tenant_id or None, "tenant_name": found.name if found else None,
        "partner_id": caller.partner_id or None, "permissions": sorted(caller.permissions), "scopes": list(caller.scopes), "is_test": caller.is_test,
    }
