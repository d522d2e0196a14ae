"""Reads JSON objects of a known shape and gathers what is wrong with them, in SendGrid's words.

    faults: list[Fault] = []
    reader = Reader(call.json(), faults)
    name = reader.text("name", required=True, most=100)
    reader.refuse_unknown({"name"})
    finish(faults)
"""

from collections.abc import Collection, Sequence

from scaisend.faults import Fault, Invalid

MOST_FAULTS = 100

Json = object


class Reader:
    """One JSON object. Each method answers a value of the asked type; what was wrong is in `faults`, under its path.

    A null counts as absent. An absent value answers the default, and is a fault where it is `required`. A wrong value answers
    the default too, so that reading can go on.
    """

    def __init__(self, value: object, faults: list[Fault], path: str = "") -> None:
        self._faults = faults
        self._path = path
        self._fields: dict[str, object] = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            faults.append(Fault(wrong_type("object", value), path or None))

    def has(self, name: str) -> bool:
        """Whether the field is there, be it null."""
        return name in self._fields

    def value(self, name: str) -> Json | None:
        """The field as it is."""
        return self._fields.get(name)

    def text(self, name: str, *, required: bool = False, least: int = 0, most: int = 255, default: str | None = None) -> str | None:
        """A string of `least` to `most` characters, without NUL or lone surrogates."""
        value = self._present(name, required)
        if value is None:
            return default
        fault = text_fault(name, value, least, most)
        if fault is None:
            return str(value)
        self.fault(fault, name)
        return default

    def integer(
        self, name: str, *, required: bool = False, least: int | None = None, most: int | None = None, default: int | None = None,
    ) -> int | None:
        """A whole number from `least` to `most`."""
        value = self._present(name, required)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            self.fault(wrong_type("integer", value), name)
        elif least is not None and value < least:
            self.fault(f"The {name} must be at least {least}.", name)
        elif most is not None and value > most:
            self.fault(f"The {name} must be at most {most}.", name)
        else:
            return value
        return default

    def flag(self, name: str, *, required: bool = False, default: bool | None = None) -> bool | None:
        """True or false."""
        value = self._present(name, required)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self.fault(wrong_type("boolean", value), name)
        return default

    def texts(
        self, name: str, *, required: bool = False, least: int = 0, most: int = 255, most_items: int = 1000,
        default: Sequence[str] | None = None,
    ) -> list[str] | None:
        """A list of at most `most_items` strings, each of `least` to `most` characters; wrong ones are left out."""
        values = self.items(name, required=required, most_items=most_items)
        if values is None:
            return None if default is None else list(default)
        good: list[str] = []
        for index, value in enumerate(values):
            fault = text_fault(name, value, least, most)
            if fault is None:
                good.append(str(value))
            else:
                self.fault(fault, f"{name}.{index}")
        return good

    def items(self, name: str, *, required: bool = False, most_items: int = 1000) -> list[Json] | None:
        """A list of at most `most_items` values of any type."""
        value = self._present(name, required)
        if value is None:
            return None
        if not isinstance(value, list):
            self.fault(wrong_type("array", value), name)
        elif len(value) > most_items:
            self.fault(f"The {name} may have at most {most_items} entries.", name)
        else:
            return value
        return None

    def object(self, name: str, *, required: bool = False) -> "Reader | None":
        """A reader of the object in the field."""
        value = self._present(name, required)
        if value is None:
            return None
        if isinstance(value, dict):
            return Reader(value, self._faults, self._at(name))
        self.fault(wrong_type("object", value), name)
        return None

    def refuse_unknown(self, allowed: Collection[str]) -> None:
        """Fields that are not `allowed` are faults."""
        for name in self._fields:
            if name not in allowed:
                self.fault("This field is not known.", name, f"Known fields: {', '.join(sorted(allowed))}.")

    def fault(self, message: str, name: str, help: str | None = None) -> None:
        """The field is wrong."""
        self._faults.append(Fault(message, self._at(name), help))

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _present(self, name: str, required: bool) -> Json | None:
        value = self._fields.get(name)
        if value is None and required:
            self.fault(f"The {name} parameter is required.", name)
        return value


def text_fault(name: str, value: object, least: int, most: int) -> str | None:
    """What is wrong with a text, or None."""
    if not isinstance(value, str):
        return wrong_type("string", value)
    if len(value) < least:
        return f"The {name} must not be empty." if least == 1 else f"The {name} must have at least {least} characters."
    if len(value) > most:
        return f"The {name} must have at most {most} characters."
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        return f"The {name} contains characters that are not allowed."
    return None


def wrong_type(expected: str, value: object) -> str:
    """SendGrid's sentence for a value of the wrong type."""
    return f"Invalid type. Expected: {expected}, given: {type_name(value)}."


def type_name(value: object) -> str:
    """JSON's name of the value's type, as SendGrid says it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def finish(faults: Sequence[Fault]) -> None:
    """There is no fault.

    Raises: Invalid with all of them (the first MOST_FAULTS) when there are any.
    """
    if faults:
        raise Invalid(faults[:MOST_FAULTS])
