"""What the operator sees of kept mails."""

from scaisend.inbound.store import KeptMail, keep_across_tenants, kept_across_tenants, kept_mail_across_tenants
from tests.base import PlainTestCase
from tests.world.inline_database import InlineDatabase


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
