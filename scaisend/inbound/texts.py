"""Bounces in words alone: which mail system says so (bounce_texts.toml), whom it names, and what it says of each.

    sender or subject of a mail system  +  an opening  →  the section before the copy of the original
    the section  →  addresses, in the forms that systems use  →  the words after each  →  status and verdict
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice

from scaisend.inbound.dsn import judged, read_groups
from scaisend.inbound.mime import Mail, read_fields, words
from scaisend.inbound.reading import DELAYED, FAILED, Reported

MOST_RECIPIENTS = 100
LONGEST_SECTION = 16_000
LONGEST_WORDS = 1_500

_A = r"([^\s<>\"(),;:\[\]='`|]{1,200}@[^\s<>\"(),;:\[\]='`|@]{1,255})"
# The forms in which a line names a recipient.
_FORMS = (
    re.compile(rf"^[\s>*•·-]{{0,20}}<{_A}>\s*(?:[:;.(]|$|\.\.\.|\s-)"),
    re.compile(rf"^[\s>*•·-]{{0,20}}[\"']?{_A}[\"']?\s*(?:$|:|\.\.\.|[(\[<;]|\s-\s|\son\s\w{{3}},|\s(?:invalid|unknown|failed)\b)", re.IGNORECASE),
    re.compile(rf"^.{{0,40}}\b(?:recipient|address|empfänger|destinataire|destinatario|an|to|failed|user|адрес|受信者|收件人)\)?\s?[:：]\s{{0,8}}(?:\[?smtp:)?<?{_A}", re.IGNORECASE),
    re.compile(rf"^\d{{3}}[ -](?:\d\.\d+\.\d+ )?<{_A}>\s?\.\.\."),
    re.compile(rf"\bdda:(?:smtp|rfc-822)={_A}", re.IGNORECASE),
    re.compile(rf"\b(?:to|delivered to|recipient|address|deliver)[: ]{{1,3}}'?<{_A}>", re.IGNORECASE),
    re.compile(rf"\b(?:permanent|temporary) errors?: {_A}\. ", re.IGNORECASE),
    re.compile(rf"^>>> rcpt to:\s?<{_A}>", re.IGNORECASE),
)
_ANY_ADDRESS = re.compile(rf"(?<![/=:\w.]){_A}")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_ERROR_CODE = re.compile(r"ERROR_CODE :([245]\.\d{1,3}\.\d{1,3})")
_NOT_RECIPIENTS = re.compile(r"^(?:postmaster|mailer-daemon|abuse|support|helpdesk|noreply|no-reply|info|admin)@", re.IGNORECASE).match
_HEADER_ONLY = re.compile(r"^(?:message-id|mime-version|content-type|received)\s?:", re.IGNORECASE | re.MULTILINE).search
_HEADER_LINE = re.compile(r"^(?:message-id|subject|to|from|date|mime-version)\s?:", re.IGNORECASE).match


@dataclass(frozen=True, slots=True)
class Wording:
    """One row of the table."""

    rule: str
    opening: re.Pattern[str]
    is_delay: bool
    address: re.Pattern[str] | None
    signs: int


@dataclass(frozen=True, slots=True)
class Wordings:
    """The table, compiled."""

    rows: tuple[Wording, ...]
    sender: re.Pattern[str]
    perhaps: re.Pattern[str]
    subject: re.Pattern[str]
    original: re.Pattern[str]
    delay: re.Pattern[str]
    final: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class TextBounce:
    """A bounce in words: the rule, the recipients, and the text of the original mail that comes with it, if any."""

    rule: str
    recipients: tuple[Reported, ...]
    original: str


@cache
def wordings() -> Wordings:
    """The table of bounce_texts.toml."""
    table = tomllib.loads(files("scaisend.inbound").joinpath("bounce_texts.toml").read_text("utf-8"))
    rows = tuple(
        Wording(
            row["rule"], _compiled(row["opening"]), row.get("kind") == "delay", _compiled(row["address"]) if "address" in row else None,
            row.get("signs", 2),
        )
        for row in table["texts"]
    )
    senders, said = table["senders"], table["words"]
    return Wordings(
        rows=rows, sender=_compiled(senders["from"]), perhaps=_compiled(senders["perhaps"]), subject=_compiled(senders["subject"]),
        original=_compiled(table["originals"]["line"]), delay=_compiled(said["delay"]), final=_compiled(said["final"]),
    )


def signs_of_mail_system(mail: Mail) -> int:
    """How much says that a mail system wrote it: its names, the null reverse path, its subject, X-Failed-Recipients; 0 for people's mail."""
    table, top = wordings(), mail.top
    senders = " ".join((top.field("from"), top.field("sender"), top.raw_field("return-path")))[:1000]
    signs = 2 if table.sender.search(senders) else 1 if table.perhaps.search(senders) else 0
    signs += "<>" in top.raw_field("return-path")
    signs += table.subject.search(top.field("subject").strip()[:300]) is not None
    return signs + 2 * bool(top.raw_field("x-failed-recipients"))


