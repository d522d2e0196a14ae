"""The table of the walk, as a page."""

from collections.abc import Iterable
from pathlib import Path

from scaisend.app.openapi import path_template
from tests.isolation.crossing import CROSSING, REACHING
from tests.isolation.rows import GROUPED
from tests.isolation.walking import Outcome, Walk, all_rows, public_table
from tests.isolation.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "isolation.md"
BEGIN = """# Tenants beside each other

What keeps the tenants of one installation apart, and the tables that prove it. This page is written by `python -m tests.isolation`; tests hold it to what the
server answers and to what the statements say.

## The model

- A partner has tenants, a tenant has people, keys, domains, templates, lists, webhooks and mail. Every row of these carries its `tenant_id`.
- **A request has one tenant**, found from its credential before anything else happens: the key's, or the person's. A partner admin or super admin names the tenant
  that it acts for with `on-behalf-of`; a key never acts for another tenant than its own. A suspended tenant or partner is answered 403, a revoked, expired or
  unknown key 401, from the next request on and in every process.
- **Every statement made for a caller carries its tenant**, so an id of another tenant finds nothing: the answer is the one that an id gets which never was, in
  status, body and time. There is no 403 that would tell that the thing exists.
- **What crosses tenants does so by name**: statements of workers and of authentication, which serve all tenants at once, stand in functions whose names end in
  `_across_tenants`. The list below is closed.
- **A permission is asked for at the door**, from the route's line in the table of routes ([api.md](api.md)); a handler is never reached without it.
- **Ids tell nothing and cannot be guessed.** They hold a moment, a hash of their own tenant, and 60 bits from the operating system's generator; integer ids
  (unsubscribe groups, domains, senders) begin with the second they were made and count for one tenant alone, those of branded links are spread over one space, and
  a page of the audit log begins at a sealed place. Links in mails and return paths carry an HMAC.
- A test key is its tenant's key like any other, but for mail: that is checked and never delivered.
- Shared by all tenants, and so shown to a tenant only where it is the only one: destinations (the state of other people's mail servers). Shared and shown: the
  installation's source addresses and its queues' own part of the tenant.

## Every route, every credential

Each route is asked about a thing that really exists and is tenant A's. *own*: A's key with the permission, and A's test key. *without*: A's key for everything but
the permission. *same partner*, *other partner*: another tenant's key; `as unknown` says that the answer was compared with that about an id which does not exist,
and was the same; where a path names two things, the other tenant's own first one with A's second was tried too. *its admin*: the other partner's admin, by a token
of the identity provider. *on behalf*: the other tenant's key, and that admin, who ask to act for A; the admin of A's own partner and a super admin who act for A are answered as A is. *suspended*: keys of a suspended tenant, and of a tenant of a suspended partner. *no key*: a revoked, an expired, an unknown key, and none. A's rows in
all tables were the same before and after everything that others tried.
"""


def walk_all(world: World) -> list[Outcome]:
    """Each row's outcome."""
    walk = Walk(world, public_table())
    return [walk.outcome(row) for row in all_rows()]


def page(outcomes: Iterable[Outcome]) -> str:
    """The page."""
    found = {id(each.row): each for each in outcomes}
    lines = [BEGIN]
    for title, rows in GROUPED.items():
        if title == "Not offered":
            lines += [f"### {title}", "", f"{len(rows)} routes answer every tenant alike, with the reason or an empty list, and 401 and 403 as the others do.", ""]
            continue
        lines += [
            f"### {title}", "", "| route | named by | own | without | same partner | other partner | its admin | on behalf | suspended | no key |",
            "|---|---|---|---|---|---|---|---|---|---|", *[_line(found[id(row)]) for row in rows], "",
        ]
    return "\n".join([*lines, *_crossing()])


def _line(outcome: Outcome) -> str:
    row, cells = outcome.row, outcome.cells
    named = row.note or ("path" if "<" in row.path else "–")
    shown = [
        f"{row.method} `{path_template(outcome.route.path)}`", named, _all(cells, "own", "test"), cells["without scope"], cells["sibling"], cells["stranger"],
        cells["their admin"], _all(cells, "sibling on behalf", "their admin on behalf"), _all(cells, "suspended", "suspended partner"), _all(cells, "revoked", "expired", "unknown", "none"),
    ]
    return f"| {' | '.join(shown)} |"


def _all(cells: dict[str, str], *names: str) -> str:
    return ", ".join(dict.fromkeys(cells[name] for name in names))


def _crossing() -> list[str]:
    return [
        "## Statements across tenants", "",
        "Every SQL statement of the stores is parsed. Outside of these functions each one that touches a table with a `tenant_id` compares it with a parameter, or takes",
        "row values `(tenant_id, key)`. What a function hands on carries its tenant; where it does not, the reason stands here.", "",
        "| function | its rows |", "|---|---|",
        *[f"| `{name}` | {why or 'say whose they are, or are no more than a yes or a number'} |" for name, why in sorted(CROSSING.items())], "",
        "These keep to the tenant that they are given, and to none where a caller's reach is more than one tenant:", "",
        *[f"- `{name}`: {why}" for name, why in sorted(REACHING.items())], "",
    ]
