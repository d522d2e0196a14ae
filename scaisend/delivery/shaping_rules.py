"""Which limit a reply speaks of: a table (shaping.toml) over code, enhanced code and words."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from scaisend.delivery.reply import classify, plain_words, status_in
from scaisend.delivery.shaping import NOTHING


@dataclass(frozen=True, slots=True)
class ShapingRule:
    """One row of shaping.toml."""

    effect: str
    codes: frozenset[int]
    enhanced: tuple[str, ...]
    text: re.Pattern[str] | None


@cache
def shaping_rules() -> tuple[ShapingRule, ...]:
    """The rows of the table, in order."""
    rows = tomllib.loads(files("scaisend.delivery").joinpath("shaping.toml").read_text(encoding="utf-8"))["rules"]
    return tuple(
        ShapingRule(row["effect"], frozenset(row.get("codes", ())), tuple(row.get("enhanced", ())), re.compile(row["text"]) if "text" in row else None)
        for row in rows
    )


@lru_cache(maxsize=2048)
def asks_less_of(code: int | None, enhanced: str | None, text: str) -> str:
    """`connections`, `rate`, `both`; `none` for what is no complaint about how much we send: greylisting, a full mailbox, a 5xx, silence."""
    if code is None or code // 100 != 4:
        return NOTHING
    verdict = classify(code, enhanced, text)
    if not verdict.slows_destination or "greylist" in verdict.rule:
        return NOTHING
    words, detail = plain_words(text), (enhanced or status_in(text, code) or "").partition(".")[2]
    for rule in shaping_rules():
        if rule.codes and code not in rule.codes:
            continue
        if rule.enhanced and detail not in rule.enhanced:
            continue
        if rule.text is None or rule.text.search(words):
            return rule.effect
    return NOTHING
