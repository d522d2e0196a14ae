"""What the identity provider says of a partner, tenant, user or group, as this service reads it.

Lists of the provider (`sync_worker`) and its events (`provider_events`) show things alike: an object with `id`, `status`,
`updated_at` and the fields of its kind. Fields that are not known here are passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scaisend.faults import Fault
from scaisend.identity.jwt import LONGEST
from scaisend.identity.reach import PARTNER_ADMIN, SUPER_ADMIN, TENANT_ADMIN
from scaisend.shape import Reader

PARTNERS, TENANTS, USERS, GROUPS = "partners", "tenants", "users", "groups"
NOUNS = (PARTNERS, TENANTS, USERS, GROUPS)  # what is referred to comes before what refers
ACTIVE, SUSPENDED, DEACTIVATED = "active", "suspended", "deactivated"
MOST_MEMBERS = 100_000
LATEST_S = 100_000_000_000.0
# Which of our columns names which of the provider's things, by noun.
REFERENCES: Mapping[str, Mapping[str, str]] = {
    PARTNERS: {}, TENANTS: {"partner_id": PARTNERS}, USERS: {"tenant_id": TENANTS, "partner_id": PARTNERS},
    GROUPS: {"tenant_id": TENANTS, "parent_id": GROUPS},
}
# What a thing cannot be without.
NEEDED: Mapping[str, str | None] = {PARTNERS: None, TENANTS: "partner_id", USERS: None, GROUPS: "tenant_id"}


@dataclass(frozen=True, slots=True)
class Told:
    """One thing as it was at the provider at the moment `at` (epoch seconds). Ids are the provider's.

    `columns` holds what was said of it by our column names; `references` the things it belongs to, None for no longer any;
    `members` the users of a group where they were listed.
    """

    noun: str
    external_id: str
    at: float
    columns: Mapping[str, str | None] = field(default_factory=dict)
    references: Mapping[str, str | None] = field(default_factory=dict)
    members: tuple[str, ...] | None = None


def read_told(noun: str, given: object, faults: list[Fault], *, path: str = "", at: float, an_id: str | None = None) -> Told | None:
    """The thing, changed `at` unless it says so itself, with the id `an_id` unless it says one. None after a fault."""
    before = len(faults)
    reader = Reader(given, faults, path)
    external_id = read_id(reader, "id") or (read_id(reader, "sub") if noun == USERS else None) or an_id
    if external_id is None and len(faults) == before:
        reader.fault("The id parameter is required.", "id")
    moment = read_at(reader, "updated_at")
    references = {column: read_id(reader, column) for column in REFERENCES[noun] if reader.has(column)}
    needed = NEEDED[noun]
    if needed is not None and reader.has(needed) and reader.value(needed) is None:
        reader.fault(f"The {needed} must not be null.", needed)
    columns = _columns(noun, reader)
    members = _members(reader) if noun == GROUPS else None
    if len(faults) > before or external_id is None:
        return None
    return Told(noun, external_id, at if moment is None else moment, columns, references, members)


def status_of(word: str) -> str:
    """Our status of the provider's: ACTIVE and SUSPENDED are themselves, all others may do nothing."""
    known = {"ACTIVE": ACTIVE, "SUSPENDED": SUSPENDED}
    return known.get(word.upper(), DEACTIVATED)


def read_id(reader: Reader, name: str) -> str | None:
    """An id of the provider's: at most 128 printable ASCII characters."""
    value = reader.text(name, least=1, most=LONGEST)
    if value is None or (value.isascii() and value.isprintable()):
        return value
    reader.fault(f"The {name} must be printable ASCII.", name)
    return None


def read_at(reader: Reader, name: str) -> float | None:
    """A moment as ISO 8601 (UTC where it names no zone) or unix seconds."""
    value = reader.value(name)
    if value is None:
        return None
    at = moment_of(value)
    if at is None:
        reader.fault(f"The {name} must be ISO 8601 or unix seconds.", name)
    return at


def moment_of(value: object) -> float | None:
    """Epoch seconds; None when it is no moment."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
            value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LATEST_S:
        return None
    return float(value)


def _columns(noun: str, reader: Reader) -> dict[str, str | None]:
    said: dict[str, str | None] = {}
    name, status = reader.text("name"), reader.text("status", least=1, most=32)
    if name:
        said["name"] = name
    if status:
        said["status"] = status_of(status)
    if noun == TENANTS and reader.has("slug"):
        slug = reader.text("slug", most=64)
        said["slug"] = slug if slug and slug.isascii() and slug.isprintable() else None
    if noun == USERS:
        email = reader.text("email")
        if email:
            said["email"] = email
        if reader.has("role"):
            role = reader.text("role")
            said["role"] = role if role in (SUPER_ADMIN, PARTNER_ADMIN, TENANT_ADMIN) else None
    return said


def _members(reader: Reader) -> tuple[str, ...] | None:
    """The members where they are listed: ids, or objects with one."""
    listed = reader.items("members", most_items=MOST_MEMBERS)
    if listed is None:
        return None
    found = [each if isinstance(each, str) else _member_id(each) for each in listed]
    good = [each for each in found if each and each.isascii() and each.isprintable() and len(each) <= LONGEST]
    if len(good) < len(found):
        reader.fault("Each member must be an id, or an object with one.", "members")
    return tuple(dict.fromkeys(good))


def _member_id(given: object) -> str | None:
    found: Sequence[object] = [given.get(name) for name in ("user_id", "id", "sub")] if isinstance(given, dict) else ()
    return next((each for each in found if isinstance(each, str)), None)
