"""Identity on real databases, each with two pools as two processes have them."""

import os
import tempfile
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, gatherResults

from scaisend.faults import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from scaisend.identity.api_key import caller_of, hash_of, make_key
from scaisend.identity.audit_store import acts
from scaisend.identity.authenticate import Authenticator
from scaisend.identity.instance_store import check_fingerprint, identity_epoch
from scaisend.identity.keys_api import KeysApi
from scaisend.identity.keys_store import check_callers, find_credential, key, keys, note_keys_used
from scaisend.identity.members_store import set_members
from scaisend.identity.mirror_store import GROUPS, USERS, News, mirror_across_tenants
from scaisend.identity.people_store import (
    Installed,
    init_installation,
    only_tenant,
    partner_within,
    roles,
    set_tenant_status,
    tenant_within,
    tenants,
)
from scaisend.identity.provider_events import read_event
from scaisend.identity.reach import PARTNER_ADMIN
from scaisend.identity.roles_store import map_group, mappings, role, roles_of_user, unmap_group
from scaisend.identity.standing_store import granted_to_user
from scaisend.identity.subusers_api import SubusersApi
from scaisend.identity.told_store import take_event_across_tenants
from scaisend.identity.users_store import group, members, user, users
from scaisend.storage.database import Database
from scaisend.storage.migrations.run import migrate
from scaisend.storage.pool import open_database
from tests.base import ReactorTestCase
from tests.world.mariadb import private_mariadb
from tests.world.people import administrator
from tests.world.tenants import NOW, a_lockout, call_by, id_maker

FIRST = make_key(b"first key here!!")


