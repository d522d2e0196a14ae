"""What the operator sees of kept mails."""

from twisted.internet import reactor

from scaisend.inbound import store
from scaisend.inbound.store import KeptMail, keep_across_tenants, kept_across_tenants, kept_mail_across_tenants
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import InlineDatabase
from tests.world.mariadb import private_mariadb
from tests.world.messages import To, insert_message
from tests.world.tenants import id_maker


class KeptMailTests(PlainTestCase):
    def test_pages(self) -> None:
        """Mails are listed newest first, by kind and page, without their content, which one mail alone brings along."""
        database = InlineDatabase()
        mails = [
            KeptMail(f"inb_{number}", "unparsed" if number % 2 else "bounce", "", "r@r.test", "peer", 3, 10.5 + number, content=b"abc")
            for number in range(5)
        ]
        database.now(keep_across_tenants, mails)
        page = database.now(kept_across_tenants, most=2)
        self.assertEqual([(mail.id, mail.content, mail.received_at) for mail in page], [("inb_4", None, 14.5), ("inb_3", None, 13.5)])
        self.assertEqual([mail.id for mail in database.now(kept_across_tenants, kind="unparsed", before="inb_3")], ["inb_1"])
        found = database.now(kept_mail_across_tenants, "inb_1")
        self.assertEqual(found, mails[1])
        self.assertIsNone(database.now(kept_mail_across_tenants, "inb_9"))


class MariadbKeptMailTests(ReactorTestCase):
    timeout = 120

    async def test_reading_and_settling(self) -> None:
        """The statements of the reader mean the same on MariaDB: claim, lock, look up, set kinds, drop, forget."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=1)
        self.addCleanup(database.close)
        ids = id_maker()
        made = await database.run(insert_message, ids, "tnt_1", [To(status="delivered", waiting=None)], status="delivered")
        mails = [
            KeptMail(f"inb_{number}", store.UNPARSED, "", "r@r.test", "peer", 3, 10.0 + number, recipient_id=made.recipients[0], content=b"\x00\xff'")
            for number in range(4)
        ]
        await database.run(keep_across_tenants, mails)
        self.assertEqual([(mail.id, mail.content) for mail in await database.run(store.unparsed_across_tenants, 2)], [("inb_0", b"\x00\xff'"), ("inb_1", b"\x00\xff'")])
        self.assertEqual(await database.run(store.lock_unparsed_across_tenants, ["inb_3", "inb_0", "inb_9"]), {"inb_0", "inb_3"})
        known = await database.run(store.recipients_across_tenants, made.recipients, [made.id])
        self.assertEqual([(each.recipient_id, each.tenant_id, each.status) for each in known], [(made.recipients[0], "tnt_1", "delivered")])
        self.assertEqual(await database.run(store.complained_across_tenants, known, "delivered"), {made.recipients[0]})
        await database.run(store.set_kinds_across_tenants, {"other": ["inb_0", "inb_1"], "bounce": ["inb_2"]})
        self.assertEqual(await database.run(store.kept_counts_across_tenants), {"other": 2, "bounce": 1, "unparsed": 1})
        self.assertEqual([m.id for m in await database.run(store.kept_read, "tnt_1", kinds=("other",), before="inb_1", most=5)], ["inb_0"])
        self.assertEqual([m.id for m in await database.run(store.read_before_across_tenants, 11.5, 5)], ["inb_0", "inb_1"])
        await database.run(store.drop_across_tenants, ["inb_0", "inb_1"])
        self.assertEqual(await database.run(store.unnamed_objects_across_tenants, ["a", "b"]), ["a", "b"])
        self.assertEqual(await database.run(store.kept_counts_across_tenants), {"bounce": 1, "unparsed": 1})
