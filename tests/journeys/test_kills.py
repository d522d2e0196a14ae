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
    def test_killed_while_accepting_and_rendering(self) -> None:
        """One process on SQLite is killed around its commits, and with mail in its memory."""
        self.check(embedded_chain(), [each for each in EMBEDDED_KILLS if each.point.startswith(("accept.", "render.", "db."))])

    def test_killed_while_delivering(self) -> None:
        """One process on SQLite is killed at each stage of its SMTP conversations and around their recording."""
        self.check(embedded_chain(), [each for each in EMBEDDED_KILLS if each.point.startswith(("smtp.", "delivery."))])


class ServerKillsTests(KillsCase):
    def test_killed_api_and_worker(self) -> None:
        """On MariaDB and Redis the API and the worker are killed, one after the other, at each of their points."""
        self.check(servers_chain(private_mariadb(), redis_server()), [each for each in SERVER_KILLS if each.victim != "smtp"])

    def test_killed_smtp(self) -> None:
        """On MariaDB and Redis the sender is killed at each of its points while the others live on."""
        self.check(servers_chain(private_mariadb(), redis_server()), [each for each in SERVER_KILLS if each.victim == "smtp"])
