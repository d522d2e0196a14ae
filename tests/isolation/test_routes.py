"""Every route of the public listener, with every kind of credential (docs/isolation.md)."""

from tests.base import PlainTestCase
from tests.isolation.page import PAGE, page, walk_all
from tests.isolation.rows import Row
from tests.isolation.walking import Outcome, Walk, all_rows, missing_rows, public_table
from tests.isolation.world import World, unlike
from tests.world.mariadb import PrivateMariadb, private_mariadb

SAMPLES, MORE_SAMPLES = 7, 61
NOISE_S, NOISE = 0.004, 0.5


class Routes(PlainTestCase):
    def world(self, mariadb: PrivateMariadb | None = None) -> World:
        world = World(mariadb)
        self.addCleanup(world.close)
        return world

    def test_every_route_has_a_row(self) -> None:
        """Who adds a route says how it is asked, and what can be named by it."""
        self.assertEqual("\n".join(missing_rows(public_table())), "")

    maxDiff = None

    def test_the_table(self) -> None:
        """Every cell is what the table of routes says, nobody changed what is another's, and the page says what was seen."""
        outcomes = walk_all(self.world())
        self.assertEqual(faults(outcomes), "")
        self.assertEqual(PAGE.read_text(encoding="utf-8"), page(outcomes), "run `python -m tests.isolation`")

    def test_the_table_on_mariadb(self) -> None:
        """What names a thing is asked there too, for it compares text in another way."""
        walk = Walk(self.world(private_mariadb()), public_table())
        self.assertEqual(faults([walk.from_others(row) for row in all_rows() if row.is_hidden]), "")

    def test_another_tenants_thing_takes_no_longer(self) -> None:
        """The medians of asking for another tenant's thing and for one that does not exist differ by less than the noise."""
        walk = Walk(self.world(), public_table())
        rows = [row for row in all_rows() if row.is_hidden]
        self.assertEqual([f"{row.route} {row.note}: {seen}" for row in rows if (seen := self._telling(walk, row))], [])

    def _telling(self, walk: Walk, row: Row) -> str:
        """What the times tell, if anything; measured again, and longer, before it is believed."""
        for samples in (SAMPLES, MORE_SAMPLES):
            there, nowhere = walk.delay(row, samples)
            if abs(there - nowhere) < max(NOISE_S, NOISE * min(there, nowhere)):
                return ""
        return f"{there * 1000:.2f} ms and {nowhere * 1000:.2f} ms"

    def test_what_is_unlike(self) -> None:
        """Another value has the same form, so that only the thing is missing."""
        for value in ("msg_01m86bawxhycp7nb8npxbppyf0", "217672753", "a-1f2e3d4c@left.test", "a-1f2e3d4c.sender.test", "d-0123456789abcdef0123456789abcdef"):
            other = unlike(value)
            self.assertNotEqual(other, value)
            self.assertEqual((len(other), other[:2], other[-5:] if "." in value else ""), (len(value), value[:2], value[-5:] if "." in value else ""))


def faults(outcomes: list[Outcome]) -> str:
    return "\n".join(f"{each.route.method} {each.route.path} {each.row.note}: {fault}" for each in outcomes for fault in each.faults)
