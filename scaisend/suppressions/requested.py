"""What callers of the suppression endpoints ask for: addresses, prefixes, moments."""

from collections.abc import Sequence

from scaisend.address import fold, is_valid
from scaisend.faults import Fault, Invalid
from scaisend.shape import Reader, finish
from scaisend.suppressions.store import Wanted

MOST_EMAILS = 1_000
MOST_LIKE = 320
MOST_WILDCARDS = 3
NOT_VALID = "Does not contain a valid address."


def read_emails(body: object, field: str) -> list[str]:
    """The addresses under `field` of a JSON object, as they were given. Raises: Invalid when they are none, or not valid."""
    faults: list[Fault] = []
    emails = Reader(body, faults).texts(field, required=True, most=320, most_items=MOST_EMAILS)
    faults += [Fault(NOT_VALID, f"{field}.{place}") for place, each in enumerate(emails or ()) if not faults and not is_valid(each)]
    finish(faults)
    if not emails:
        raise Invalid(f"The {field} must name at least one address.", field)
    return emails


def read_deletion(body: object) -> list[str] | None:
    """The folded addresses to take off a list, or None for all of them: `{"emails": […]}` or `{"delete_all": true}`.

    Raises: Invalid for neither or both.
    """
    faults: list[Fault] = []
    reader = Reader(body, faults)
    delete_all = reader.flag("delete_all", default=False)
    emails = reader.texts("emails", most=320, most_items=MOST_EMAILS)
    finish(faults)
    if delete_all and emails:
        raise Invalid("Give either delete_all or emails.", "delete_all")
    if not delete_all and not emails:
        raise Invalid("Give delete_all or emails.", "emails", 'Send {"emails": ["…"]}, or {"delete_all": true} to empty the list.')
    return None if delete_all else [fold(each) for each in emails or ()]


def read_additions(body: object) -> list[tuple[str, str | None, str | None, str | None]]:
    """The (address, reason, status, ip) to be listed, addresses as they were given.

    `[{email, reason?, status?, ip?}, …]`, one such object, or `{"emails": […]}`, where a reason, status and ip are everybody's.
    Raises: Invalid with every fault.
    """
    faults: list[Fault] = []
    found: list[tuple[str, str | None, str | None, str | None]] = []
    if isinstance(body, dict) and "emails" in body:
        emails = Reader(body, faults).texts("emails", required=True, most=320, most_items=MOST_EMAILS) or []
        faults += [Fault(NOT_VALID, f"emails.{place}") for place, each in enumerate(emails) if not is_valid(each)]
        extras = _extras(Reader(body, faults))
        found = [(each, *extras) for each in emails]
    else:
        items: Sequence[object] = body if isinstance(body, list) else [body]
        if len(items) > MOST_EMAILS:
            raise Invalid(f"At most {MOST_EMAILS} addresses are added at once.", None, "Send several requests, or import a CSV file.")
        for place, item in enumerate(items):
            reader = Reader(item, faults, f"{place}" if isinstance(body, list) else "")
            email = reader.text("email", required=True, least=1, most=320)
            if email is not None and not is_valid(email):
                reader.fault(NOT_VALID, "email")
            found.append((email or "", *_extras(reader)))
    finish(faults)
    if not found:
        raise Invalid("Give at least one address.", "emails")
    return found


def read_like(text: str | None) -> str | None:
    """A prefix of addresses, in which `%` stands for any text. Raises: Invalid when it is too long, or has too many of these."""
    if not text:
        return None
    if len(text) > MOST_LIKE or text.count("%") > MOST_WILDCARDS or "\0" in text or not text.isprintable():
        raise Invalid(f"The email must be the beginning of an address, with at most {MOST_WILDCARDS} wildcards.", "email")
    return text.lower()


def read_wanted(start: str | None, end: str | None, like: str | None) -> Wanted:
    """What a list is asked for by its query: `start_time` and `end_time` in unix seconds, both within. Raises: Invalid."""
    faults: list[Fault] = []
    start_at, end_at = _second("start_time", start, faults), _second("end_time", end, faults)
    finish(faults)
    return Wanted(start_at, None if end_at is None else end_at + 1, read_like(like))


def read_group_id(text: str) -> int | None:
    """The number of a group in a path; None for what can be none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**31 else None


def read_group(body: object, *, is_new: bool) -> tuple[str | None, str | None, bool | None]:
    """Name, description and is_default of a group; None for what was not given. Raises: Invalid with every fault."""
    faults: list[Fault] = []
    reader = Reader(body, faults)
    name = reader.text("name", required=is_new, least=1, most=30)
    description = reader.text("description", most=100)
    is_default = reader.flag("is_default")
    if name is not None and not name.strip():
        reader.fault("The name must not be empty.", "name")
    finish(faults)
    return name, description, is_default


def _extras(reader: Reader) -> tuple[str | None, str | None, str | None]:
    return reader.text("reason", most=512), reader.text("status", most=16), reader.text("ip", most=64)


def _second(name: str, text: str | None, faults: list[Fault]) -> float | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 11:
        return float(text)
    faults.append(Fault(f"The {name} must be unix seconds.", name))
    return None
