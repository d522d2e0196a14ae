"""The table of roles: which services run in each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaisend.faults import Invalid


@dataclass(frozen=True, slots=True)
class Role:
    """A row: the command that starts it, what it runs, in a sentence."""

    command: str
    sentence: str


ROLES: Mapping[str, Role] = {
    "api": Role("serve", "the HTTP surface: /v3, /api/admin, /health, /ready"),
    "worker": Role("worker", "renders and composes mails, looks after the schedule"),
    "smtp": Role("smtp", "delivers to MXs, receives mail that comes back, takes mail that is handed in by SMTP"),
}
ALL = tuple(ROLES)
_SPELLINGS = {**{name: name for name in ROLES}, **{role.command: name for name, role in ROLES.items()}}


def read_roles(words: Sequence[str]) -> tuple[str, ...]:
    """The roles that the words name, in the table's order; `all` is every one.

    Raises: Invalid for a word that is none.
    """
    named = [part for word in words for part in word.split(",") if part]
    unknown = [part for part in named if part != "all" and part not in _SPELLINGS]
    if unknown:
        raise Invalid(f"unknown role {unknown[0]!r}: roles are {', '.join(ROLES)} and all", "roles")
    if not named or "all" in named:
        return ALL
    wanted = {_SPELLINGS[part] for part in named}
    return tuple(name for name in ROLES if name in wanted)
