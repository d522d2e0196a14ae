"""The operator's SSH shell into the living process: Python, with tools for what is asked at three in the morning.

    $ ssh -tt -p 2222 operator@127.0.0.1
    >>> pause("example.com")

It is full power over the process, so it is off unless MANHOLE_LISTEN is set, listens on this machine alone, takes nothing but keys of
MANHOLE_KEYS (read at each login), and every line goes to the log and the audit log before it runs. A line is broken off after LINE_S.
"""

import ipaddress
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.conch.checkers import IAuthorizedKeysDB, SSHPublicKeyChecker, readAuthorizedKeyFile
from twisted.conch.insults.insults import ServerProtocol
from twisted.conch.interfaces import IConchUser
from twisted.conch.manhole import Manhole
from twisted.conch.manhole_ssh import ConchFactory, TerminalRealm, TerminalSession
from twisted.conch.ssh.keys import Key
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger
from zope.interface import implementer  # type: ignore[attr-defined]  # it has no types

from scaisend.app.adapters import Adapters
from scaisend.app.commands.queue import depths
from scaisend.app.installation import make_data_dir, write_privately
from scaisend.app.ops_api import Measures
from scaisend.app.setting_values import split_host
from scaisend.delivery import ordering
from scaisend.delivery.destination import DestinationState
from scaisend.delivery.orders import read_name
from scaisend.delivery.orders_store import Who
from scaisend.faults import Invalid, NotFound, ScaiSendError
from scaisend.identity.audit_store import record_act
from scaisend.messages.api import explained
from scaisend.messages.waiting_store import tenant_of_message_across_tenants

HOST_KEY = "manhole_host_key"
LINE_S = 2.0
LOGGED_LENGTH = 2_000
SHOWN_LENGTH = 200_000
MANHOLE = Who("manhole")
log = Logger("scaisend.manhole")


class Shown:
    """A value that the shell shows as indented JSON, SHOWN_LENGTH characters of it: what comes later is shown outside of a line's limit."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        text = json.dumps(self.value, ensure_ascii=True, indent=1, default=str)
        return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}\n… of {len(text)} characters; `_.value` holds all of it"


class TooLong(ScaiSendError):
    """A line kept the process from its work."""


class Tools:
    """What the shell's namespace offers. Those that wait answer with a Deferred, whose result is shown when it comes."""

    def __init__(self, *, adapters: Adapters, measures: Measures, receivers: Sequence[Any]) -> None:
        self._adapters, self._measures, self._receivers = adapters, measures, receivers

    def namespace(self) -> dict[str, object]:
        """Name → helper, with the adapters and the reactor for what no helper does."""
        offered = (self.queues, self.pools, self.trace, self.pause, self.resume, self.reload_certificates, self.help)
        return {each.__name__: each for each in offered} | {"adapters": self._adapters, "reactor": self._adapters.reactor, "__name__": "__console__"}

    def help(self) -> Shown:
        """This list."""
        offered = {name: each.__doc__ for name, each in self.namespace().items() if hasattr(each, "__func__")}
        return Shown({name: (text or "").partition("\n")[0] for name, text in offered.items()})

    def queues(self) -> "Deferred[Shown]":
        """What waits in each queue, and for how long."""
        return ensureDeferred(self._queues())

    def pools(self) -> Shown:
        """Destinations of this process that are connected, waited for, left alone or paused."""
        return Shown([_destination(state) for pools in self._measures.pools for state in pools.state()])

    def trace(self, message_id: str) -> "Deferred[Shown]":
        """Where a message stands and why, with its attempts' dialogues."""
        return ensureDeferred(self._trace(message_id))

    def pause(self, domain: str) -> "Deferred[str]":
        """No process begins anything more for the domain or destination, nor does one that starts later; this one at once."""
        return ensureDeferred(self._pause(domain))

    def resume(self, domain: str) -> "Deferred[str]":
        """Mail goes to the domain or destination again, from every process."""
        return ensureDeferred(self._resume(domain))

    def reload_certificates(self) -> str:
        """The SMTP listeners use the certificate files as they are now; one that cannot be used is logged and the old one stays."""
        for receiver in self._receivers:
            receiver.reload_certificate()
        return f"{len(self._receivers)} listeners have looked"

    async def _queues(self) -> Shown:
        return Shown(await depths(self._adapters))

    async def _trace(self, message_id: str) -> Shown:
        database = self._adapters.database
        tenant_id = await database.run(tenant_of_message_across_tenants, message_id) if message_id.isascii() else None
        if tenant_id is None:
            raise NotFound(f"there is no message {message_id!r}")
        return Shown(await database.run(explained, tenant_id, message_id, time.time(), with_dialogues=True, destination=ordering.as_operator))

    async def _pause(self, domain: str) -> str:
        name = _name(domain)
        for pools in self._measures.pools:
            pools.pause(name)
        await ordering.pause(self._adapters.database, name, None, MANHOLE, time.time())
        return f"{name} is paused"

    async def _resume(self, domain: str) -> str:
        name = _name(domain)
        ordered = await ordering.resume(self._adapters.database, name, MANHOLE, time.time())
        for pools in self._measures.pools:
            pools.resume(name)
        return f"{name} is resumed; {ordered.hastened} recipients are due now"


def _name(domain: object) -> str:
    if not isinstance(domain, str):
        raise Invalid("the name of a domain or destination is needed")
    return read_name(domain)


