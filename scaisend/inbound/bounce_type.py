"""What a report of final failure says about the address: hard, soft or block, by the rules of delivery/reply.py."""

import re

from scaisend.delivery.reply import Verdict, classify, status_in

LONGEST_DIAGNOSTIC = 2000

_REPLY = re.compile(
    r"(?:^|[\s;:'\"(<>\[])(?P<code>[245][0-5]\d)(?:[\s-]+#?(?P<enhanced>[245]\.\d{1,3}\.\d{1,3})?(?![\w.]*@)|$)"
).finditer


def bounce_type(status: str | None, diagnostic: str | None) -> Verdict:
    """The verdict on a recipient whose delivery failed for good, from its Status and its Diagnostic-Code or the words around it.

    The host's own reply inside the diagnostic says more than the Status of the system that wrote the report (RFC 3464 2.3.6), unless it
    says nothing (x.0.0). A failure for want of time is soft, whatever was said before.
    """
    text = (diagnostic or "")[:LONGEST_DIAGNOSTIC]
    code, enhanced, text = reply_in(text)
    said = enhanced if enhanced and not enhanced.endswith(".0.0") else status_in(text, code)
    chosen = said or (status if status and not status.endswith(".0.0") else None) or enhanced or status
    if code is not None and code // 100 == 5 and not (chosen or "5").startswith("4"):
        return classify(code, chosen, text)
    if chosen is None and code is not None:
        chosen = f"{code // 100}.0.0"
    return classify(None, chosen, text)


def reply_in(text: str) -> tuple[int | None, str | None, str]:
    """Code, enhanced code and text of the first SMTP reply in the text that ends a mail (5xx), else of the first one; else the text."""
    found = list(_REPLY(text[:LONGEST_DIAGNOSTIC]))
    if not found:
        return None, None, text
    chosen = next((each for each in found if each["code"][0] == "5"), found[0])
    code = chosen["code"]
    enhanced = chosen["enhanced"] or next((each["enhanced"] for each in found if each["code"] == code and each["enhanced"]), None)
    return int(code), enhanced, text[chosen.end() :]
