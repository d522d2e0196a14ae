"""What a reply means for an address: a table (replies.toml) over enhanced code, code and words (RFC 3463, 5321 4.2).

A 2xx is delivered, a 4xx put off, a 5xx ended: that much the code alone says. The table says whose fault an end was: the address
(hard), the mailbox or the moment (soft), or us and what we sent (block). Addresses are taken out of the text before it is looked at,
for they are chosen by anybody: a mailbox named `spam@` is not refused as spam.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

LONGEST_HINT_S = 4 * 3600.0
LONGEST_TEXT = 2000

_HINT = re.compile(
    r"(?:again|back|retry|wait|delayed|for)\D{0,30}?(?:(\d{1,2}):(\d\d):(\d\d)|(\d{1,5})\s*(s\b|sec|min|m\b|hour|h\b))", re.IGNORECASE,
).search
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0}
_ADDRESS = re.compile(r"<?[^\s<>@:;,()\[\]\"']{1,64}@[^\s<>@:;,()\[\]\"']{1,255}>?").sub
_STATUS = re.compile(r"(?<![\d.])#?([245])\.(\d{1,3}\.\d{1,3})(?![\d.]*\.\d|\d)").finditer
_CONTINUED = re.compile(r"(?<!\S)[245]\d\d-(?:[245]\.\d{1,3}\.\d{1,3})? ?").sub


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind`: delivered, deferred, hard, soft or block; `rule`: the row that said so; `retry_hint_s`: the wait a host asked for.

    `slows_destination`: it is not this mail that the host does not want, but so much of it now.
    """

    kind: str
    rule: str
    retry_hint_s: float | None = None
    slows_destination: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of replies.toml."""

    rule: str
    kind: str
    for_now: bool
    for_good: bool
    slows_destination: bool
    enhanced: tuple[str, ...]
    codes: frozenset[int]
    text: re.Pattern[str] | None
    unless: re.Pattern[str] | None

    def matches(self, code: int | None, detail: str, text: str) -> bool:
        """`detail`: the enhanced code without its class, empty when there is none; `text` in lower case, without addresses; without a code it is as if 550."""
        if self.codes and (code or 550) not in self.codes:
            return False
        if self.enhanced and not any(detail == each or (each.endswith("*") and detail.startswith(each[:-1])) for each in self.enhanced):
            return False
        if self.text is not None and self.text.search(text) is None:
            return False
        return self.unless is None or self.unless.search(text) is None


@cache
def rules() -> tuple[Rule, ...]:
    """The table, in order."""
    table = tomllib.loads(files("scaisend.delivery").joinpath("replies.toml").read_text("utf-8"))
    return tuple(_rule(row, table["texts"]) for row in table["rules"])


def classify(code: int | None, enhanced: str | None, text: str) -> Verdict:
    """What the host meant. Without a code (a status from a report) the class of `enhanced` decides, and a 4.x.x that ended the mail is soft."""
    if code is not None and code // 100 == 2:
        return Verdict("delivered", "accepted")
    words = plain_words(text)
    detail = (enhanced or status_in(text, code) or "").partition(".")[2]
    found = _first_match(code, detail, words)
    if code is not None and code // 100 == 4:
        slows = code == 421 or (found is not None and found.slows_destination)
        return Verdict("deferred", found.rule if found else "put-off", retry_hint_s(text), slows)
    if found is None:
        raise LookupError("the table has no last row")
    if code is None and enhanced is not None and enhanced.startswith("4"):
        return Verdict("soft", found.rule)
    return Verdict(found.kind, found.rule)


@lru_cache(maxsize=2048)
def _first_match(code: int | None, detail: str, words: str) -> Rule | None:
    """Hosts say the same few sentences to everybody; the search through the table costs 0.2 ms."""
    for_now = code is not None and code // 100 == 4
    return next((row for row in rules() if (row.for_now if for_now else row.for_good) and row.matches(code, detail, words)), None)


def plain_words(text: str) -> str:
    """The text as the rules look at it: lower case, on one line, without the code at the head of each line, and `<>` for each address."""
    one_line = " ".join(text[:LONGEST_TEXT].replace("\u2019", "'").split())
    return _ADDRESS("<>", _CONTINUED("", one_line)).lower()


def status_in(text: str, code: int | None = None) -> str | None:
    """The first enhanced status code that stands anywhere in the text, `(#5.1.1)` too, and has the class of `code`; x.0.0 says nothing."""
    for found in _STATUS(text[:LONGEST_TEXT]):
        if (code is None or found[1] == str(code)[0]) and found[2] != "0.0":
            return f"{found[1]}.{found[2]}"
    return None


def retry_hint_s(text: str) -> float | None:
    """The wait that a reply asks for: "try again in 5 minutes", "come back in 00:05:00", "delayed 300 seconds". At most LONGEST_HINT_S."""
    found = _HINT(text)
    if found is None:
        return None
    hours, minutes, seconds, number, unit = found.groups()
    wait_s = int(number) * _UNIT_S[unit[0].lower()] if number else int(hours) * 3600.0 + int(minutes) * 60.0 + int(seconds)
    return min(wait_s, LONGEST_HINT_S)


def _rule(row: Mapping[str, object], texts: Mapping[str, str]) -> Rule:
    def pattern(field: str) -> re.Pattern[str] | None:
        text = row.get(field)
        return None if text is None else re.compile(texts[str(text)[1:]] if str(text).startswith("@") else str(text))

    def several(field: str) -> list[object]:
        given = row.get(field)
        return given if isinstance(given, list) else []

    for_now = row.get("for_now", False) is True
    return Rule(
        rule=str(row["rule"]), kind=str(row.get("kind", "soft")), for_now=for_now, for_good=row.get("for_good", True) is True,
        slows_destination=row.get("slows_destination", False) is True, enhanced=tuple(map(str, several("enhanced"))),
        codes=frozenset(int(str(each)) for each in several("codes")), text=pattern("text"), unless=pattern("unless"),
    )
