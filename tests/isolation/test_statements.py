"""Every SQL statement of the stores keeps to one tenant, or stands in the closed list of those that cross (docs/isolation.md)."""

import ast
from collections import defaultdict
from functools import cache

from tests.base import PlainTestCase
from tests.isolation.crossing import CROSSING, REACHING
from tests.isolation.predicates import Unreadable, faults, insert_faults, shows_tenant
from tests.isolation.statements import HOUSE, Statement, answers, statements
from tests.isolation.world import schema

HOW = (
    "compare tenant_id with a parameter (in a JOIN: with the other table's tenant_id), or take row values (tenant_id, key); a worker's batch statement stands in a function"
    " that is named *_across_tenants and listed in tests/isolation/crossing.py"
)
SIMPLE = {"None", "bool", "int"}


@cache
def judged() -> dict[Statement, list[str] | None]:
    """The faults of each statement; None where the parser could not read it."""
    tables, found = schema(), {}
    for each in statements():
        try:
            found[each] = insert_faults(each.table, each.columns, tables) if each.table else faults(each.text, tables)
        except Unreadable:
            found[each] = None
    return found


class Statements(PlainTestCase):
    def test_all_can_be_read(self) -> None:
        """A call whose statement is composed in a way that no reading resolves would escape the others."""
        readable, all_of_them = {each.place for each, verdict in judged().items() if verdict is not None}, {each.place for each in judged()}
        self.assertEqual(sorted(all_of_them - readable), [])
        self.assertGreater(len(all_of_them), 380)

    def test_every_call_was_read(self) -> None:
        """Whatever is run on a transaction anywhere above storage/ was looked at."""
        places = {each.place for each in judged()}
        missing = []
        for path in sorted(HOUSE.rglob("*.py")):
            name = str(path.relative_to(HOUSE))
            if name.startswith("storage/"):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in ("txn.execute", "txn.rows", "txn.row", "txn.insert", "txn.upsert"):
                    missing += [f"{name}:{node.lineno}"] if f"{name}:{node.lineno}" not in places else []
        self.assertEqual(missing, [])

    def test_each_keeps_to_its_tenant(self) -> None:
        """A table with a tenant_id is read and written by its tenant alone, outside of what crosses by name."""
        wrong = [
            f"{each.place} {each.function}: {'; '.join(verdict)}: {HOW}: {each.text or each.columns}" for each, verdict in judged().items()
            if verdict and not (each.crosses and each.function in CROSSING) and each.function not in REACHING
        ]
        self.assertEqual("\n".join(wrong), "")

    def test_the_list_is_closed(self) -> None:
        """No line of the list is for nothing."""
        crossing = {each.function for each, verdict in judged().items() if verdict}
        self.assertEqual(sorted((set(CROSSING) | set(REACHING)) - crossing), [])
        self.assertEqual([name for name in CROSSING if not name.endswith("_across_tenants")], [])

    def test_those_who_reach_know_the_tenant(self) -> None:
        """Each of their statements is also made for one tenant."""
        kept = defaultdict(list)
        for each, verdict in judged().items():
            if each.function in REACHING:
                kept[each.place].append(not verdict)
        self.assertEqual([place for place, found in kept.items() if not any(found)], [])

    def test_what_crosses_says_whose_it_is(self) -> None:
        """Rows carry their tenant, or the list says why they need not."""
        shown = defaultdict(list)
        for each, verdict in judged().items():
            if verdict is not None and each.text.startswith(("SELECT", "WITH")):
                shown[each.function].append(shows_tenant(each.text))
        mute = [
            name for name, reason in CROSSING.items()
            if not reason and not all(shown[name]) and not any(each in SIMPLE or "tenant_id" in each for each in answers(name))
        ]
        self.assertEqual(mute, [], "say in tests/isolation/crossing.py why their rows need not carry their tenant")


class Reading(PlainTestCase):
    """The reading itself: what it must find."""

    def faults(self, text: str) -> list[str]:
        return faults(text, {"mails": ["id", "tenant_id"], "parts": ["id", "tenant_id"], "marks": ["id"]})

    def test_kept(self) -> None:
        """By a parameter, by row values, by another table that is kept, in every branch of an OR."""
        for text in (
            "SELECT id FROM mails WHERE tenant_id = :tenant_id AND (id = :a OR id = :b)", "SELECT id FROM marks WHERE id = :key",
            "SELECT id FROM mails WHERE tenant_id IS NULL",
            "SELECT tenant_id, id FROM mails WHERE (tenant_id, id) IN :pairs", "UPDATE mails SET id = :id WHERE :tenant_id = tenant_id",
            "SELECT m.id FROM mails m JOIN parts p ON p.id = m.id AND p.tenant_id = m.tenant_id WHERE m.tenant_id = :tenant_id",
            "SELECT id FROM mails WHERE (tenant_id = :a AND id = 1) OR (tenant_id = :a AND id = 2)",
            "SELECT m.id FROM mails m WHERE m.tenant_id = :t AND EXISTS (SELECT 1 FROM parts p WHERE p.tenant_id = m.tenant_id)",
            "WITH found (id) AS (SELECT id FROM mails WHERE tenant_id = :t) SELECT id FROM found",
            "INSERT INTO mails (id, tenant_id) SELECT id, tenant_id FROM parts WHERE tenant_id = :t",
        ):
            self.assertEqual((text, self.faults(text)), (text, []))

    def test_not_kept(self) -> None:
        """An id alone, one branch of an OR, a join that forgets, a subquery, a list of tenants, a table of nobody's knowing."""
        for text in (
            "SELECT id FROM mails WHERE id = :id", "DELETE FROM mails WHERE id IN :ids", "UPDATE mails SET id = :id",
            "SELECT id FROM mails WHERE tenant_id = :t OR id = :id", "SELECT id FROM mails WHERE NOT tenant_id = :t", "SELECT id FROM mails WHERE tenant_id <> :t",
            "SELECT m.id FROM mails m JOIN parts p ON p.id = m.id WHERE m.tenant_id = :t", "SELECT id FROM mails WHERE tenant_id = tenant_id",
            "SELECT m.id FROM mails m JOIN parts p ON p.tenant_id = m.tenant_id WHERE m.id = :id", "SELECT id FROM mails WHERE tenant_id IN :tenants",
            "SELECT id FROM marks WHERE id IN (SELECT id FROM mails)", "SELECT id FROM unknown_piece WHERE tenant_id = :t",
            "SELECT id FROM mails WHERE tenant_id = :t UNION SELECT id FROM parts WHERE id = :id", "INSERT INTO mails (id) SELECT id FROM marks",
        ):
            self.assertNotEqual((text, self.faults(text)), (text, []))
