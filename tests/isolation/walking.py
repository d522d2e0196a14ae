"""Walks the routes: each row of rows.py is asked with every credential, and every answer is held against what the route's table says."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from scaisend.app.docs import doors
from scaisend.app.unsupported_api import is_unsupported
from scaisend.http.route import Route
from scaisend.identity.reach import ABOVE
from tests.isolation.makers import MAKERS
from tests.isolation.rows import GROUPED, HOW, Row, named
from tests.isolation.world import MARK, Answer, Tenant, Things, World, unlike

NO_SCOPE = "access forbidden"
OTHERS = ("sibling", "stranger")
# Credentials that open nothing, whatever the route asks for: what they are answered.
SHUT = {"suspended": 403, "suspended partner": 403, "revoked": 401, "expired": 401, "unknown": 401, "none": 401}


@dataclass(slots=True)
class Outcome:
    """What the credentials were answered on one row; `faults` say where that is not what the table says."""

    row: Row
    route: Route
    cells: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def public_table() -> dict[str, Route]:
    """Every route of the public listener, by method and path."""
    return {named(route.method, route.path): route for route in doors()[0]}


def missing_rows(table: Mapping[str, Route]) -> list[str]:
    """A sentence for each route without a row, and for each row without a route."""
    rows = {row.route for group in GROUPED.values() for row in group}
    return [
        *(f"{route.method} {route.path} has no row: {HOW}" for name, route in table.items() if name not in rows),
        *(f"{name} has a row in tests/isolation/rows.py, but there is no such route" for name in sorted(rows - set(table))),
    ]


def all_rows() -> Iterator[Row]:
    for group in GROUPED.values():
        yield from group


class Walk:
    """One walk through a world."""

    def __init__(self, world: World, table: Mapping[str, Route]) -> None:
        self.world = world
        self.table = table
        self.things = Things(world, MAKERS)
        for name in MAKERS:  # numbers of one tenant are not to be those of another by chance
            self.things.of(world.b, name)

    def outcome(self, row: Row) -> Outcome:
        """The row, asked with every credential; its owner's last, who finds the thing as it was."""
        found = Outcome(row, self.table[row.route])
        if found.route.public:
            self._public(found)
            return found
        self._values(row)
        self.world.key_without(wanted_by(found.route))
        before = self.world.rows_of(self.world.a)
        for name in OTHERS:
            self._other(found, name)
        self._on_behalf(found)
        self._their_admin(found)
        self._shut(found)
        self._without_scope(found)
        after = self.world.rows_of(self.world.a)
        changed = [table for table in before if before[table] != after[table]]
        if changed:
            found.faults.append(f"others changed the owner's rows in {', '.join(changed)}")
        self._own_admin(found)
        self._owner(found)
        return found

    def from_others(self, row: Row) -> Outcome:
        """The row, asked by other tenants alone, and then by its owner."""
        found = Outcome(row, self.table[row.route])
        for name in OTHERS:
            self._other(found, name)
        self._expect(found, "own", self.ask(row, "own", self.world.a), row.own)
        self._used_up(row)
        return found

    # -- who sees it not --

    def _other(self, found: Outcome, name: str) -> None:
        """Another tenant: as about a thing that does not exist; its own things are its own."""
        row, tenant = found.row, {"sibling": self.world.b, "stranger": self.world.c}[name]
        if row.thing is None or row.seen_by == "everybody" or (row.seen_by == "partner" and name == "sibling"):
            answer = self.ask(row, name, tenant)
            found.cells[name] = str(answer.status)
            self._expect(found, name, answer, row.own)
            if row.thing is None:
                self._no_mark(found, name, answer, ())
            return
        there = self.things.of(self.world.a, row.thing)
        found.cells[name] = f"{row.unknown}, as unknown"
        for theirs, which in self._aims(row, tenant, there):
            nowhere = {key: (unlike(value) if value == there[key] and key in there else value) for key, value in theirs.items()}
            assert theirs != nowhere, theirs
            answer, unknown = self.ask(row, name, tenant, theirs), self.ask(row, name, tenant, nowhere)
            sent = [value for values in (theirs, nowhere) for value in values.values()]
            if not which:
                self._expect(found, name, answer, row.unknown)
            if answer.without(sent) != unknown.without(sent):
                found.faults.append(f"{name}{which}: not as an unknown id: {_shown(answer)} and {_shown(unknown)}")
            self._no_mark(found, f"{name}{which}", answer, sent)

    def _aims(self, row: Row, tenant: Tenant, there: Mapping[str, str]) -> Iterator[tuple[dict[str, str], str]]:
        """The owner's values; and, where a path names two things, the other tenant's own first one with the owner's second."""
        yield dict(there), ""
        names = [name for name in there if f"<{name}>" in row.path]
        if len(names) > 1 and row.thing:
            own = self.things.of(tenant, row.thing)
            if own[names[0]] != there[names[0]] and own[names[-1]] != there[names[-1]]:
                yield {**there, names[0]: own[names[0]]}, f" with its own {names[0]}"

    def _on_behalf(self, found: Outcome) -> None:
        """A key acts for no other tenant, and a partner's admin for none of another partner."""
        for name in ("sibling", "their admin"):
            answer = self.ask(found.row, name, self.world.b, self._values(found.row), **{"on-behalf-of": self.world.a.id})
            found.cells[f"{name} on behalf"] = str(answer.status)
            self._expect(found, f"{name} on behalf", answer, 403)

    def _their_admin(self, found: Outcome) -> None:
        """The admin of another partner, who acts for no tenant: sees what its partner's tenants have, where a route is for such, and nothing else."""
        row, wanted, name = found.row, wanted_by(found.route), "their admin"
        if not wanted:
            found.cells[name] = "–"
            return
        there = self._values(row)
        answer = self.ask(row, name, self.world.c, there)
        found.cells[name] = str(answer.status)
        if ABOVE not in wanted:
            self._expect(found, name, answer, 403)
        elif row.thing and row.seen_by != "everybody":
            nowhere = {key: unlike(value) for key, value in there.items()}
            unknown, sent = self.ask(row, name, self.world.c, nowhere), [*there.values(), *nowhere.values()]
            found.cells[name] += ", as unknown"
            if answer.without(sent) != unknown.without(sent):
                found.faults.append(f"{name}: not as an unknown id: {_shown(answer)} and {_shown(unknown)}")
            self._no_mark(found, name, answer, sent)
        else:
            self._no_mark(found, name, answer, ())

    def _shut(self, found: Outcome) -> None:
        for name, status in SHUT.items():
            answer = self.ask(found.row, name, self.world.a, self._values(found.row))
            found.cells[name] = str(answer.status)
            self._expect(found, name, answer, status)
            self._no_mark(found, name, answer, self._values(found.row).values())

    def _without_scope(self, found: Outcome) -> None:
        """All permissions but those that open the route."""
        wanted = wanted_by(found.route)
        if not wanted:
            found.cells["without scope"] = "–"
            return
        answer = self.ask(found.row, self.world.key_without(wanted), self.world.a, self._values(found.row))
        found.cells["without scope"] = str(answer.status)
        self._expect(found, "without scope", answer, 403)
        if answer.message != NO_SCOPE:
            found.faults.append(f"without scope: refused in other words: {_shown(answer)}")

    # -- who sees it --

    def _owner(self, found: Outcome) -> None:
        """The owner by its key, by a test key, and by a key for each one of the permissions that suffice."""
        row = found.row
        for name in ("own", "test"):
            answer = self.ask(row, name, self.world.a)
            found.cells[name] = str(answer.status)
            self._expect(found, name, answer, row.own)
            self._used_up(row)
        for permission in sorted(wanted_by(found.route)):
            key = self.world.key_for(permission)
            if key is None:
                continue
            answer = self.ask(row, key, self.world.a)
            if answer.status == 401 or (answer.status == 403 and answer.message == NO_SCOPE):
                found.faults.append(f"{permission} alone does not open it: {_shown(answer)}")
            self._used_up(row)

    def _own_admin(self, found: Outcome) -> None:
        """The admin of the owner's partner, and the installation's, who act for the owner, see and do what it sees and does."""
        row = found.row
        for name in ("its admin", "super admin"):
            answer = self.ask(row, name, self.world.a, **{"on-behalf-of": self.world.a.id})
            self._expect(found, f"{name} on behalf", answer, row.own)
            self._used_up(row)

    def _public(self, found: Outcome) -> None:
        """The same for everybody, with and without a credential."""
        row, values = found.row, self._values(found.row)
        for name in ("none", "own", "test", *OTHERS, *SHUT):
            answer = self.ask(row, name, self.world.a, values)
            found.cells[name] = str(answer.status)
            self._expect(found, name, answer, row.own)
        for name in ("without scope", "sibling on behalf", "their admin on behalf", "their admin"):
            found.cells[name] = str(row.own)

    def delay(self, row: Row, samples: int) -> tuple[float, float]:
        """Median seconds until another tenant is answered about the owner's thing, and about one that does not exist; asked by turns."""
        there = self.things.of(self.world.a, row.thing or "")
        nowhere = {key: unlike(value) for key, value in there.items()}
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(samples):
            for place, values in enumerate((there, nowhere)):
                taken[place].append(self.ask(row, "sibling", self.world.b, values).seconds)
        return median(taken[0]), median(taken[1])

    # -- how --

    def ask(self, row: Row, credential: str, tenant: Tenant, values: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """The row asked with this credential, a name of the world's or a key, about the tenant's own thing unless `values` name another."""
        named_by = dict(self._values(row, tenant) if values is None else values)
        named_by |= {
            "fresh": secrets.token_hex(4), "sender": tenant.sender, "from_domain": tenant.domain, "peer": f"{self.world.house.url('api')}/health",
        }
        key = None if credential == "none" else self.world.credentials.get(credential, credential)
        return self.world.ask(key, row.method, row.target(named_by), row.content(named_by), row.content_type, **headers)

    def _values(self, row: Row, tenant: Tenant | None = None) -> dict[str, str]:
        return self.things.of(tenant or self.world.a, row.thing) if row.thing else {}

    def _used_up(self, row: Row) -> None:
        if row.thing and row.method != "GET":
            self.things.used_up(self.world.a, row.thing)
        if row.thing is None and row.method != "GET":
            self.things.kept = {key: value for key, value in self.things.kept.items() if key[0] != self.world.a.id}

    def _expect(self, found: Outcome, name: str, answer: Answer, status: int) -> None:
        if answer.status != status:
            found.faults.append(f"{name}: {status} was expected: {_shown(answer)}")

    def _no_mark(self, found: Outcome, name: str, answer: Answer, sent: Sequence[str]) -> None:
        """Nothing that is the owner's stands in the answer, but for what the caller said itself."""
        text = answer.without(sent)[2]
        for mark in (MARK, self.world.a.id):
            if mark in text:
                found.faults.append(f"{name}: the answer holds {mark}, which is the owner's: {text[:600]}")


def wanted_by(route: Route) -> frozenset[str]:
    """The permissions, any of which opens the route."""
    if route.permission is None:
        return frozenset()
    return frozenset((route.permission,) if isinstance(route.permission, str) else route.permission)


def is_refusal(route: Route) -> bool:
    """Whether the route only says that it is not offered."""
    return is_unsupported(route)


def _shown(answer: Answer) -> str:
    return f"{answer.status} {json.dumps(answer.body.decode('utf-8', 'replace'))[:300]}"
