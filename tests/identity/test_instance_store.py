from scaisend.faults import Conflict
from scaisend.identity.instance_store import bump_identity_epoch, check_fingerprint, claim_fact, identity_epoch
from scaisend.storage.database import Txn
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database


class InstanceStoreTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()

    def test_epoch(self) -> None:
        """The epoch begins at 0 and counts each change that is committed, and no other."""
        self.assertEqual(self.database.now(identity_epoch), 0)
        for count in (1, 2, 3):
            self.database.now(bump_identity_epoch)
            self.assertEqual(self.database.now(identity_epoch), count)

        def fails(txn: Txn) -> None:
            bump_identity_epoch(txn)
            raise ValueError

        self.assertRaises(ValueError, self.database.now, fails)
        self.assertEqual(self.database.now(identity_epoch), 3)

    def test_fingerprint(self) -> None:
        """The first SECRET_KEY is the installation's; another one is refused with both fingerprints and the cure."""
        self.database.now(check_fingerprint, "aaaa")
        self.database.now(check_fingerprint, "aaaa")
        error = self.assertRaises(Conflict, self.database.now, check_fingerprint, "bbbb")
        self.assertEqual(error.faults[0].field, "SECRET_KEY")
        self.assertIn("bbbb", str(error))
        self.assertIn("aaaa", str(error))
        self.database.now(check_fingerprint, "aaaa")

    def test_a_fact_is_claimed_once(self) -> None:
        """The first value of a fact stays."""
        self.assertEqual(self.database.now(claim_fact, "who", "me"), "me")
        self.assertEqual(self.database.now(claim_fact, "who", "you"), "me")
