"""Whether a statement keeps to one tenant: each table with a `tenant_id` is held to a parameter, or to a table that is."""

import re
from collections.abc import Iterator, Mapping, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from tests.isolation.statements import UNKNOWN

TENANT = "tenant_id"
Schema = Mapping[str, Sequence[str]]
# How a piece that only a call knows can stand in a statement, tried in this order.
STANDS_FOR = (UNKNOWN, "", "ASC", "1 = 1")


class Unreadable(Exception):
    """The statement is no SQL that the parser knows."""


def faults(text: str, schema: Schema) -> list[str]:
    """A sentence for each table of the statement that is read or written without its tenant. Raises: Unreadable."""
    found: list[str] = []
    for part in _parsed(text).find_all(exp.Select, exp.Update, exp.Delete, exp.Insert):
        if isinstance(part, exp.Insert):
            found += _insert(part, schema)
        else:
            found += _part(part, schema)
    return found


def insert_faults(table: str, columns: Sequence[str], schema: Schema) -> list[str]:
    """A row of a tenant's is inserted with its tenant."""
    if table not in schema:
        return [f"there is no table {table!r}"]
    return [f"{table} is written without its tenant"] if TENANT in schema[table] and TENANT not in columns else []


def shows_tenant(text: str) -> bool:
    """Whether each row of the query has its tenant in it."""
    found = _parsed(text)
    return isinstance(found, exp.Select) and any(
        isinstance(each, exp.Star) or (isinstance(each.unalias(), exp.Column) and each.unalias().name == TENANT) for each in found.expressions
    )


def _parsed(text: str) -> exp.Expression:
    # Lists are written without their brackets, and parameters may be called what is a word of SQL.
    spelled = re.sub(r":(?=[A-Za-z_])(\w+)", r":p_\1", re.sub(r"\bIN\s+:(\w+)", r"IN (:\1)", text))
    spelled = re.sub(r"\bWHERE\s+(?=ORDER BY|GROUP BY|LIMIT|$)", "", spelled)
    for piece in STANDS_FOR:
        try:
            found = sqlglot.parse_one(spelled.replace(UNKNOWN, piece), read="mysql")
        except ParseError:
            continue
        if isinstance(found, exp.Command):
            raise Unreadable(text)
        return found
    raise Unreadable(text)


def _insert(part: exp.Insert, schema: Schema) -> list[str]:
    into = part.this
    table = into.this if isinstance(into, exp.Schema) else into
    columns = [each.name for each in into.expressions] if isinstance(into, exp.Schema) else []
    return insert_faults(table.name, columns, schema)


def _part(part: exp.Expression, schema: Schema) -> list[str]:
    """The tables of one SELECT, UPDATE or DELETE itself, not of those inside it."""
    tables, conditions = _tables(part), list(_conditions(part))
    names = _common_tables(part)
    found = [
        f"the table {table.name!r} is one that only a call knows" for table in tables.values()
        if table.name not in schema and table.name not in names
    ]
    held = _held_around(part, schema)
    wanted = {alias for alias, table in tables.items() if TENANT in schema.get(table.name, ()) and table.name not in names}
    owner = next(iter(wanted)) if len(wanted) == 1 else ""
    while newly := {alias for alias in wanted - held if any(_holds(each, alias, owner, held) for each in conditions)}:
        held |= newly
    return [*found, *(f"{tables[alias].name} is read or written without its tenant" for alias in sorted(wanted - held))]


def _held_around(part: exp.Expression, schema: Schema) -> set[str]:
    """The tables of statements around this one, which stand for their own faults."""
    around = part.find_ancestor(exp.Select, exp.Update, exp.Delete)
    return set() if around is None else {*_tables(around), *_held_around(around, schema)}


def _common_tables(part: exp.Expression) -> set[str]:
    found: set[str] = set()
    node: exp.Expression | None = part
    while node is not None:
        common = node.args.get("with_") or node.args.get("with")
        if common is not None:
            found |= {each.alias for each in common.expressions}
        node = node.parent
    return found


def _tables(part: exp.Expression) -> dict[str, exp.Table]:
    if isinstance(part, exp.Select):
        first = part.args.get("from_") or part.args.get("from")
        sources = [first.this] if first is not None else []
    else:
        sources = [part.this]
    sources += [each.this for each in part.args.get("joins") or ()]
    return {each.alias_or_name: each for each in sources if isinstance(each, exp.Table)}


def _conditions(part: exp.Expression) -> Iterator[exp.Expression]:
    where = part.args.get("where")
    if where is not None:
        yield where.this
    for each in part.args.get("joins") or ():
        if each.args.get("on") is not None:
            yield each.args["on"]


def _holds(condition: exp.Expression, alias: str, owner: str, held: set[str]) -> bool:
    """Whether the condition is true only for rows of the table that are of the tenant; `owner` is whose a bare `tenant_id` is."""
    match condition:
        case exp.Paren():
            return _holds(condition.this, alias, owner, held)
        case exp.And():
            return _holds(condition.left, alias, owner, held) or _holds(condition.right, alias, owner, held)
        case exp.Or():
            return _holds(condition.left, alias, owner, held) and _holds(condition.right, alias, owner, held)
        case exp.EQ():
            sides = (condition.left, condition.right)
            return any(_is_tenant(one, alias, owner) and _is_known(other, held) for one, other in (sides, sides[::-1]))
        case exp.Is() if isinstance(condition.expression, exp.Null):  # rows of no tenant
            return _is_tenant(condition.this, alias, owner)
        case exp.In() if isinstance(condition.this, exp.Tuple):  # row values
            return any(_is_tenant(each, alias, owner) for each in condition.this.expressions) and all(
                isinstance(each, exp.Placeholder) for each in condition.expressions
            )
    return False


def _is_tenant(node: exp.Expression, alias: str, owner: str) -> bool:
    return isinstance(node, exp.Column) and node.name == TENANT and (node.table or owner) == alias


def _is_known(node: exp.Expression, held: set[str]) -> bool:
    """A parameter, or the tenant of a table that is held to one."""
    return isinstance(node, exp.Placeholder) or (isinstance(node, exp.Column) and node.name == TENANT and node.table in held)
