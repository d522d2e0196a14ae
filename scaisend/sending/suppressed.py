"""Whether a recipient may still be mailed: asked again when a mail is taken up later than it was accepted."""

from collections.abc import Iterable, Mapping

import orjson

from scaisend.address import fold
from scaisend.sending.request_settings import bypassed
from scaisend.sending.store import ToRender
from scaisend.suppressions.lists import GROUP, group_stops, stopped_by
from scaisend.suppressions.store import Standing

ASKED_AGAIN_AFTER_S = 1.0


def addresses_of(mails: Iterable[tuple[str, str, float]], now: float) -> set[tuple[str, str]]:
    """The (tenant id, folded address) to be asked for, of (tenant id, address, accepted at): acceptance has asked for newer ones."""
    return {(tenant_id, fold(email)) for tenant_id, email, accepted_at in mails if now - accepted_at > ASKED_AGAIN_AFTER_S}


def stop_of(standing: Standing, payload: str) -> str | None:
    """The list that stops a mail of this request to the address, GROUP if it left the mail's group, or None."""
    shared: Mapping[str, object] = orjson.loads(payload)
    settings = shared.get("mail_settings")
    bypass = bypassed(settings) if isinstance(settings, dict) else frozenset()
    name = stopped_by(standing.lists, bypass)
    if name is None and standing.groups and group_of(shared) in standing.groups and group_stops(bypass):
        return GROUP
    return name


def stops_of(mail: ToRender, standings: Mapping[tuple[str, str], Standing]) -> dict[str, str]:
    """The list that stops each claimed recipient of the mail, by recipient id; nobody else is in it."""
    found = {}
    for to in mail.recipients:
        standing = standings.get((mail.tenant_id, fold(to.email))) if to.is_claimed else None
        if standing is not None and (name := stop_of(standing, mail.payload)) is not None:
            found[to.id] = name
    return found


def group_of(shared: Mapping[str, object]) -> int | None:
    """The unsubscribe group that the mail belongs to."""
    asm = shared.get("asm")
    group_id = asm.get("group_id") if isinstance(asm, dict) else None
    return group_id if isinstance(group_id, int) else None