def _destination(state: DestinationState) -> dict[str, object]:
    names = ("name", "state", "retry_at", "failures", "last_reply", "waiting", "connections")
    return {name: getattr(state, name) for name in names}


class Shell(Manhole):
    """One session. `audit` is told each line before it runs."""

    def __init__(self, namespace: Mapping[str, object], audit: Callable[[str], None], line_s: float = LINE_S) -> None:
        super().__init__(dict(namespace))  # type: ignore[no-untyped-call]
        self._audit, self._line_s = audit, line_s

    def lineReceived(self, line: bytes) -> None:
        self._audit(line.decode("utf-8", "replace"))
        try:
            with _at_most(self._line_s):
                super().lineReceived(line)  # type: ignore[no-untyped-call]
        except SystemExit:  # exit() ends the session, not the daemon
            self.terminal.loseConnection()
        except (TooLong, UnicodeDecodeError) as error:  # the first came between two steps of the shell itself
            self.interpreter.resetBuffer()  # type: ignore[no-untyped-call]
            self.terminal.write(f"{error}\n>>> ".encode())


@contextmanager
def _at_most(limit_s: float) -> Iterator[None]:
    """What runs inside is broken off with TooLong after the limit; only Python code can be, and only in the main thread."""

    def broken_off(number: int, frame: object) -> None:
        raise TooLong(f"broken off after {limit_s:g} s: mail and requests waited for this line")

    before = signal.signal(signal.SIGALRM, broken_off)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class _Session(TerminalSession):
    """A terminal; other sizes and ends of input are no errors."""

    width, height = 80, 24

    def windowChanged(self, size: object) -> None:
        pass

    def eofReceived(self) -> None:
        pass


class _Realm:
    """A shell for everybody whose key is known."""

    def __init__(self, make_shell: Callable[[str], ServerProtocol]) -> None:
        self._make_shell = make_shell

    def requestAvatar(self, name: bytes, mind: object, *interfaces: object) -> Any:
        realm: Any = TerminalRealm()  # type: ignore[no-untyped-call]
        realm.sessionFactory = _Session
        realm.chainedProtocolFactory = lambda: self._make_shell(name.decode("utf-8", "replace"))
        return realm.requestAvatar(name, mind, IConchUser)


@implementer(IAuthorizedKeysDB)  # type: ignore[no-untyped-call]
class _KeysFile:
    """The keys in a file, for any user name, as they are at the moment."""

    def __init__(self, path: str) -> None:
        self._path = path

    def getAuthorizedKeys(self, name: bytes) -> list[Key]:
        try:
            with open(self._path, "rb") as stream:
                return list(readAuthorizedKeyFile(stream))
        except OSError as error:
            log.error("MANHOLE_KEYS cannot be read, nobody is let in: {error}", error=error)
            return []


def make_manhole(*, adapters: Adapters, tools: Tools, line_s: float = LINE_S) -> ConchFactory:
    """The SSH server's factory. Raises: Invalid when it would listen beyond this machine or has no keys."""
    config = adapters.config
    _check(config["MANHOLE_LISTEN"], config["MANHOLE_KEYS"])

    def make_shell(name: str) -> ServerProtocol:
        log.info("{name} opened a shell", name=name)
        return ServerProtocol(Shell, tools.namespace(), lambda line: _audit(adapters, name, line), line_s)  # type: ignore[no-untyped-call]

    realm: Any = _Realm(make_shell)
    keys: Any = _KeysFile(config["MANHOLE_KEYS"])
    checker: Any = SSHPublicKeyChecker(keys)
    factory: Any = ConchFactory(Portal(realm, [checker]))  # type: ignore[no-untyped-call]
    key = _host_key(os.path.join(make_data_dir(config), HOST_KEY))
    factory.publicKeys = factory.privateKeys = {key.sshType(): key}
    return factory  # type: ignore[no-any-return]


def _check(place: str, keys: str | None) -> None:
    if not place.startswith("unix:"):
        host = split_host(place)[0]
        if host != "localhost" and not (_is_address(host) and ipaddress.ip_address(host).is_loopback):
            raise Invalid("MANHOLE_LISTEN: must be a loopback address or unix:path, since the shell has full power over the process", "MANHOLE_LISTEN")
    if not keys:
        raise Invalid("MANHOLE_KEYS: must name a file of public keys when MANHOLE_LISTEN is set", "MANHOLE_KEYS")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _audit(adapters: Adapters, name: str, line: str) -> None:
    """The line is in the log at once, and in the audit log as soon as the database takes it."""
    log.info("{name} typed: {line}", name=name, line=line[:LOGGED_LENGTH])

    async def keep() -> None:
        try:
            await adapters.database.run(_keep, name, line[:LOGGED_LENGTH], time.time())
        except ScaiSendError as error:
            log.warn("the line is in this log alone: {error}", error=error)

    ensureDeferred(keep())


def _keep(txn: Any, name: str, line: str, now: float) -> None:
    record_act(
        txn, None, actor=f"manhole:{name}", action="manhole.line", resource=None, change={"line": line}, source="ssh", request_id=None, happened_at=now
    )


def _host_key(path: str) -> Any:
    """The key that this installation shows; made at the first start."""
    if not os.path.exists(path):
        made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        write_privately(path, made.decode(), replace=False)
    return Key.fromFile(path)  # type: ignore[no-untyped-call]
