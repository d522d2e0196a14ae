"""The inline database is under the same contract as the pools."""

from scaisend.faults import Unavailable
from tests.base import PlainTestCase, ReactorTestCase
from tests.storage.contract_database import DatabaseContract, epochs, put
from tests.world.inline_database import inline_database


class InlineContract(DatabaseContract, ReactorTestCase):
    """The contract."""

    def setUp(self) -> None:
        self.database = inline_database()
        self.addCleanup(self.database.close)


class InlineDatabaseTests(PlainTestCase):
    """What tests use beside the contract."""

    def test_answers_at_once(self) -> None:
        """The Deferred has fired when `run` returns."""
        database = inline_database()
        self.assertEqual(self.successResultOf(database.run(put, "a")), 1)
        self.assertEqual(database.rows("SELECT name FROM epochs WHERE name = ?", "a"), [("a",)])

    def test_each_is_empty(self) -> None:
        """Databases share nothing."""
        inline_database().now(put, "a")
        self.assertEqual(inline_database().now(epochs), {})

    def test_can_be_away(self) -> None:
        """While it is away everything is refused and nothing is written."""
        database = inline_database()
        database.away = True
        self.failureResultOf(database.run(put, "a"), Unavailable)
        self.failureResultOf(database.read(epochs), Unavailable)
        database.away = False
        self.assertEqual(database.now(epochs), {})

    def test_can_lose_the_answer_of_a_commit(self) -> None:
        """The caller cannot know that the transaction was committed."""
        database = inline_database()
        database.lost_commits = 1
        self.failureResultOf(database.run(put, "a"), Unavailable)
        self.assertEqual(database.now(epochs), {"a": 0})
