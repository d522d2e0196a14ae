import time

from scaisend.messages.depths_store import depths, depths_across_tenants
from scaisend.storage.queue import EMAIL_PROCESS, SMTP_DELIVER
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.messages import To, insert_message
from tests.world.tenants import id_maker, make_a_tenant


class DepthsTests(PlainTestCase):
    def test_a_tenant_sees_its_own_and_the_operator_all(self) -> None:
        """Rows with a moment are counted by queue, due or later; what ended counts nowhere; another tenant's only for the operator."""
        database, ids, now = inline_database(), id_maker(), time.time()
        ours, theirs = make_a_tenant(database, ids), make_a_tenant(database, ids, "Bolt")
        database.now(insert_message, ids, ours.id, (To(status="deferred", waiting="retry", due_at=now - 5),), due_at=None)
        database.now(insert_message, ids, ours.id, (To(status="delivered"),), due_at=None)
        database.now(insert_message, ids, theirs.id, (To(),), due_at=now + 60)
        own, everything = database.now(depths, ours.id, now), database.now(depths_across_tenants, now)
        self.assertEqual((own.due[SMTP_DELIVER], own.later[EMAIL_PROCESS], own.recipients["deferred"]), (1, 0, 1))
        self.assertEqual((everything.due[SMTP_DELIVER], everything.later[EMAIL_PROCESS]), (1, 1))
        self.assertTrue(abs(own.oldest_at[SMTP_DELIVER] - (now - 5)) < 0.01)
