"""What a reply means for an address: a table (replies.toml) over enhanced code, code and words (RFC 3463, 5321 4.2)."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LONGEST_HINT_S = 4 * 3600.0

_HINT = re.compile(
    r"(?:again|back|retry|wait|delayed|for)\D{0,30}?(?:(\d{1,2}):(\d\d):(\d\d)|(\d{1,5})\s*(s\b|sec|min|m\b|hour|h\b))", re.IGNORECASE,
).search
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind`: delivered, deferred, hard, soft or block; `rule`: the row that said so; `retry_hint_s`: the wait a host asked for."""

    kind: str
    rule: str
    retry_hint_s: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of replies.toml."""

    rule: str
    kind: str
    for_now: bool
    enhanced: tuple[str, ...]
    codes: frozenset[int]
    text: re.Pattern[str] | None

    def matches(self, code: int | None, detail: str, text: str) -> bool:
        """`detail`: the enhanced code without its class, empty when there is none; `text` in lower case."""
        if self.codes and code is not None and code not in self.codes:
            return False
        if self.enhanced and not any(detail == each or (each.endswith("*") and detail.startswith(each[:-1])) for each in self.enhanced):
            return False
        return self.text is None or self.text.search(text) is not None


@cache
def rules() -> tuple[Rule, ...]:
    """The table, in order."""
    rows = tomllib.loads(files("scaisend.delivery").joinpath("replies.toml").read_text("utf-8"))["rules"]
    return tuple(
        Rule(
            row["rule"], row.get("kind", "soft"), row.get("for_now", False), tuple(row.get("enhanced", ())), frozenset(row.get("codes", ())),
            re.compile(row["text"]) if "text" in row else None,
        )
        for row in rows
    )


def classify(code: int | None, enhanced: str | None, text: str) -> Verdict:
    """What the host meant. Without a code (a status from a report) the class of `enhanced` decides, and a 4.x.x that ended the mail is soft."""
    if code is not None and code // 100 == 2:
        return Verdict("delivered", "accepted")
    words = text.lower()
    detail = enhanced.partition(".")[2] if enhanced else ""
    for_now = code // 100 == 4 if code is not None else False
    if for_now:
        rule = next((row.rule for row in rules() if row.for_now and row.matches(code, detail, words)), "put-off")
        return Verdict("deferred", rule, retry_hint_s(text))
    found = next(row for row in rules() if not _speaks_of_later(row) and row.matches(code, detail, words))
    if code is None and enhanced is not None and enhanced.startswith("4"):
        return Verdict("soft", found.rule)
    return Verdict(found.kind, found.rule)


def retry_hint_s(text: str) -> float | None:
    """The wait that a reply asks for: "try again in 5 minutes", "come back in 00:05:00", "delayed 300 seconds". At most LONGEST_HINT_S."""
    found = _HINT(text)
    if found is None:
        return None
    hours, minutes, seconds, number, unit = found.groups()
    wait_s = int(number) * _UNIT_S[unit[0].lower()] if number else int(hours) * 3600.0 + int(minutes) * 60.0 + int(seconds)
    return min(wait_s, LONGEST_HINT_S)


def _speaks_of_later(row: Rule) -> bool:
    return row.rule == "greylist"
