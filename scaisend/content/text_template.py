"""The HTML of a dynamic template → a template of its text part, so that no mail's HTML has to be read again.

What `plain_text` makes of a mail's HTML is made of the template once, its tags standing as words. Where that could say something
else than the mail's own HTML would, there is no such template, and each mail's HTML is read.
"""

import re

from scaisend.content.plain_text import LINKS, plain_text

_TAG = re.compile(r"\{\{~?!--[\s\S]*?--~?\}\}|\{\{~?\{[\s\S]*?\}~?\}\}|\{\{[\s\S]*?\}\}")
_OPEN, _END = "\ue000", "\ue001"
_WORD = re.compile(f"{_OPEN}([0-9]+){_END}")
_ANCHOR = re.compile(r"<a[\s>]", re.IGNORECASE)
_ANCHOR_END = re.compile(r"</a[\s>]", re.IGNORECASE)
# Tags of the language that are tags of HTML too, escaped ones, text whose spaces count, and letters that mark ours.
_UNSURE = re.compile(rf"</?\{{\{{|\\\{{\{{|<pre|[{_OPEN}{_END}]", re.IGNORECASE)


def text_template(html: str) -> str | None:
    """The template of the text part, to be compiled without escapes; None where each mail's HTML is to be read."""
    if _UNSURE.search(html) or len(_ANCHOR.findall(html)) != len(_ANCHOR_END.findall(html)):
        return None
    numbers: dict[str, int] = {}

    def word(found: re.Match[str]) -> str:
        return f"{_OPEN}{numbers.setdefault(found[0], len(numbers))}{_END}"

    text = plain_text(_TAG.sub(word, html), (*LINKS, _OPEN))
    if "{{" in text or "\\" in text:
        return None
    tags = list(numbers)
    return _WORD.sub(lambda found: tags[int(found[1])], text)


def tidy(text: str) -> str:
    """The text without the empty lines and spaces that blocks and empty values leave."""
    while "  " in text:
        text = text.replace("  ", " ")
    text = text.replace(" \n", "\n").replace("\n ", "\n")
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip()
