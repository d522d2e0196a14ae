"""Bodies of the template API → what is to be made or changed."""

from dataclasses import dataclass, replace

from scaisend.content.plain_text import plain_text
from scaisend.content.template_parts import Parts, faults_of
from scaisend.content.templates_store import DYNAMIC, LEGACY, Version
from scaisend.faults import Fault, Invalid
from scaisend.http.call import Call
from scaisend.http.paging import whole
from scaisend.shape import Reader, finish, wrong_type

LARGEST_CONTENT = 1_048_576
LONGEST_NAME = 100
LONGEST_SUBJECT = 255
MOST_PAGE = 200
EDITORS = ("code", "design")
BODY_TAG, SUBJECT_TAG = "<%body%>", "<%subject%>"


@dataclass(frozen=True, slots=True)
class VersionChange:
    """The fields of a version that a request names; None is no change."""

    active: bool | None
    name: str | None
    subject: str | None
    html_content: str | None
    plain_content: str | None
    generate_plain_content: bool | None
    editor: str | None
    test_data: str | None

    def applied(self, version: Version, now: float) -> Version:
        """The version with the change; its text is made anew when its HTML was and it is to be."""
        changed = replace(
            version,
            name=_or(self.name, version.name), subject=_or(self.subject, version.subject), html_content=_or(self.html_content, version.html_content or ""),
            plain_content=_or(self.plain_content, version.plain_content or ""), editor=_or(self.editor, version.editor),
            test_data=version.test_data if self.test_data is None else self.test_data, active=version.active if self.active is None else self.active,
            generate_plain_content=version.generate_plain_content if self.generate_plain_content is None else self.generate_plain_content, updated_at=now,
        )
        if changed.generate_plain_content and changed.html_content and (self.html_content is not None or self.generate_plain_content):
            return replace(changed, plain_content=plain_text(changed.html_content))
        return changed


def read_name(body: object, *, required: bool = True) -> str | None:
    """The name of a template. Raises: Invalid."""
    faults: list[Fault] = []
    name = Reader(body, faults).text("name", required=required, least=1, most=LONGEST_NAME)
    finish(faults)
    return name


def read_new_template(body: object) -> tuple[str, str]:
    """Name and generation, which is legacy unless told. Raises: Invalid."""
    faults: list[Fault] = []
    reader = Reader(body, faults)
    name = reader.text("name", required=True, least=1, most=LONGEST_NAME)
    generation = reader.text("generation", default=LEGACY)
    if generation not in (DYNAMIC, LEGACY):
        reader.fault("The generation must be legacy or dynamic.", "generation")
    finish(faults)
    return name or "", generation or LEGACY


def read_version(body: object, *, is_new: bool) -> VersionChange:
    """The fields that are given; a new version needs name and subject. Fields that an answer shows and that cannot be set are ignored.

    Raises: Invalid.
    """
    faults: list[Fault] = []
    reader = Reader(body, faults)
    contents = {name: reader.text(name, most=LARGEST_CONTENT) for name in ("html_content", "plain_content", "test_data")}
    for name, content in contents.items():
        if content and len(content.encode()) > LARGEST_CONTENT:
            reader.fault(f"The {name} must have at most {LARGEST_CONTENT} bytes.", name)
    editor = reader.text("editor")
    if editor is not None and editor not in EDITORS:
        reader.fault("The editor must be code or design.", "editor")
    change = VersionChange(
        active=_active(body, reader), name=reader.text("name", required=is_new, least=1, most=LONGEST_NAME),
        subject=reader.text("subject", required=is_new, most=LONGEST_SUBJECT), html_content=contents["html_content"],
        plain_content=contents["plain_content"], generate_plain_content=reader.flag("generate_plain_content"), editor=editor,
        test_data=contents["test_data"],
    )
    finish(faults)
    return change


def read_generations(call: Call) -> list[str]:
    """The generations that a list asks for. Raises: Invalid."""
    asked = [word.strip() for word in (call.one("generations") or LEGACY).split(",")]
    if any(word not in (DYNAMIC, LEGACY) for word in asked):
        raise Invalid("The generations must be legacy, dynamic, or legacy,dynamic.", "generations")
    return asked


def read_page_size(call: Call) -> int | None:
    """The size of a page, None when no page is asked for. Raises: Invalid."""
    return whole(call, "page_size", least=1, most=MOST_PAGE, default=MOST_PAGE) if call.one("page_size") is not None else None


def check_dynamic(version: Version) -> None:
    """The version of a dynamic template can be rendered. Raises: Invalid with line and column of each fault."""
    parts = Parts(version.subject, version.html_content or "", version.plain_content or "")
    finish(faults_of(parts, generates_plain=version.generate_plain_content))


def warnings_of(version: Version, generation: str) -> list[str]:
    """What is allowed and probably not meant."""
    if generation != LEGACY:
        return []
    found = []
    if BODY_TAG not in (version.html_content or "") and BODY_TAG not in (version.plain_content or ""):
        found.append(f"The content has no {BODY_TAG} tag: the content of messages will not be shown.")
    if SUBJECT_TAG not in version.subject:
        found.append(f"The subject has no {SUBJECT_TAG} tag: the subject of messages will not be shown.")
    return found


def _active(body: object, reader: Reader) -> bool | None:
    """0 and 1, as SendGrid writes it, or a boolean."""
    value = body.get("active") if isinstance(body, dict) else None
    if value is None:
        return None
    if value not in (0, 1):
        reader.fault(wrong_type("integer", value) if not isinstance(value, int) else "The active must be 0 or 1.", "active")
    return bool(value)


def _or(given: str | None, before: str) -> str:
    return before if given is None else given
