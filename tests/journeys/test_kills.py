"""Processes killed at every point of the road: nothing is lost, nothing is half there, and copies come out of doubt alone."""

from collections.abc import Sequence

from tests.base import PlainTestCase
from tests.world.kills import EMBEDDED_KILLS, SERVER_KILLS, Chain, Kill, embedded_chain, servers_chain
from tests.world.mariadb import private_mariadb
from tests.world.redis_server import redis_server


class KillsCase(PlainTestCase):
    def check(self, chain: Chain, kills: Sequence[Kill]) -> None:
        """The kills happened, each where it was meant to, and the reckoning is right."""
        self.addCleanup(chain.close)
        for kill in kills:
            chain.run(kill)
        found = chain.reckoning()
        print(f"\n    {len(chain.killed)} kills, settled in {chain.settled_s:.1f} s: {dict(found.figures)}")
        self.assertEqual(list(found.wrong[:10]), [], chain.house.logs())
        self.assertEqual(chain.missed, [])
        self.assertLessEqual(found.copies, found.resent)
        self.assertEqual(chain.house.alarms(), [])
        chain.house.audit()


class EmbeddedKillsTests(KillsCase):
    def test_killed_at_every_point(self) -> None:
        """One process on SQLite is killed around its commits, with mail in its memory, and at each stage of its SMTP conversations."""
        self.check(embedded_chain(), EMBEDDED_KILLS)


class ServerKillsTests(KillsCase):
    def test_killed_one_after_the_other(self) -> None:
        """On MariaDB and Redis the API, the worker and the sender are killed at their points while the others live on."""
        self.check(servers_chain(private_mariadb(), redis_server()), _each_once(SERVER_KILLS))


def _each_once(kills: Sequence[Kill]) -> list[Kill]:
    """Every point of the program once, and of the mail host's stages those around the final dot."""
    found: dict[tuple[str, str], Kill] = {}
    for kill in kills:
        if kill.stage in ("", "DOT", "ACKNOWLEDGED"):
            found.setdefault((kill.victim, kill.point.partition(":")[0]), kill)
    return list(found.values())
