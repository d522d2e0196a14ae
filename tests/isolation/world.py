"""Tenants side by side on one running installation, credentials of every kind, and what each of them is answered."""

import hashlib
import http.client
import itertools
import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from scaisend.app.config import load
from scaisend.app.installation import make_sealer
from scaisend.identity.api_key import hash_of, make_key
from scaisend.identity.permissions import EVERYTHING, OURS, SCOPES
from scaisend.ids import IdMaker
from tests.isolation.tokens import Tokens
from tests.world.installation import SENDER_DOMAIN, Installation
from tests.world.mariadb import PrivateMariadb
from tests.world.ports import free_port

MARK = "alphaonly"  # stands in every name and address that belongs to tenant A, and nowhere else
SOURCE = "127.0.0.1"
US = 1_000_000
# Columns that a request of the tenant's own may change at any time.
RESTLESS = {("api_keys", "last_used_at")}


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant, and the domain that it may send from."""

    id: str
    partner_id: str
    domain: str

    @property
    def sender(self) -> str:
        return f"app@{self.domain}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, and after how many seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """The first fault's sentence; empty where there is none."""
        try:
            return str(self.json()["errors"][0]["message"])
        except (ValueError, KeyError, IndexError, TypeError):
            return ""

    def without(self, values: Iterable[str]) -> tuple[int, list[str], str]:
        """Status, header names and body, without the request's id and these values: what two answers are compared by."""
        text = self.body.decode("utf-8", "replace")
        for value in sorted({self.headers.get("x-request-id", ""), *values} - {""}, key=len, reverse=True):
            text = text.replace(json.dumps(value)[1:-1], "<id>")
        return self.status, sorted(self.headers), text


class World:
    """`a` owns things; `b` is of the same partner, `c` of another. Only the API runs, so that nothing changes by itself."""

    def __init__(self, mariadb: PrivateMariadb | None = None) -> None:
        self.tokens = Tokens()
        self.house = Installation(
            free_port(), mariadb=mariadb, **self.tokens.settings, DNS_RESOLVERS="127.0.0.1:9", SMTP_SOURCE_IPS=SOURCE, WEBHOOK_TARGETS="any", DATABASE_POOL_SIZE="2",
            TRACKING_BASE_URL="https://links.test",
        )
        self.ids = IdMaker(now_s=time.time, random_bits=secrets.randbits)
        self._sources = itertools.count(1)
        self._scoped: dict[tuple[str, frozenset[str]], str] = {}
        self._columns: dict[str, list[str]] = {}
        self._connection: http.client.HTTPConnection | None = None
        try:
            self._people()
            self.house.start("api")
        except BaseException:
            self.close()
            raise
        self.sealer = make_sealer(load(self.house.command_environment, None))

    def close(self) -> None:
        """Nothing is left of it."""
        if self._connection is not None:
            self._connection.close()
        self.house.close()
        self.tokens.close()

    def _people(self) -> None:
        partner = str(self.house.ask(f"SELECT partner_id FROM tenants WHERE id = '{self.house.tenant_id}'")[0][0])
        self.house.tell(f"UPDATE tenants SET name = '{MARK}' WHERE id = '{self.house.tenant_id}'")
        self.a = Tenant(self.house.tenant_id, partner, SENDER_DOMAIN)
        other, asleep = self.partner("active"), self.partner("suspended")
        self.b = self.tenant(partner, "bravo.test")
        self.c = self.tenant(other, "charlie.test")
        self.suspended = self.tenant(partner, "", status="suspended")
        self.of_suspended = self.tenant(asleep, "")
        for each in (self.b, self.c):
            self.house.add_domain(each.domain, "--tenant", each.id)
        expired = int(time.time() - 60) * US
        self.credentials = {
            "own": self.key(self.a), "test": self.key(self.a, is_test=True), "sibling": self.key(self.b), "stranger": self.key(self.c),
            "suspended": self.key(self.suspended), "suspended partner": self.key(self.of_suspended),
            "revoked": self.key(self.a, revoked_at=expired), "expired": self.key(self.a, expires_at=expired),
            "unknown": make_key(secrets.token_bytes(16)), "their admin": self.tokens.of("cara", role="partner_admin", partner_id=other),
            "its admin": self.tokens.of("alma", role="partner_admin", partner_id=partner), "super admin": self.tokens.of("ada", role="super_admin"),
        }

    # -- makers --

    def new(self, prefix: str, tenant: Tenant | None = None) -> str:
        """A fresh id."""
        return self.ids.new(prefix, tenant.id if tenant else "")

    def insert(self, table: str, **values: object) -> None:
        """The row is there."""
        shown = [f"X'{each.hex()}'" if isinstance(each, bytes) else "NULL" if each is None else repr(each) for each in values.values()]
        self.house.tell(f"INSERT INTO {table} ({', '.join(f'`{name}`' for name in values)}) VALUES ({', '.join(shown)})")

    def partner(self, status: str) -> str:
        partner_id, now = self.new("prt"), int(time.time() * US)
        self.insert("partners", id=partner_id, name=f"partner {status}", status=status, created_at=now, updated_at=now)
        return partner_id

    def tenant(self, partner_id: str, domain: str, *, status: str = "active") -> Tenant:
        made, now = Tenant(self.new("tnt"), partner_id, domain), int(time.time() * US)
        self.insert("tenants", id=made.id, partner_id=partner_id, name=domain or status, status=status, created_at=now, updated_at=now)
        return made

    def key(self, tenant: Tenant, scopes: Iterable[str] = OURS, *, is_test: bool = False, **moments: int) -> str:
        """An API key."""
        secret = make_key(secrets.token_bytes(16), is_test=is_test)
        self.insert(
            "api_keys", id=self.new("key", tenant), tenant_id=tenant.id, name="a key", prefix=secret[:12], key_hash=hash_of(secret),
            scopes=json.dumps(sorted(scopes)), is_test=int(is_test), created_at=int(time.time() * US), **moments,
        )
        return secret

    def key_without(self, permissions: frozenset[str]) -> str:
        """A key of A for everything but these permissions."""
        held = [name for name, gives in SCOPES.items() if gives and not gives & permissions]
        return self._kept("without", permissions, held)

    def key_for(self, permission: str) -> str | None:
        """A key of A for this permission alone; None for those that no key can have."""
        return self._kept("only", frozenset((permission,)), [self._scope_of(permission)]) if permission in EVERYTHING else None

    def _scope_of(self, permission: str) -> str:
        return min((name for name, gives in SCOPES.items() if permission in gives), key=lambda name: (len(SCOPES[name]), name))

    def _kept(self, kind: str, permissions: frozenset[str], scopes: list[str]) -> str:
        if (kind, permissions) not in self._scoped:
            self._scoped[kind, permissions] = self.key(self.a, scopes)
        return self._scoped[kind, permissions]

    # -- questions --

    def ask(
        self, credential: str | None, method: str, path: str, body: bytes | None = None, content_type: str = "application/json", **headers: str,
    ) -> Answer:
        """One request, from an address that nobody has asked from before: a source of failures is not what is tested here."""
        number = next(self._sources)
        sent = {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", **headers}
        if credential is not None:
            sent["Authorization"] = f"Bearer {credential}"
        if body is not None:
            sent["Content-Type"] = content_type
        if self._connection is None:
            place = urlsplit(self.house.url("api"))
            self._connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        began = time.perf_counter()
        self._connection.request(method, quote(path, safe="/?&=%:@.,;+-_~*!'()<>\""), body, sent)
        response = self._connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - began
        if response.will_close:
            self._connection.close()
            self._connection = None
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content, seconds)

    def made(self, tenant: Tenant, method: str, path: str, body: object = None, **more: str) -> Any:
        """The JSON of what the tenant made, None where nothing is said. Raises: AssertionError when it was refused."""
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        answer = self.ask(self.key_of(tenant), method, path, raw, **more)
        if answer.status >= 300:
            raise AssertionError(f"{method} {path} was to make something: {answer.status} {answer.body[:500]!r}\n{self.house.logs()}")
        return answer.json() if answer.body else None

    def key_of(self, tenant: Tenant) -> str:
        """The tenant's key for everything."""
        return self.credentials[{self.a.id: "own", self.b.id: "sibling", self.c.id: "stranger"}[tenant.id]]

    def rows_of(self, tenant: Tenant) -> dict[str, str]:
        """A digest of the tenant's rows, by table."""
        found = {}
        for table, columns in self._tables().items():
            where = "tenant_id" if "tenant_id" in columns else "id" if table == "tenants" else None
            if where is None:
                continue
            shown = ", ".join(f"`{each}`" for each in columns if (table, each) not in RESTLESS)
            rows = self.house.ask(f"SELECT {shown} FROM `{table}` WHERE {where} = '{tenant.id}'")
            found[table] = hashlib.sha256("\n".join(sorted(map(repr, rows))).encode()).hexdigest()
        return found

    def _tables(self) -> dict[str, list[str]]:
        self._columns = self._columns or schema()
        return self._columns


