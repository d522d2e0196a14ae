"""MTA-STS: what a domain says over https about TLS at its hosts (RFC 8461).

    _mta-sts.example.com. TXT "v=STSv1; id=20260101T000000;"      a new id: there is a new policy
    https://mta-sts.example.com/.well-known/mta-sts.txt

    version: STSv1
    mode: enforce
    mx: mx1.example.com
    mx: *.example.net
    max_age: 604800
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

ENFORCE = "enforce"
TESTING = "testing"
OFF = "none"
MODES = (ENFORCE, TESTING, OFF)

LONGEST_AGE_S = 31_557_600
MOST_BYTES = 64 * 1024
MOST_HOSTS = 100

_ID = re.compile(r"[A-Za-z0-9]{1,32}").fullmatch
_PATTERN = re.compile(r"(?:\*\.)?(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?").fullmatch


class BadPolicy(ValueError):
    """The text is no policy; the message says why."""


@dataclass(frozen=True, slots=True)
class Sts:
    """A domain's policy. `hosts` are names, or `*.` and a name for one label more."""

    mode: str
    hosts: tuple[str, ...]
    max_age_s: int

    def allows(self, host: str) -> bool:
        """Whether mail of the domain may go to this host (RFC 8461 4.1)."""
        name = host.lower().rstrip(".")
        return any(name == each or (each.startswith("*.") and name.partition(".")[2] == each[2:]) for each in self.hosts)

    @property
    def lines(self) -> tuple[str, ...]:
        """The policy as reports repeat it."""
        return "version: STSv1", f"mode: {self.mode}", *(f"mx: {each}" for each in self.hosts), f"max_age: {self.max_age_s}"


def policy_id(records: Iterable[object]) -> str | None:
    """The id in the TXT records of `_mta-sts`; None when there is none, or more than one (RFC 8461 3.1)."""
    found = [fields for fields in map(_fields, map(str, records)) if fields]
    if len(found) != 1:
        return None
    value = found[0].get("id", "")
    return value if _ID(value) else None


def parse(body: bytes) -> Sts:
    """The policy that a domain's host answered. Unknown fields are passed over. Raises: BadPolicy (RFC 8461 3.2)."""
    if len(body) > MOST_BYTES:
        raise BadPolicy(f"it is longer than {MOST_BYTES} bytes")
    single: dict[str, str] = {}
    hosts: list[str] = []
    for line in body.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if name == "mx" and colon:
            if not _PATTERN(value):
                raise BadPolicy(f"mx {value[:80]!r} is no host name")
            hosts.append(value.lower().rstrip("."))
        elif colon:
            single.setdefault(name, value)
        elif name:
            raise BadPolicy(f"the line {name[:80]!r} has no colon")
    if single.get("version") != "STSv1":
        raise BadPolicy("its version is not STSv1")
    mode, age = single.get("mode", ""), single.get("max_age", "")
    if mode not in MODES:
        raise BadPolicy(f"its mode {mode[:80]!r} is none of {', '.join(MODES)}")
    if not (age.isascii() and age.isdigit() and len(age) <= 10):
        raise BadPolicy(f"its max_age {age[:80]!r} is no number of seconds")
    if mode != OFF and not hosts:
        raise BadPolicy("it names no mx")
    return Sts(mode, tuple(hosts[:MOST_HOSTS]), min(int(age), LONGEST_AGE_S))


def _fields(record: str) -> dict[str, str]:
    """The fields of a record of ours, empty when it is another's."""
    parts = [part.strip() for part in record.split(";")]
    if not parts or re.fullmatch(r"v\s*=\s*STSv1", parts[0]) is None:
        return {}
    fields = {}
    for part in parts:
        name, _, value = part.partition("=")
        fields[name.strip()] = value.strip()
    return fields
