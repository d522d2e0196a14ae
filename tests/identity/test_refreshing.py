from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from scaisend.faults import Unauthenticated, Unavailable
from scaisend.identity.jwt import Claims
from scaisend.identity.login_client import Tokens
from scaisend.identity.refreshes_store import KEPT_S, OPEN_S, SAME_ANSWER_S
from scaisend.identity.refreshing import Refreshing
from scaisend.sealing import Sealer
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW


class Provider:
    """Exchanges a token when it is told to; stands where LoginClient stands."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Deferred[Tokens]]] = []

    async def renew(self, refresh_token: str) -> Tokens:
        self.asked.append((refresh_token, Deferred()))
        return await self.asked[-1][1]


class RefreshingTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.clock, self.provider = inline_database(), Clock(), Provider()
        self.clock.advance(NOW)
        self.here, self.there = self.process(), self.process()
        self.good = Tokens("new", Claims("ann", None, None, None, "é", None, NOW, NOW + 600), "id", "next")

    def process(self) -> Refreshing:
        client: Any = self.provider
        return Refreshing(
            client=client, database=self.database, sealer=Sealer(b"k" * 32, bytes), wait=lambda seconds: deferLater(self.clock, seconds),
        )

    def ask(self, process: Refreshing, token: str = "old") -> "Deferred[Tokens]":
        return Deferred.fromCoroutine(process.tokens(token, self.clock.seconds()))

    def test_two_tabs(self) -> None:
        """Two tabs that refresh at once, at two processes, get the same tokens for one exchange; other tokens do not wait for it."""
        first, second, other = self.ask(self.here), self.ask(self.there), self.ask(self.there, "another")
        self.clock.advance(1)
        self.assertEqual([token for token, _ in self.provider.asked], ["old", "another"])
        self.assertNoResult(second)
        self.provider.asked[0][1].callback(self.good)
        self.clock.advance(1)
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), (self.good, self.good))
        self.assertNoResult(other)
        self.provider.asked[1][1].callback(self.good)
        self.successResultOf(other)

    def test_an_answer_that_was_lost(self) -> None:
        """For a minute the old token gets what it got; after that the provider decides."""
        first = self.ask(self.here)
        self.provider.asked[0][1].callback(self.good)
        self.successResultOf(first)
        self.clock.advance(SAME_ANSWER_S - 1)
        self.assertEqual(self.successResultOf(self.ask(self.there)), self.good)
        self.clock.advance(1)
        late = self.ask(self.there)
        self.assertEqual(len(self.provider.asked), 2)
        self.provider.asked[1][1].errback(Unauthenticated("no"))
        self.failureResultOf(late, Unauthenticated)
        ((kept,),) = self.database.rows("SELECT COUNT(*) FROM refresh_exchanges")
        self.assertEqual(kept, 0)

    def test_what_is_kept(self) -> None:
        """Neither token can be read in the database, and nothing stays for long."""
        first = self.ask(self.here)
        self.provider.asked[0][1].callback(self.good)
        self.successResultOf(first)
        self.assertNotIn("next", repr(self.database.rows("SELECT * FROM refresh_exchanges")))
        self.assertNotIn("old", repr(self.database.rows("SELECT * FROM refresh_exchanges")))
        self.clock.advance(KEPT_S + 1)
        self.ask(self.here, "another")
        self.assertEqual(self.database.rows("SELECT COUNT(*) FROM refresh_exchanges"), [(1,)])

    def test_the_provider_is_away(self) -> None:
        """Who comes after a failure asks again at once."""
        first, second = self.ask(self.here), self.ask(self.there)
        self.provider.asked[0][1].errback(Unavailable("identity provider"))
        self.failureResultOf(first, Unavailable)
        self.clock.advance(1)
        self.assertEqual(len(self.provider.asked), 2)
        self.provider.asked[1][1].callback(self.good)
        self.assertEqual(self.successResultOf(second), self.good)

    def test_a_process_that_died(self) -> None:
        """An exchange that was cut off is begun again by who waits for it."""
        self.ask(self.here)
        second = self.ask(self.there)
        self.clock.pump([0.25] * int(OPEN_S * 4))
        self.assertEqual(len(self.provider.asked), 2)
        self.provider.asked[1][1].callback(self.good)
        self.assertEqual(self.successResultOf(second), self.good)