def is_named_mail_system(mail: Mail) -> bool:
    """Its From says so: the null reverse path is that of vacation notices as well."""
    sender = mail.top.field("from")[:500]
    return wordings().sender.search(sender) is not None or wordings().perhaps.search(sender) is not None


def read_text_bounce(mail: Mail) -> TextBounce | None:
    """The bounce that the mail's words are, or None."""
    table = wordings()
    signs = signs_of_mail_system(mail)
    text = _joined(mail)
    section, original = split_original(text)
    found = next(
        ((row, opening) for row in table.rows if signs >= row.signs and (opening := row.opening.search(section)) is not None), None
    )
    if found is None:
        return _by_header(mail, section, original)
    row, opening = found
    is_delay = row.is_delay or (table.delay.search(section) is not None and table.final.search(section) is None)
    action = DELAYED if is_delay else FAILED
    groups = read_groups(text[: 2 * LONGEST_SECTION])
    if groups:
        return TextBounce("text.fields", tuple(_distinct(groups)), original)
    named = _named(mail, row, section, opening.start(), original)
    if not named:
        return None
    reported = tuple(_reported(address, said, action) for address, said in named)
    return TextBounce(row.rule, reported, original)


def _by_header(mail: Mail, section: str, original: str) -> TextBounce | None:
    """Exim, and Google after it, name the failed recipients in a header, in whatever language the text is."""
    listed = dict.fromkeys(_ANY_ADDRESS.findall(mail.top.field("x-failed-recipients"))[:MOST_RECIPIENTS])
    if not listed:
        return None
    action = DELAYED if wordings().delay.search(section) is not None else FAILED
    return TextBounce("text.failed-recipients", tuple(_reported(each, section, action) for each in listed), original)


def split_original(text: str) -> tuple[str, str]:
    """What the system says, and the copy of the original that follows it."""
    line = wordings().original
    at = 0
    lines = text[:LONGEST_SECTION].split("\n")
    for number, each in enumerate(lines):
        if number and (line.match(each[:200]) is not None or (_HEADER_LINE(each) and _is_header("\n".join(lines[number : number + 8])))):
            return text[:at], text[at:]
        at += len(each) + 1
    return text[:LONGEST_SECTION], ""


def _is_header(text: str) -> bool:
    """It looks like the header of a mail, and not like a table of To, Subject and Sent."""
    return sum(1 for line in text.split("\n") if _HEADER_LINE(line)) > 2 and _HEADER_ONLY(text) is not None


def _joined(mail: Mail) -> str:
    """The text parts, one after the other; HTML only when there is no plain text."""
    plain = [part.text() for part in mail.parts if part.media_type == "text/plain" or part.media_type.startswith("multipart/")]
    if not any(text.strip() for text in plain):
        plain = [part.text() for part in mail.parts if part.media_type == "text/html"]
    return "\n".join(plain)[: 4 * LONGEST_SECTION]


