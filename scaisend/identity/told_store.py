"""What the identity provider tells becomes rows: its things with what they belong to, by its ids.

What a thing refers to and is not known yet gets a row by its id alone, which any word of the provider's fills.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from scaisend.identity.audit_store import record_act
from scaisend.identity.instance_store import bump_identity_epoch
from scaisend.identity.members_store import add_member, remove_member, set_members
from scaisend.identity.mirror_store import News, id_across_tenants, mirror_across_tenants
from scaisend.identity.provider_events import Event
from scaisend.identity.provider_news import DEACTIVATED, GROUPS, NEEDED, PARTNERS, REFERENCES, TENANTS, USERS, Told
from scaisend.ids import IdMaker
from scaisend.storage.database import Txn, Value

TABLES: Mapping[str, str] = {PARTNERS: "partners", TENANTS: "tenants", USERS: "users", GROUPS: "user_groups"}
ACTOR = "identity provider"
KEPT_S = 30 * 86_400.0


def tell_across_tenants(txn: Txn, ids: IdMaker, told: Told, *, now_s: float) -> str | None:
    """The thing is here as it was told, unless a newer word is in already. Our id; None when it is not clear what it belongs to."""
    table, columns = TABLES[told.noun], dict[str, Value](told.columns)
    for column, external_id in told.references.items():
        columns[column] = external_id and _referred(txn, ids, told, column, external_id, now_s=now_s)
        if external_id and columns[column] is None:
            return None
    names = list(columns)
    row = txn.row(f"SELECT {', '.join(('id', 'provider_at', *names))} FROM {table} WHERE external_id = :external_id", {"external_id": told.external_id})
    if row is None:
        needed = NEEDED[told.noun]
        if needed is not None and columns.get(needed) is None:
            return None
        columns = {"name": told.external_id, **({"email": ""} if told.noun == USERS else {}), **columns}
    elif list(row[2:]) == list(columns.values()) and row[1] is not None and row[1] >= int(told.at * 1_000_000):
        return str(row[0])
    if not columns:
        return str(row[0]) if row else None
    return mirror_across_tenants(txn, ids, table, News(told.external_id, told.at, columns), now_s=now_s)


def list_members_across_tenants(txn: Txn, ids: IdMaker, group: Told, members: Sequence[str], *, at: float, now_s: float) -> None:
    """The group has these members, by the provider's ids, and no others but for what changed after `at`."""
    found = tell_across_tenants(txn, ids, group, now_s=now_s)
    row = txn.row("SELECT tenant_id FROM user_groups WHERE id = :id", {"id": found}) if found else None
    if row is None or found is None:
        return
    here = [_member(txn, ids, row[0], each, now_s=now_s) for each in members]
    set_members(txn, row[0], found, here, at=at)


def take_event_across_tenants(txn: Txn, ids: IdMaker, event: Event, *, now_s: float) -> bool:
    """The event had its effect. False when it was taken before; then nothing happens.

    Raises: LookupError when it is not clear what the thing belongs to.
    """
    row = (event.event_id, int(now_s * 1_000_000))
    if not txn.insert("provider_events", ("event_id", "received_at"), [row], ignore=True):
        return False
    txn.execute("DELETE FROM provider_events WHERE received_at < :before", {"before": int((now_s - KEPT_S) * 1_000_000)})
    if event.told is None:
        return True
    # A membership or an assignment is no news of the group or the user themselves, and outdates none.
    told = event.told if event.effect == "told" else replace(event.told, at=0.0)
    found = tell_across_tenants(txn, ids, told, now_s=now_s)
    if found is None:
        raise LookupError(event.told.external_id)
    tenant_id = _tenant_of_across_tenants(txn, event.told.noun, found)
    if event.effect == "membership" and tenant_id is not None and event.user_id is not None:
        member = _member(txn, ids, tenant_id, event.user_id, now_s=now_s)
        (add_member if event.is_in else remove_member)(txn, tenant_id, found, member, at=event.at)
    elif event.effect == "assignment":
        assign_across_tenants(txn, found, event.is_in, at=event.at, now_s=now_s)
    record_act(
        txn, tenant_id, actor=ACTOR, action=event.event_type, resource=found,
        change={"event_id": event.event_id, **event.told.columns, **({"user": event.user_id} if event.user_id else {})},
        source=None, request_id=None, happened_at=now_s,
    )
    return True


