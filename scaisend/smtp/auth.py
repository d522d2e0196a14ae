"""AUTH (RFC 4954) with the mechanisms PLAIN (RFC 4616) and LOGIN: lines in, a prompt, credentials or a refusal out.

    C: AUTH PLAIN AGFwaWtleQBrZXk=
    S: 235 2.7.0 Authentication successful

    C: AUTH LOGIN              S: 334 VXNlcm5hbWU6        ("Username:")
    C: YXBpa2V5                S: 334 UGFzc3dvcmQ6        ("Password:")
    C: a2V5                    S: 235 2.7.0 Authentication successful
"""

from binascii import Error, a2b_base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

from scaisend.smtp import verdict as say
from scaisend.smtp.session import Session
from scaisend.smtp.verdict import Verdict

PLAIN, LOGIN = "PLAIN", "LOGIN"
MECHANISMS = (PLAIN, LOGIN)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client says it is."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthRules:
    """Mail is taken from clients that logged in, and from nobody else.

    `authenticate(user, password, peer)` gives what the session is to know of the client (`Session.login`), or the Verdict that
    refuses it. AUTH is offered under TLS, and with `is_plain_on_loopback` to clients on this host without it. After `attempts`
    refusals the connection ends.
    """

    authenticate: Callable[[str, str, str], Awaitable[object]]
    is_plain_on_loopback: bool = False
    attempts: int = 3


Step = Verdict | Credentials


class Login:
    """The login of one session; without rules nobody has to log in, and nobody can."""

    __slots__ = ("_failures", "_is_trusted", "_mechanism", "_peer", "_rules", "_user")

    def __init__(self, rules: AuthRules | None, peer: str) -> None:
        self._rules = rules
        self._peer = peer
        self._is_trusted = rules is not None and rules.is_plain_on_loopback and _is_loopback(peer)
        self._mechanism = ""
        self._user: str | None = None
        self._failures = 0

    @property
    def is_open(self) -> bool:
        """Whether the next line answers a prompt."""
        return bool(self._mechanism)

    def is_offered(self, session: Session) -> bool:
        """Whether the client may log in now."""
        return self._rules is not None and session.login is None and self._is_safe(session)

    def bars_mail(self, session: Session) -> Verdict | None:
        """Why the client may send no mail yet, or None."""
        if self._rules is None or session.login is not None:
            return None
        return say.NOT_LOGGED_IN if self._is_safe(session) else say.TLS_FIRST

    def begin(self, session: Session, argument: str) -> Step:
        """What follows an AUTH command with this argument."""
        if self._rules is None:
            return say.NOT_OFFERED
        if not session.is_extended:
            return say.SAY_EHLO
        if session.login is not None:
            return say.LOGGED_IN_ALREADY
        if not self._is_safe(session):
            return say.TLS_FOR_AUTH
        mechanism, _, initial = argument.partition(" ")
        if mechanism.upper() not in MECHANISMS:
            return say.UNKNOWN_MECHANISM if mechanism else say.SYNTAX
        self._mechanism, self._user = mechanism.upper(), None
        initial = initial.strip(" ")
        if not initial:
            return say.ASK_ANY if self._mechanism == PLAIN else say.ASK_USER
        return self.answer("" if initial == "=" else initial)

    def answer(self, line: str) -> Step:
        """What follows a line that answers a prompt."""
        step = say.AUTH_CANCELLED if line == "*" else self._next(line)
        if isinstance(step, Credentials) or step.code != say.ASK_ANY.code:
            self.abandon()
        return step

    def abandon(self) -> None:
        """The exchange, if one is open, is over."""
        self._mechanism, self._user = "", None

    async def check(self, given: Credentials) -> object:
        """What is known of a client with these credentials, or the Verdict that refuses them."""
        assert self._rules is not None
        return await self._rules.authenticate(given.user, given.password, self._peer)

    def failed(self) -> bool:
        """One more login was refused; whether that was the last one this session may try."""
        assert self._rules is not None
        self._failures += 1
        return self._failures >= self._rules.attempts

    def _is_safe(self, session: Session) -> bool:
        return bool(session.tls) or self._is_trusted

    def _next(self, line: str) -> Step:
        try:
            text = a2b_base64(line, strict_mode=True).decode() if line else ""
        except (Error, ValueError):
            return say.BAD_CREDENTIALS_FORM
        if self._mechanism == PLAIN:
            return _plain(text)
        if self._user is None:
            self._user = text
            return say.ASK_PASSWORD
        return Credentials(self._user, text)


def _plain(text: str) -> Step:
    """authzid NUL authcid NUL password (RFC 4616 2); nobody acts for another here."""
    acts_for, first, rest = text.partition("\0")
    user, second, password = rest.partition("\0")
    if not (first and second) or "\0" in password:
        return say.BAD_CREDENTIALS_FORM
    return Credentials(user, password) if acts_for in ("", user) else say.MAY_NOT_ACT_FOR


def _is_loopback(peer: str) -> bool:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