def _named(mail: Mail, row: Wording, section: str, start: int, original: str) -> list[tuple[str, str]]:
    """The recipients with what is said of each: by the row's own form, the usual forms, the header, or as the only address there is."""
    own = _own_addresses(mail)
    if row.address is not None:
        found = [(each[1].rstrip(".,;:>"), each.end()) for each in row.address.finditer(section)]
        if found:
            return _with_words(found, section)
    listed = _ANY_ADDRESS.findall(mail.top.field("x-failed-recipients"))[:MOST_RECIPIENTS]
    found = list(_in_lines(section, start)) or list(_in_lines(section, 0))
    found = [each for each in found if each[0].lower() not in own or each[0].lower() in map(str.lower, listed)] or found
    if listed and (not found or {each.lower() for each in listed} & {address.lower() for address, _ in found}):
        return [(address, _said_of(address, found, section)) for address in listed]
    if found:
        return _with_words(found, section)
    loose = {each.rstrip(".").lower(): each.rstrip(".") for each in _ANY_ADDRESS.findall(section)}
    loose = {key: each for key, each in loose.items() if key not in own and not _NOT_RECIPIENTS(key) and "." in key.rpartition("@")[2]}
    if len(loose) == 1:
        return [(each, section) for each in loose.values()]
    return [(each, section) for each in _original_recipients(mail, original)]


def _in_lines(section: str, start: int) -> Iterator[tuple[str, int]]:
    """Addresses in the usual forms from `start` on, each with the place where the words about it begin."""
    at = section.rfind("\n", 0, start) + 1
    for line in section[at:].split("\n"):
        for form in _FORMS:
            found = form.search(line[:600])
            if found is not None and "." in found[1].rpartition("@")[2] + ".":
                yield found[1].rstrip("."), at + found.end()
                break
        at += len(line) + 1


def _with_words(found: Sequence[tuple[str, int]], section: str) -> list[tuple[str, str]]:
    """Each address once, with the words from its first place to the next address's."""
    firsts: dict[str, tuple[str, int, int]] = {}
    for place, (address, at) in enumerate(found):
        key = address.lower()
        if key not in firsts:
            end = next((other_at for other, other_at in islice(found, place + 1, None) if other.lower() != key), len(section))
            firsts[key] = (address, at, end)
            if len(firsts) == MOST_RECIPIENTS:
                break
    return [(address, section[at : max(at, end)] if len(firsts) > 1 else section[at:]) for address, at, end in firsts.values()]


def _said_of(address: str, found: Sequence[tuple[str, int]], section: str) -> str:
    said = next((said for each, said in _with_words(found, section) if each.lower() == address.lower()), "")
    return said.strip() or section


def _reported(address: str, said: str, action: str) -> Reported:
    said = " ".join(said.split())[:LONGEST_WORDS]
    statuses = _ERROR_CODE.findall(said) or _STATUS.findall(said)
    status = next((each for each in statuses if each[0] == ("5" if action == FAILED else "4")), statuses[0] if statuses else None)
    if status is not None and status[0] == "2":
        status = None
    return judged(address, action, status, said or None)


def _original_recipients(mail: Mail, original: str) -> list[str]:
    """Whom the original mail was for, when its copy names one address in To or in a Received line."""
    texts = [original] if original else [
        part.text() for part in mail.of_type("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
    ]
    for text in texts[:2]:
        fields = [each for group in read_fields(text.lstrip("\n- =")[:LONGEST_SECTION])[:3] for each in group]
        for wanted in ("to", "x-original-to", "delivered-to"):
            named = [address for name, value in fields if name == wanted for address in _ANY_ADDRESS.findall(words(value))]
            if len({each.lower() for each in named}) == 1:
                return [named[0].rstrip(".")]
        received = re.search(rf"\bfor <{_A}>", text[:LONGEST_SECTION])
        if received is not None:
            return [received[1]]
    return []


def _own_addresses(mail: Mail) -> set[str]:
    """Addresses of the report itself: who wrote it and whom it was sent to."""
    names = ("from", "to", "cc", "reply-to", "return-path", "sender", "delivered-to", "x-original-to", "envelope-to")
    return {each.lower() for name in names for each in _ANY_ADDRESS.findall(mail.top.field(name))}


def _distinct(reported: Sequence[Reported]) -> Iterator[Reported]:
    seen: Mapping[str, Reported] = {each.recipient.lower(): each for each in reversed(reported)}
    return (each for each in reported if seen[each.recipient.lower()] is each)


def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression.replace(" ", r"\s+"), re.IGNORECASE | re.MULTILINE)