def assign_across_tenants(txn: Txn, user_id: str, is_assigned: bool, *, at: float, now_s: float) -> None:
    """The user may use this service, or no more, unless newer word of that is in."""
    moment = int(at * 1_000_000)
    done = txn.execute(
        "UPDATE users SET unassigned_at = :since, assignment_at = :at, updated_at = :now"
        " WHERE id = :id AND (assignment_at IS NULL OR assignment_at <= :at)",
        {"since": None if is_assigned else moment, "at": moment, "now": int(now_s * 1_000_000), "id": user_id},
    )
    if done:
        bump_identity_epoch(txn)


def see_across_tenants(txn: Txn, noun: str, external_ids: Sequence[str], sync_id: str) -> None:
    """The full sync saw these."""
    txn.execute(f"UPDATE {TABLES[noun]} SET synced_in = :sync_id WHERE external_id IN :ids", {"sync_id": sync_id, "ids": list(external_ids)})


def left_across_tenants(txn: Txn, noun: str, sync_id: str, *, began_at: float) -> int:
    """How many of the provider's things the full sync did not see, without those that changed while it ran."""
    row = txn.row(f"SELECT COUNT(*) FROM {TABLES[noun]} WHERE {_UNSEEN}", {"sync_id": sync_id, "began": int(began_at * 1_000_000)})
    return int(row[0]) if row else 0


def seen_in_across_tenants(txn: Txn, noun: str, sync_id: str) -> bool:
    """Whether the full sync saw any."""
    return txn.row(f"SELECT id FROM {TABLES[noun]} WHERE synced_in = :sync_id LIMIT 1", {"sync_id": sync_id}) is not None


def deactivate_across_tenants(txn: Txn, noun: str, sync_id: str, *, began_at: float, now_s: float) -> int:
    """Those are deactivated; the number."""
    done = txn.execute(
        f"UPDATE {TABLES[noun]} SET status = '{DEACTIVATED}', updated_at = :now WHERE {_UNSEEN}",
        {"sync_id": sync_id, "began": int(began_at * 1_000_000), "now": int(now_s * 1_000_000)},
    )
    if done:
        bump_identity_epoch(txn)
    return done


_UNSEEN = (
    f"external_id IS NOT NULL AND status <> '{DEACTIVATED}' AND (synced_in IS NULL OR synced_in <> :sync_id) AND updated_at < :began"
)


def _referred(txn: Txn, ids: IdMaker, told: Told, column: str, external_id: str, *, now_s: float) -> str | None:
    """Our id of what the thing belongs to, which has a row from now on; None when it would need to be told where that belongs."""
    noun = REFERENCES[told.noun][column]
    found = id_across_tenants(txn, TABLES[noun], external_id)
    if found is not None:
        return found
    around = {name: told.references.get(name) for name in REFERENCES[noun] if name in ("partner_id", "tenant_id")}
    bare = Told(noun, external_id, 0.0, {}, {name: value for name, value in around.items() if value})
    return tell_across_tenants(txn, ids, bare, now_s=now_s)


def _member(txn: Txn, ids: IdMaker, tenant_id: str, external_id: str, *, now_s: float) -> str:
    found = id_across_tenants(txn, "users", external_id)
    if found is not None:
        return found
    news = News(external_id, 0.0, {"tenant_id": tenant_id, "email": "", "name": external_id})
    return mirror_across_tenants(txn, ids, "users", news, now_s=now_s)


def _tenant_of_across_tenants(txn: Txn, noun: str, an_id: str) -> str | None:
    if noun == TENANTS:
        return an_id
    if noun == PARTNERS:
        return None
    row = txn.row(f"SELECT tenant_id FROM {TABLES[noun]} WHERE id = :id", {"id": an_id})
    return row[0] if row else None