class TwoProcesses:
    """The tests; each subclass says on which database."""

    url: Callable[[], str]

    def two_pools(self) -> tuple[Database, Database]:
        url = self.url()
        here, there = (open_database(url, reactor=reactor) for _ in range(2))
        for each in (here, there):
            self.addCleanup(lambda each=each: _closed(each))  # type: ignore[attr-defined]
        return here, there

    async def open(self) -> tuple[Database, Database, Installed]:
        here, there = self.two_pools()
        made = await here.run(init_installation, id_maker(), partner_name="P", tenant_name="Zoë", key=FIRST, now_s=NOW)
        return here, there, made

    async def test_a_key_is_revoked(self) -> None:
        """A key made in one process works in the other; revoked in one it is refused by the other, remembered or not."""
        here, there, made = await self.open()
        doors = [Authenticator(look_up=lambda h, d=each: d.run(find_credential, h), note_use=lambda *_: None, lockout=a_lockout()) for each in (here, there)]
        api = KeysApi(database=here, ids=id_maker(1), random_bytes=os.urandom)
        asked = {"now_s": NOW, "remote": "192.0.2.1", "on_behalf_of": None}
        admin = await doors[0].authenticate(FIRST, **asked)
        await api.create(call_by(admin, body=b'{"name": "a", "scopes": ["mail.send"]}'))
        self.assertEqual({each.name for each in await there.run(keys, made.tenant.id, most=10)}, {"admin", "a"})
        caller = await doors[1].authenticate_cached(FIRST, **asked)
        self.assertEqual(await there.run(check_callers, [caller], NOW), [None])
        await api.revoke(call_by(admin, path={"key_id": made.key.id}))
        stale = await doors[1].authenticate_cached(FIRST, **asked)
        self.assertEqual(stale, caller)
        (refused,) = await there.run(check_callers, [stale], NOW)
        self.assertIsInstance(refused, Unauthenticated)
        for door in doors:
            with self.assertRaises(Unauthenticated):
                await door.authenticate(FIRST, **asked)
        self.assertEqual([each.name for each in await there.run(keys, made.tenant.id, most=10)], ["a"])
        actions = [act.action for act in await there.run(acts, made.tenant.id, before=None, most=10)]
        self.assertEqual(actions, ["api_key.revoke", "api_key.create", "installation.init"])

    async def test_the_other_statements(self) -> None:
        """Roles, suspension, last use, the fingerprint and odd ids are the same on this database."""
        here, there, made = await self.open()
        self.assertEqual([role.name for role in await there.run(roles, made.tenant.id)], ["admin", "developer", "viewer"])
        self.assertEqual(await there.run(only_tenant), made.tenant)
        await here.run(note_keys_used, [(made.tenant.id, made.key.id), ("tnt_x", "key_x")], NOW + 60)
        self.assertEqual((await there.run(key, made.tenant.id, made.key.id)).last_used_at, NOW + 60)
        api = KeysApi(database=here, ids=id_maker(1), random_bytes=os.urandom)
        caller = await here.run(_caller_of)
        for key_id in ("é", "ключ", "x" * 500, "'", "\\", ":a"):
            with self.assertRaises(NotFound):
                await api.revoke(call_by(caller, path={"key_id": key_id}))
        await here.run(check_fingerprint, "aaaa")
        with self.assertRaises(Conflict):
            await there.run(check_fingerprint, "bbbb")
        self.assertTrue(await here.run(set_tenant_status, made.tenant.id, "suspended", now_s=NOW))
        self.assertIsInstance((await there.run(check_callers, [caller], NOW))[0], Forbidden)

    async def test_people_and_roles(self) -> None:
        """Roles given in one process, directly and by nested groups, are what the user may do in the other."""
        here, there, made = await self.open()
        ids, tenant_id = id_maker(5), made.tenant.id

        def tell(txn: Any, table: str, external_id: str, at: float = NOW, **columns: Any) -> str:
            return mirror_across_tenants(txn, ids, table, News(external_id, at, columns), now_s=NOW)

        zoe = await here.run(tell, USERS, "zoe", tenant_id=tenant_id, email="zoe@example.org", name="Zoë", role=None, status="active")
        outer = await here.run(tell, GROUPS, "outer", tenant_id=tenant_id, name="Außen", parent_id=None, status="active")
        inner = await here.run(tell, GROUPS, "inner", tenant_id=tenant_id, name="innen", parent_id=outer, status="active")
        await here.run(set_members, tenant_id, inner, [zoe], at=NOW)
        await here.run(map_group, tenant_id, outer, (await there.run(role, tenant_id, "developer")).id, now_s=NOW)
        self.assertIn("mail.send", await there.run(granted_to_user, tenant_id, zoe))
        direct, by_group = await there.run(roles_of_user, tenant_id, zoe)
        self.assertEqual(([each.name for each in direct], [each.name for each in by_group]), ([], ["developer"]))
        self.assertEqual([each.group for each in await there.run(mappings, tenant_id, after=("", ""), most=9)], ["Außen"])
        self.assertEqual([each.id for each in await there.run(members, tenant_id, inner, most=9)], [zoe])
        await here.run(tell, USERS, "zoe", NOW - 1, tenant_id=tenant_id, email="old@example.org", name=None, role="super_admin", status="active")
        found = await there.run(user, tenant_id, "zoe")
        self.assertEqual((found.email, found.role, found.partner_id), ("zoe@example.org", None, made.partner.id))
        self.assertEqual([each.id for each in await there.run(users, None, partner_id=made.partner.id, most=9)], [zoe])
        self.assertEqual((await there.run(partner_within, made.partner.id, partner_id=None)).id, made.partner.id)
        for missing in ("é", "x"):
            for look in (role, user, group):
                with self.assertRaises(NotFound):
                    await there.run(look, tenant_id, missing)
        await here.run(unmap_group, tenant_id, outer, (await there.run(role, tenant_id, "developer")).id)
        self.assertEqual(await there.run(granted_to_user, tenant_id, zoe), frozenset())

    async def test_the_same_event_twice_at_once(self) -> None:
        """Brought to both processes at the same moment, each event has its effect once; the newest word of all stands."""
        here, there, _ = await self.open()
        ids = id_maker(7)
        first = {"event_id": "e", "event_type": "tenant.created", "timestamp": NOW, "partner_id": "p1", "data": {"id": "t1", "name": "Tëst"}}
        await here.run(take_event_across_tenants, ids, read_event(first, client_id=""), now_s=NOW)
        kinds = ["suspended", "activated"]
        events = [
            read_event({**first, "event_id": f"e{n}", "event_type": f"tenant.{kinds[n % 2]}", "data": {"id": "t1", "updated_at": NOW + n}}, client_id="") for n in range(1, 11)
        ]
        taken = await gatherResults([each.run(take_event_across_tenants, ids, event, now_s=NOW) for event in reversed(events) for each in (here, there)])
        self.assertEqual(sorted(taken), [False] * 10 + [True] * 10)
        found = await there.run(tenant_within, None, "t1", partner_id=None)
        self.assertEqual((found.name, found.status), ("Tëst", "suspended"))
        self.assertEqual(len(await there.run(acts, found.id, before=None, most=99)), 11)

    async def test_two_at_once(self) -> None:
        """Keys made from both processes at once all exist, and each moved the epoch."""
        here, there, made = await self.open()
        before = await here.run(identity_epoch)
        caller = await here.run(_caller_of)
        apis = [KeysApi(database=each, ids=id_maker(number + 2), random_bytes=os.urandom) for number, each in enumerate((here, there))]
        made_keys = [_deferred(api.create(call_by(caller, body=b'{"name": "k"}'))) for _ in range(10) for api in apis]
        await gatherResults(made_keys)
        self.assertEqual(len(await here.run(keys, made.tenant.id, most=100)), 21)
        self.assertEqual(await there.run(identity_epoch), before + 20)

    async def test_a_subuser_made_at_once(self) -> None:
        """Of two that make one of the same username at once one does, and the other is told so; disabled in one process, its key is refused in the other."""
        here, there, made = await self.open()
        admin = administrator(made.partner.id, PARTNER_ADMIN)
        apis = [SubusersApi(database=each, ids=id_maker(number + 2), sources=()) for number, each in enumerate((here, there))]
        body = b'{"username": "jane", "email": "jane@example.org"}'
        outcomes = await DeferredList([_deferred(api.add(call_by(admin, body=body))) for api in apis], consumeErrors=True)
        self.assertEqual(sorted(done for done, _ in outcomes), [False, True])
        (failure,) = [result for done, result in outcomes if not done]
        self.assertEqual((failure.type, str(failure.value)), (Invalid, "username: username exists"))
        caller = await here.run(_caller_of)
        own = {"username": made.tenant.id}
        await apis[0].change(call_by(admin, body=b'{"disabled": true}', path=own))
        self.assertIsInstance((await there.run(check_callers, [caller], NOW))[0], Forbidden)
        await apis[0].change(call_by(admin, body=b'{"disabled": false}', path=own))
        self.assertEqual(await there.run(check_callers, [await there.run(_caller_of)], NOW), [None])
        await apis[1].remove(call_by(admin, path={"username": "jane"}))
        self.assertEqual(await here.run(only_tenant), made.tenant)

    async def test_two_first_installations_at_once(self) -> None:
        """Of two that begin at once on an empty database one is made, and the other told so."""
        pools = self.two_pools()
        inits = [
            each.run(init_installation, id_maker(number), partner_name="P", tenant_name="T", key=make_key(bytes([number] * 16)), now_s=NOW)
            for number, each in enumerate(pools)
        ]
        outcomes = await DeferredList(inits, consumeErrors=True)
        self.assertEqual(sorted(done for done, _ in outcomes), [False, True])
        (failure,) = [result for done, result in outcomes if not done]
        self.assertIsInstance(failure.value, Conflict)
        self.assertEqual(len(await pools[0].run(tenants)), 1)


def _caller_of(txn: Any) -> Any:
    return caller_of(find_credential(txn, hash_of(FIRST)), NOW)


def _deferred(coroutine: Any) -> Any:
    return Deferred.fromCoroutine(coroutine)


def _closed(database: Database) -> Any:
    return Deferred.fromCoroutine(database.close())


class SqliteTests(TwoProcesses, ReactorTestCase):
    """On one SQLite file."""

    def url(self) -> str:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        url = f"sqlite:///{folder.name}/scaisend.db"
        migrate(url)
        return url


class MariadbTests(TwoProcesses, ReactorTestCase):
    """On a MariaDB server."""

    def url(self) -> str:
        server = private_mariadb()
        return server.url(server.empty_database())
