"""REDIS_URL: how its spellings are read."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from scaisend.faults import Invalid

FORMS = "redis://[user:password@]host[:port][/db], rediss://…, redis+sentinel:// or rediss+sentinel://[password@]host[:port],…/service[/db], unix:///path[?db=N]"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis is: one host, the sentinels that know it, or a socket `path`.

    `ssl_ca` is a PEM file of authorities to trust in place of the system's. `prefix` stands before every key.
    """

    hosts: tuple[tuple[str, int], ...] = ()
    path: str | None = None
    tls: bool = False
    service: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)
    database: int | None = None
    ssl_ca: str | None = None
    prefix: str = ""

    @property
    def way(self) -> str:
        """How it is reached, for people; without passwords."""
        how = " over TLS" if self.tls else ""
        if self.path is not None:
            return f"at {self.path}"
        places = ", ".join(f"{host}:{port}" for host, port in self.hosts)
        return f"at {places}{how}" if self.service is None else f"as the master of {self.service}{how}, named by sentinels at {places}"


def parse_redis_url(url: str) -> RedisAddress:
    """The address of a REDIS_URL; options after `?`: db, prefix, ssl_ca, sentinel_password.

    Raises: Invalid naming REDIS_URL, which never repeats the URL since it may hold a password.
    """
    try:
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if unknown := sorted(set(options) - {"db", "prefix", "ssl_ca", "sentinel_password"}):
            raise ValueError(f"unknown option {unknown[0]}")
        return _read(parts, options)
    except ValueError as error:
        raise Invalid(f"REDIS_URL is not valid: {error}", "REDIS_URL", f"accepted are {FORMS}") from None


def _read(parts: SplitResult, options: dict[str, str]) -> RedisAddress:
    login, _, places = parts.netloc.rpartition("@")
    username, password = _login(login)
    segments = [unquote(each) for each in parts.path.split("/") if each]
    if parts.scheme == "unix":
        return RedisAddress(
            path=unquote(parts.path), username=username, password=password, database=_number(options.get("db")),
            prefix=options.get("prefix", ""),
        )
    sentinel = parts.scheme in ("redis+sentinel", "rediss+sentinel")
    if not sentinel and parts.scheme not in ("redis", "rediss"):
        raise ValueError("unknown scheme")
    if sentinel and not segments:
        raise ValueError("the sentinel's service name is missing")
    service = segments.pop(0) if sentinel else None
    if len(segments) > 1:
        raise ValueError("too many words in the path")
    hosts = tuple(_place(each, 26379 if sentinel else 6379) for each in places.split(","))
    if len(hosts) > 1 and not sentinel:
        raise ValueError("several hosts are for redis+sentinel:// and rediss+sentinel:// only")
    return RedisAddress(
        hosts=hosts, tls=parts.scheme.startswith("rediss"), service=service, username=username, password=password,
        sentinel_password=options.get("sentinel_password"), database=_number(segments[0] if segments else options.get("db")),
        ssl_ca=options.get("ssl_ca"), prefix=options.get("prefix", ""),
    )


def _login(text: str) -> tuple[str | None, str | None]:
    """`user:password`, `:password`, or `password` alone."""
    first, colon, second = text.partition(":")
    if not colon:
        return None, unquote(first) or None
    return unquote(first) or None, unquote(second) or None


def _place(text: str, port: int) -> tuple[str, int]:
    host, colon, number = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, number = text, str(port)
    host = host.strip("[]")
    if not host or not number.isdigit() or not 0 < int(number) < 65536:
        raise ValueError("the host or port is missing or wrong")
    return host, int(number)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit():
        raise ValueError("the database is not a number")
    return int(text)
