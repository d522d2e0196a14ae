"""How the values of settings are read: each function gives the value, or a ValueError that says what is accepted."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from scaisend.address import is_valid
from scaisend.delivery.mx import Exchange, parse_routes
from scaisend.delivery.sources import parse_sources
from scaisend.delivery.tls_policy import parse_policies
from scaisend.faults import ScaiSendError
from scaisend.storage.limiter import Limit, read_limit
from scaisend.storage.redis_url import parse_redis_url
from scaisend.storage.url import parse_database_url

T = TypeVar("T")

_NAME = re.compile(r"^(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$")
_NUMBER = re.compile(r"[0-9]{1,15}")
SECRET_KEY_LETTERS = 32


def text(raw: str) -> str:
    if any(ord(letter) < 32 for letter in raw):
        raise ValueError("holds a control character")
    return raw


def a_path(raw: str) -> str:
    return os.path.abspath(os.path.expanduser(raw))


def a_file_or_none(raw: str) -> str | None:
    return a_path(raw) if raw else None


def a_count(least: int, most: int) -> Callable[[str], int]:
    """A whole number between the bounds."""

    def parse(raw: str) -> int:
        if not _NUMBER.fullmatch(raw) or not least <= int(raw) <= most:
            raise ValueError(f"is not a whole number from {least} to {most}")
        return int(raw)

    return parse


def seconds(least: float, most: float) -> Callable[[str], float]:
    """A duration in seconds between the bounds."""

    def parse(raw: str) -> float:
        try:
            value = float(raw)
        except ValueError:
            value = -1.0
        if not least <= value <= most:
            raise ValueError(f"is not a number of seconds from {least:g} to {most:g}")
        return value

    return parse


def a_port(raw: str) -> int:
    if not _NUMBER.fullmatch(raw) or int(raw) > 65_535:
        raise ValueError("is not a port from 0 to 65535")
    return int(raw)


def a_port_or_off(raw: str) -> int | str:
    """A port, `off`, or "" where none was chosen."""
    if raw in ("", "off"):
        return raw
    try:
        return a_port(raw)
    except ValueError as error:
        raise ValueError(f"{error}, or off") from None


def a_secret_key(raw: str) -> str:
    if raw and len(raw) < SECRET_KEY_LETTERS:
        raise ValueError(f"is too short: at least {SECRET_KEY_LETTERS} characters are needed")
    return text(raw)


def secret_keys(raw: str) -> tuple[str, ...]:
    """Secret keys, separated by commas."""
    return tuple(a_secret_key(each) for each in (part.strip() for part in raw.split(",")) if each)


def a_choice(*words: str) -> Callable[[str], str]:
    """One of the words."""

    def parse(raw: str) -> str:
        if raw.lower() not in words:
            raise ValueError("is not one of " + ", ".join(word for word in words if word))
        return raw.lower()

    return parse


def a_name(raw: str) -> str:
    if raw and not _NAME.fullmatch(raw):
        raise ValueError("is not a host name")
    return raw.lower()


def an_address(raw: str) -> str:
    try:
        return str(ipaddress.ip_address(raw))
    except ValueError:
        raise ValueError("is not an IPv4 or IPv6 address") from None


def url(raw: str) -> str:
    """An http or https URL without a slash at its end."""
    try:
        parts = urlsplit(raw)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if raw and (not sound or re.search(r"\s", raw)):
        raise ValueError("is not an http or https URL")
    return raw.rstrip("/")


def a_database_url(raw: str) -> str:
    if raw:
        _checked(lambda: parse_database_url(raw))
    return raw


def a_queue_url(raw: str) -> str:
    if raw:
        _checked(lambda: parse_redis_url(raw))
    return raw


def a_limit(raw: str) -> Limit | None:
    """A rate such as `100/s`; None for `off`."""
    return read_limit(raw)


def a_listener(raw: str) -> str:
    """`host:port`, `[v6]:port`, `unix:path`, `off`, or nothing."""
    if raw in ("", "off") or (raw.startswith("unix:") and len(raw) > 5):
        return raw
    split_host(raw)
    return raw


def a_shell_listener(raw: str) -> str:
    """As `a_listener`; nothing for `off`."""
    return "" if raw == "off" else a_listener(raw)


def networks(raw: str) -> tuple[str, ...]:
    """Addresses and networks."""
    given = [each for each in (part.strip() for part in raw.split(",")) if each]
    try:
        return tuple(str(ipaddress.ip_network(each)) for each in given)
    except ValueError:
        raise ValueError("is not a list of addresses and networks, such as 10.0.0.7,10.1.0.0/16,2001:db8::/48") from None


@dataclass(frozen=True, slots=True)
class SubmissionPlace:
    """Where mail is handed in; `is_tls`: the connection begins with TLS (RFC 8314 3.3), else STARTTLS is offered."""

    host: str
    port: int
    is_tls: bool


def submission_places(raw: str) -> tuple[SubmissionPlace, ...]:
    """Places `host:port`, or `tls:host:port` for TLS from the first octet; none for nothing and `off`."""
    if raw in ("", "off"):
        return ()
    places = []
    for each in (part.strip() for part in raw.split(",")):
        host, port = split_host(each.removeprefix("tls:"))
        places.append(SubmissionPlace(host, port, each.startswith("tls:")))
    return tuple(places)


def split_host(raw: str) -> tuple[str, int]:
    """The host and port of `host:port` or `[v6]:port`. Raises: ValueError when it is neither."""
    host, colon, port = raw.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not host or not _NUMBER.fullmatch(port) or int(port) > 65_535:
        raise ValueError("is not host:port")
    return host, int(port)


def resolvers(raw: str) -> tuple[tuple[str, int], ...]:
    """Nameservers; the port is 53 where none is given."""
    found = []
    for each in filter(None, (part.strip() for part in raw.split(","))):
        host, port = split_host(each) if each.count(":") == 1 or each.startswith("[") else (each, 53)
        found.append((an_address(host), port))
    return tuple(found)


def sources(raw: str) -> str:
    """Pairs of source address and EHLO name, checked; `parse_sources` reads them once the host's own name is known."""
    _checked(lambda: parse_sources(raw, helo_name="localhost"))
    return raw


def routes(raw: str) -> Mapping[str, Exchange]:
    """Hosts by domain (or `*`)."""
    return _checked(lambda: parse_routes(raw))


def tls_policies(raw: str) -> Mapping[str, str]:
    """TLS policies by domain."""
    return _checked(lambda: parse_policies(raw))


def an_email_or_none(raw: str) -> str | None:
    """A plain ASCII address."""
    if raw and not (raw.isascii() and is_valid(raw)):
        raise ValueError("is no e-mail address")
    return raw or None


def _checked(parse: Callable[[], T]) -> T:
    try:
        return parse()
    except ScaiSendError as error:
        raise ValueError("cannot be used: " + "; ".join(fault.message.removeprefix("REDIS_URL is not valid: ") for fault in error.faults)) from None
