from twisted.internet import reactor

from scaisend.domains import verified_senders_store as store
from scaisend.faults import Invalid
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.tenants import NOW


def life(txn: Txn) -> list[object]:
    """What the statements answer, from the first sender to the last."""
    made = store.add_sender(txn, "tnt_a", {"from_email": "Çelik@Example.com", "nickname": "Ç"}, now_s=NOW)
    second = store.add_sender(txn, "tnt_a", {"from_email": "b@example.com"}, now_s=NOW)
    other = store.add_sender(txn, "tnt_b", {"from_email": "çelik@example.com"}, now_s=NOW)
    seen: list[object] = [made.email, second.id - made.id, other.id == made.id, [each.email for each in store.senders(txn, "tnt_a", after=made.id)]]
    for change in (lambda: store.add_sender(txn, "tnt_a", {"from_email": "B@example.com"}, now_s=NOW),
                   lambda: store.change_sender(txn, "tnt_a", second.id, {"from_email": "çelik@EXAMPLE.com"}, now_s=NOW)):
        try:
            change()
        except Invalid as error:
            seen.append(error.faults[0].field)
    seen += [
        store.verify_sender(txn, "tnt_a", made.id, "b@example.com", now_s=NOW), store.verify_sender(txn, "tnt_a", made.id, made.email, now_s=NOW),
        store.verified_across_tenants(txn, {"tnt_a": [made.email, second.email, "celik@example.com"], "tnt_b": [made.email]}) == {("tnt_a", made.email)},
    ]
    changed = store.change_sender(txn, "tnt_a", made.id, {"from_email": "new@example.com"}, now_s=NOW + 1)
    assert changed is not None
    seen += [changed == store.sender(txn, "tnt_a", made.id), changed.is_verified, changed.profile["nickname"]]
    return [*seen, store.delete_sender(txn, "tnt_b", made.id), store.delete_sender(txn, "tnt_b", made.id), store.senders(txn, "tnt_b")]


ANSWERS = [
    "çelik@example.com", 1, True, ["b@example.com"], "from_email", "from_email", False, True, True, True, False, "Ç", True, False, [],
]


class VerifiedSendersStoreTests(PlainTestCase):
    def test_life_of_senders(self) -> None:
        """Numbers count up in a tenant, an address stands once in it, verifying is for one tenant and one address, and ends with a change."""
        self.assertEqual(inline_database().now(life), ANSWERS)

    def test_bound(self) -> None:
        """A tenant has a bounded number of senders."""
        database = inline_database()
        for number in range(store.MOST_SENDERS):
            database.now(store.add_sender, "tnt_a", {"from_email": f"{number}@example.com"}, now_s=NOW)
        with self.assertRaises(Invalid):
            database.now(store.add_sender, "tnt_a", {"from_email": "more@example.com"}, now_s=NOW)


class MariadbVerifiedSendersTests(ReactorTestCase):
    timeout = 120

    async def test_life_of_senders(self) -> None:
        """The statements mean the same on MariaDB."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=1)
        self.addCleanup(database.close)
        self.assertEqual(await database.run(life), ANSWERS)
