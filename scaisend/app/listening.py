"""Listens where the settings say, and refuses a busy place with one clear line."""

import glob
import os
import socket
import stat
from contextlib import suppress
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.tcp import makeBinding

from scaisend.app.setting_values import split_host
from scaisend.faults import ScaiSendError

BACKLOG = 512


class Busy(ScaiSendError):
    """Something else listens there."""


def listen_tcp(reactor: Any, host: str, port: int, factory: Any, *, reuse_port: bool = False) -> Any:
    """The open port. Raises: Busy naming the place and the cure."""
    try:
        if reuse_port:
            return reactor.listenTCP(makeBinding(host, port, reuseAddress=True, reusePort=True), factory, backlog=BACKLOG)
        return reactor.listenTCP(port, factory, interface=host, backlog=BACKLOG)
    except CannotListenError as error:
        why = getattr(error.socketError, "strerror", None) or str(error.socketError)
        raise Busy(f"cannot listen on {host}:{port}: {why}; stop what listens there or choose another port") from None


def close_listener(port: Any) -> Any:
    """Nobody can connect any more. Who had connected and was not yet taken is taken first: closing would cut them off."""
    port.numberAccepts = BACKLOG
    port.doRead()
    return port.stopListening()


def listen_at(reactor: Any, place: str, factory: Any) -> Any:
    """The open port of `host:port` or `unix:path`. Raises: Busy."""
    if not place.startswith("unix:"):
        host, port = split_host(place)
        return listen_tcp(reactor, host, port, factory)
    path = place[5:]
    forget_dead_sockets(glob.escape(path))
    try:
        return reactor.listenUNIX(path, factory, mode=0o600)
    except CannotListenError as error:
        why = getattr(error.socketError, "strerror", None) or str(error.socketError)
        raise Busy(f"cannot listen on {place}: {why}; stop what listens there or choose another place") from None


def free_port(host: str) -> int:
    """A port that nobody listens on just now: for settings that must name it before the listener is there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def place_of(port: Any) -> str:
    """`host:port` or `unix:path` of an open port."""
    address = port.getHost()
    name = getattr(address, "name", None)
    if name is not None:
        return "unix:" + (name.decode() if isinstance(name, bytes) else name)
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"


def forget_dead_sockets(pattern: str) -> None:
    """The socket files of this pattern that nobody listens on, left by processes that were killed, are gone."""
    for path in glob.glob(pattern):
        _forget_if_dead(path)


def _forget_if_dead(path: str) -> None:
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
    except FileNotFoundError:
        return
    probe = socket.socket(socket.AF_UNIX)
    probe.setblocking(False)  # a listener with a full backlog lives: connecting to it must not wait
    try:
        probe.connect(path)
    except ConnectionRefusedError:
        with suppress(FileNotFoundError):
            os.unlink(path)
    except OSError:
        return
    finally:
        probe.close()
