"""What is shown of ids tells nothing of other tenants, and cannot be guessed."""

from random import SystemRandom

from scaisend.app.adapters import make_ids
from scaisend.domains.links_store import add_link
from scaisend.domains.verified_senders_store import add_sender
from scaisend.domains.whitelabel_store import numbers
from scaisend.ids import lane_of, number_of
from scaisend.suppressions.groups_store import FIRST_ID_AT, add_group
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, id_maker, make_a_tenant


class Ids(PlainTestCase):
    def test_the_next_one_is_the_systems_secret(self) -> None:
        """60 bits of each id are the operating system's: a generator of our own could be told from the ids that a tenant sees of its own."""
        self.assertIsInstance(make_ids()._random_bits.__self__, SystemRandom)  # type: ignore[attr-defined]

    def test_an_id_holds_its_own_tenant_alone(self) -> None:
        """A moment, the hash of its tenant, and dice: nothing counts."""
        ids = make_ids()
        one, two = (number_of(ids.new("msg", "tnt_a")) for _ in range(2))
        self.assertEqual((one >> 60 & 0xFFFFF, two >> 60 & 0xFFFFF), (lane_of("tnt_a"), lane_of("tnt_a")))
        self.assertNotEqual(one & (1 << 60) - 1, two & (1 << 60) - 1)

    def test_whole_numbers_count_for_one_tenant(self) -> None:
        """However many groups and senders another one made, the first number of a tenant is the second it was made in."""
        database, ids = inline_database(), id_maker()
        busy, quiet = make_a_tenant(database, ids, "Busy"), make_a_tenant(database, ids, "Quiet")
        made = []
        for tenant in (*[busy] * 5, quiet):
            name = f"{tenant.name} {len(made)}"
            group = database.now(add_group, tenant.id, name=name, description=None, is_default=False, now=NOW)
            profile = {"nickname": name, "from_email": f"{len(made)}@example.org", "reply_to": "a@example.org"}
            made.append((group.id, database.now(add_sender, tenant.id, profile, now_s=NOW).id))
        self.assertEqual(made[-1], (int(NOW) - FIRST_ID_AT, int(NOW) - FIRST_ID_AT))
        self.assertEqual(database.now(numbers, quiet.id, now_s=NOW), {})

    def test_links_of_all_tenants_are_spread(self) -> None:
        """Branded links have one space of numbers for all: two that follow each other stand nowhere near each other."""
        database, ids = inline_database(), id_maker()
        tenants = [make_a_tenant(database, ids, name) for name in ("One", "Two")]
        made = [database.now(add_link, tenant.id, "a.test", "go", is_default=False, now_s=NOW).id for tenant in tenants]
        self.assertGreater(abs(made[0] - made[1]), 1_000)
        self.assertTrue(all(2**30 <= each < 2**31 for each in made))