def schema() -> dict[str, list[str]]:
    """The columns of every table, by the migrations."""
    from tests.world.inline_database import inline_database

    connection: sqlite3.Connection = inline_database().connection
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        return {each: [row[1] for row in connection.execute(f"PRAGMA table_info(`{each}`)")] for each in sorted(tables)}
    finally:
        connection.close()


_OTHERS = {
    **{str(each): str((each + 5) % 10) for each in range(10)},
    **{each: chr((ord(each) - 97 + 3) % 6 + 97) for each in "abcdef"},
    **dict(zip("ghjkmnpqrstvwxyz", "jkmnpqrstvwxyzgh", strict=True)), **dict(zip("ilou", "uoli", strict=True)),
    **{chr(each): chr((each - 65 + 3) % 26 + 65) for each in range(65, 91)},
}


def unlike(value: str) -> str:
    """Another value of the same form and length: what a thing could be called that does not exist."""
    begin, middle, rest = value.partition("@")
    first, dot, tail = begin.partition(".") if not middle and not value.startswith("msg_") else (begin, "", "")
    changed = "".join(_OTHERS.get(letter, letter) for letter in first[-7:])
    return first[:-7] + changed + dot + tail + middle + rest


@dataclass(slots=True)
class Things:
    """What A, B and C own, by maker and tenant; made when it is asked for, and again after it was used up."""

    world: World
    makers: Mapping[str, Any]
    kept: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def of(self, tenant: Tenant, name: str) -> dict[str, str]:
        """The values that name the tenant's thing."""
        if (tenant.id, name) not in self.kept:
            self.kept[tenant.id, name] = {key: str(value) for key, value in self.makers[name](self.world, tenant).items()}
        return self.kept[tenant.id, name]

    def used_up(self, tenant: Tenant, name: str) -> None:
        """The next one is new."""
        self.kept.pop((tenant.id, name), None)
