from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.identity.people_store import make_partner, make_tenant
from scaisend.identity.settings_store import change_setting, having_across_tenants, section, settings_across_tenants
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.tenants import NOW, id_maker, make_a_tenant


class SettingsStoreTests(PlainTestCase):
    def test_settings_by_section_and_name(self) -> None:
        """A change keeps what it does not give, in the setting, the section and the other sections; a tenant's settings are its own."""
        database, ids = inline_database(), id_maker()
        tenant, other = make_a_tenant(database, ids).id, make_a_tenant(database, ids, "Other").id
        self.assertEqual(database.now(section, tenant, "mail_settings"), {})
        database.now(change_setting, tenant, "mail_settings", "footer", {"enabled": True, "plain_content": "é"}, now_s=NOW)
        database.now(change_setting, tenant, "user", "profile", {"city": "Ghent"}, now_s=NOW)
        after = database.now(change_setting, tenant, "mail_settings", "footer", {"enabled": False}, now_s=NOW)
        self.assertEqual(after, {"enabled": False, "plain_content": "é"})
        self.assertEqual(database.now(section, tenant, "mail_settings"), {"footer": after})
        self.assertEqual(database.now(settings_across_tenants, [tenant, other]), {tenant: {"mail_settings": {"footer": after}, "user": {"profile": {"city": "Ghent"}}}})
        self.assertEqual(database.now(having_across_tenants, "mail_settings", "footer"), {tenant: after})
        self.assertEqual(database.now(having_across_tenants, "user", "footer"), {})


class MariadbSettingsTests(ReactorTestCase):
    timeout = 120

    async def test_changes_at_once_lose_nothing(self) -> None:
        """Each of several changes that come together is there afterwards."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=4)
        self.addCleanup(database.close)
        ids = id_maker()
        partner = await database.run(make_partner, ids, name="P", now_s=NOW)
        tenant = await database.run(make_tenant, ids, name="T", partner_id=partner.id, now_s=NOW)
        names = [f"setting{number}" for number in range(8)]
        await gatherResults([database.run(change_setting, tenant.id, "mail_settings", name, {"enabled": True}, now_s=NOW) for name in names])
        self.assertEqual(await database.read(section, tenant.id, "mail_settings"), {name: {"enabled": True} for name in names})
        self.assertEqual(set(await database.read(having_across_tenants, "mail_settings", "setting3")), {tenant.id})
