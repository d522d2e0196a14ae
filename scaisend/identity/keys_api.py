"""/v3/api_keys and /v3/scopes in SendGrid's shapes, and /api/admin/api-keys with what SendGrid does not show."""

from collections.abc import Callable

from scaisend.caller import Caller
from scaisend.faults import Forbidden, NotFound
from scaisend.http.call import Call
from scaisend.http.paging import whole
from scaisend.http.reply import Reply, data_reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post, put
from scaisend.identity.api_key import SECRET_BYTES, make_key
from scaisend.identity.audit_store import record_act
from scaisend.identity.key_request import MOST_KEYS, KeyChange, NewKey, own_scopes, read_key_change, read_new_key
from scaisend.identity.keys_store import Key, change_key, create_key, key, key_count, keys, revoke_key
from scaisend.identity.permissions import scopes_shown
from scaisend.ids import IdMaker
from scaisend.storage.database import Database, Txn

READ = ("admin.api_keys", "api_keys.read")
CREATE = ("admin.api_keys", "api_keys.create")
UPDATE = ("admin.api_keys", "api_keys.update")
DELETE = ("admin.api_keys", "api_keys.delete")
ONE = "/v3/api_keys/<key_id>"


class KeysApi:
    """The API keys of the caller's tenant. `random_bytes` is the operating system's."""

    def __init__(self, *, database: Database, ids: IdMaker, random_bytes: Callable[[int], bytes]) -> None:
        self._database = database
        self._ids = ids
        self._random_bytes = random_bytes

    def routes(self) -> list[Route]:
        return [
            get("/v3/api_keys", self.show_all, permission=READ, summary="The tenant's API keys"),
            post("/v3/api_keys", self.create, permission=CREATE, limit="writes", summary="Make an API key, shown this once"),
            get(ONE, self.show, permission=READ, summary="One API key"),
            put(ONE, self.replace, permission=UPDATE, summary="Change an API key's name and scopes"),
            patch(ONE, self.rename, permission=UPDATE, summary="Rename an API key"),
            delete(ONE, self.revoke, permission=DELETE, summary="Revoke an API key at once"),
            get("/v3/scopes", self.scopes, summary="The scopes of the calling key"),
            get("/api/admin/api-keys", self.show_details, permission=READ, summary="The tenant's API keys with prefix, expiry and last use"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """`{"result": [{api_key_id, name}]}`, oldest first."""
        found = await self._database.run(keys, call.caller.tenant_id, most=_most(call))
        return json_reply({"result": [{"api_key_id": each.id, "name": each.name} for each in found]})

    async def show_details(self, call: Call) -> Reply:
        """All that is known of each key but the key."""
        found = await self._database.run(keys, call.caller.tenant_id, most=MOST_KEYS)
        return data_reply([_whole(each) for each in found])

    async def create(self, call: Call) -> Reply:
        """201 with the key, which no later answer shows."""
        new = read_new_key(call.json(), call.caller, call.now_s)
        secret = make_key(self._random_bytes(SECRET_BYTES), is_test=new.is_test)
        made = await self._database.run(_create, call, self._ids.new("key", call.caller.tenant_id), secret, new)
        shown: dict[str, object] = {"api_key": secret, "api_key_id": made.id, "name": made.name, "scopes": made.scopes}
        if new.shows_terms:
            shown |= {"test": made.is_test, "expires_at": made.expires_at}
        return json_reply(shown, 201)

    async def show(self, call: Call) -> Reply:
        """`{api_key_id, name, scopes}`."""
        found = await self._database.run(key, call.caller.tenant_id, call.path["key_id"])
        if found is None:
            raise NotFound("unable to find API Key")
        return json_reply({"api_key_id": found.id, "name": found.name, "scopes": found.scopes})

    async def replace(self, call: Call) -> Reply:
        """PUT: the name, and the scopes where they are given."""
        change = read_key_change(call.json(), call.caller, with_scopes=True)
        scopes = await self._database.run(_change, call, change)
        return json_reply({"api_key_id": call.path["key_id"], "name": change.name, "scopes": scopes})

    async def rename(self, call: Call) -> Reply:
        """PATCH: the name."""
        change = read_key_change(call.json(), call.caller, with_scopes=False)
        await self._database.run(_change, call, change)
        return json_reply({"api_key_id": call.path["key_id"], "name": change.name})

    async def revoke(self, call: Call) -> Reply:
        """204; the key is refused on the next request, in every process."""
        await self._database.run(_revoke, call)
        return no_content()

    async def scopes(self, call: Call) -> Reply:
        """`{"scopes": […]}` as they were given to the calling key."""
        return json_reply({"scopes": scopes_shown(own_scopes(call.caller), call.caller.permissions)})


def _create(txn: Txn, call: Call, key_id: str, secret: str, new: NewKey) -> Key:
    caller = call.caller
    if key_count(txn, caller.tenant_id) >= MOST_KEYS:
        raise Forbidden(f"Cannot create more than {MOST_KEYS} API Keys", help="delete keys that are no longer used")
    made = create_key(
        txn, caller.tenant_id, key_id=key_id, key=secret, name=new.name, scopes=new.scopes, is_test=new.is_test,
        created_by=_actor(caller), created_at=call.now_s, expires_at=new.expires_at,
    )
    _record(txn, call, "api_key.create", key_id, {
        "name": new.name, "scopes": new.scopes, "test": new.is_test, "expires_at": new.expires_at, "prefix": made.prefix,
    })
    return made


def _change(txn: Txn, call: Call, change: KeyChange) -> tuple[str, ...]:
    tenant_id, key_id = call.caller.tenant_id, call.path["key_id"]
    before = key(txn, tenant_id, key_id, for_update=True)
    if before is None:
        raise NotFound("unable to find API Key to update")
    scopes = before.scopes if change.scopes is None else change.scopes
    if (before.name, before.scopes) != (change.name, scopes):
        change_key(txn, tenant_id, key_id, name=change.name, scopes=scopes)
        action = "api_key.rename" if before.scopes == scopes else "api_key.change_scopes"
        _record(txn, call, action, key_id, {
            "before": {"name": before.name, "scopes": before.scopes}, "after": {"name": change.name, "scopes": scopes},
        })
    return scopes


def _revoke(txn: Txn, call: Call) -> None:
    tenant_id, key_id = call.caller.tenant_id, call.path["key_id"]
    before = key(txn, tenant_id, key_id, for_update=True)
    if before is None:
        raise NotFound("unable to find API Key for deletion")
    revoke_key(txn, tenant_id, key_id, revoked_at=call.now_s)
    _record(txn, call, "api_key.revoke", key_id, {"name": before.name, "prefix": before.prefix})


def _record(txn: Txn, call: Call, action: str, key_id: str, change: dict[str, object]) -> None:
    record_act(
        txn, call.caller.tenant_id, actor=_actor(call.caller), action=action, resource=key_id, change=change, source=call.remote,
        request_id=call.request_id, happened_at=call.now_s,
    )


def _actor(caller: Caller) -> str:
    return caller.user_id or caller.credential_id


def _most(call: Call) -> int:
    return min(whole(call, "limit", least=1, most=1_000_000, default=MOST_KEYS), MOST_KEYS)


def _whole(each: Key) -> dict[str, object]:
    return {
        "id": each.id, "name": each.name, "prefix": each.prefix, "scopes": each.scopes, "test": each.is_test,
        "created_by": each.created_by, "created_at": each.created_at, "expires_at": each.expires_at, "last_used_at": each.last_used_at,
    }
