"""Legacy substitutions and sections: literal text for literal keys, no delimiters, no escaping.

A substitution's value may name a section, and a section may hold substitutions. A value is never searched for its own
key again: `{"name": "Rename"}` does what it says. Where keys overlap, the longest wins.
"""

import re
from collections.abc import Mapping

from scaisend.faults import ScaiSendError

LARGEST_TEXT = 30 * 1024 * 1024
MOST_COMPARISONS = 100_000_000


class TooMuchText(ScaiSendError):
    """Substituting would make more text, or take more time, than any real mail does."""


def whole_values(substitutions: Mapping[str, str], sections: Mapping[str, str], largest: int = LARGEST_TEXT) -> dict[str, str]:
    """What `substitute` puts for each key: sections with the substitutions in them, substitutions with these sections in them.

    Raises: TooMuchText when the values together would be over `largest` characters.
    """
    if not sections:
        return dict(substitutions)
    whole: dict[str, str] = {}
    for key, text in sections.items():
        whole[key] = substitute(text, substitutions, largest)
        largest -= len(whole[key])
    named = dict(whole)
    for key, text in substitutions.items():
        whole[key] = substitute(text, named, largest)
        largest -= len(whole[key])
    return whole


def substitute(text: str, values: Mapping[str, str], largest: int = LARGEST_TEXT) -> str:
    """The text with each key replaced by its value, once.

    Raises: TooMuchText when the result would be over `largest` characters, or very many keys meet a very long text.
    """
    if len(values) * len(text) > MOST_COMPARISONS:
        raise TooMuchText(f"{len(values)} substitutions are too many for a text of {len(text)} characters")
    keys = [key for key in values if key and key in text]
    if not keys:
        return text
    keys.sort(key=len, reverse=True)
    room = largest - len(text)

    def value(found: re.Match[str]) -> str:
        nonlocal room
        room -= len(values[found[0]]) - len(found[0])
        if room < 0:
            raise TooMuchText("the text would be too long with its substitutions")
        return values[found[0]]

    return re.sub("|".join(map(re.escape, keys)), value, text)
