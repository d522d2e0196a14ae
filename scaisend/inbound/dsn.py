"""Delivery status notifications: RFC 3464, 6522 and, for addresses beyond ASCII, 6533; also those that nearly are.

    Reporting-MTA: dns; mx.example.net            fields of the report

    Original-Recipient: rfc822;ann@example.net    a group of fields a recipient
    Final-Recipient: rfc822; ann@mail.example.net
    Action: failed
    Status: 5.1.1
    Diagnostic-Code: smtp; 550 5.1.1 no such user

Malformed ones that are read: the first group in one block with the fields of the report, a missing Action, comments everywhere,
addresses in angle brackets or without their type. Of fields that come again within a block the first counts.
"""

import re
from collections.abc import Mapping

from scaisend.inbound.bounce_type import bounce_type
from scaisend.inbound.mime import Mail, read_fields
from scaisend.inbound.reading import DELAYED, DELIVERED, EXPANDED, FAILED, RELAYED, Reported

MOST_RECIPIENTS = 1000
STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)").search
_ADDRESS = re.compile(r"<?\s*((?:\"(?:[^\"\\]|\\.){1,64}\"|[^\s<>\"(),;:]{1,200}(?: (?=@))?)@[^\s<>\"(),;:]{1,255})").search
_HEX = re.compile(r"\+([0-9A-F]{2})").sub
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}").sub
_ACTION_OF_CLASS = {"5": FAILED, "4": DELAYED, "2": DELIVERED}
_ACTION = re.compile(r"fail|delay|deliver|relay|expand|expire", re.IGNORECASE).match
_WORDS = {"fail": FAILED, "delay": DELAYED, "deliver": DELIVERED, "relay": RELAYED, "expand": EXPANDED, "expire": FAILED}


def read_dsn(mail: Mail) -> tuple[Reported, ...]:
    """What the report parts of the mail say of each recipient; empty when it has none, or none that names a recipient."""
    found: dict[tuple[str, str], Reported] = {}
    for part in mail.of_type(*STATUS_PARTS):
        for each in read_groups(part.text() if part.media_type != "text/html" else ""):
            found.setdefault((each.recipient.lower(), each.action), each)
    return tuple(found.values())


def read_groups(text: str) -> list[Reported]:
    """What the groups of fields in the text say, a recipient each, MOST_RECIPIENTS at most."""
    found = []
    for block in read_fields(text):
        group: dict[str, str] = {}
        for name, value in block:
            group.setdefault(name, value)
        reported = _reported(group)
        if reported is not None:
            found.append(reported)
            if len(found) == MOST_RECIPIENTS:
                break
    return found


def address_in(value: str) -> str | None:
    """The address of a `type; address` field, without its type, brackets and comments; None when it holds none.

    xtext (RFC 3461 4) and \\x{…} (RFC 6533 3) are undone.
    """
    kind, semicolon, rest = value.partition(";")
    given = rest if semicolon else value
    if kind.strip().lower() == "utf-8":
        given = _UNITEXT(lambda found: _character(found[1]), given)
    found = _ADDRESS(given)
    if found is None:
        return None
    address = found[1].strip().rstrip(".")
    # Everybody writes plus signs as they are, so only what makes an address of it is undone.
    plain = _HEX(lambda each: chr(int(each[1], 16)), address)
    return plain if "+40" in address or "+3D" in address or "+2B" in address else address


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"


def _reported(group: Mapping[str, str]) -> Reported | None:
    final, original = (address_in(group.get(name, "")) for name in ("final-recipient", "original-recipient"))
    if final is not None and original is not None and "." not in final.rpartition("@")[2]:
        final = original
    final = final or original or address_in(group.get("x-actual-recipient", ""))
    if final is None:
        return None
    status_found = _STATUS(group.get("status", ""))
    status = status_found[1] if status_found else None
    action = _ACTION(group.get("action", "").strip())
    diagnostic = group.get("diagnostic-code") or group.get("x-supplementary-info") or None
    if status is None and diagnostic and (in_diagnostic := _STATUS(diagnostic)):
        status = in_diagnostic[1]
    if action is None and status is None:
        return None
    word = _WORDS[action[0].lower()] if action is not None else _ACTION_OF_CLASS[(status or "5")[0]]
    return judged(final, word, status, diagnostic, original)


def judged(recipient: str, action: str, status: str | None, diagnostic: str | None, original: str | None = None) -> Reported:
    """The report on a recipient, with a verdict when it failed."""
    shown = " ".join(diagnostic.split())[:1000] if diagnostic else None
    if action != FAILED:
        return Reported(recipient, action, status, shown, original)
    verdict = bounce_type(status, shown)
    return Reported(recipient, action, status, shown, original, verdict.kind, verdict.rule)
