"""Group commit on real transactions."""

from collections.abc import Sequence
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock

from scaisend.faults import Invalid, Unavailable
from scaisend.storage.database import Txn
from scaisend.storage.group_commit import GroupCommit
from scaisend.storage.migrations.run import migrate
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.storage.contract_database import epochs
from tests.world.inline_database import inline_database


class Writer:
    """Writes names, keeps the sizes of its groups; fails for `poison`, refuses `refused`, and answers the name's length."""

    def __init__(self) -> None:
        self.groups: list[int] = []

    def __call__(self, txn: Txn, names: Sequence[str]) -> list[int | Exception]:
        self.groups.append(len(names))
        txn.insert("epochs", ["name", "value"], [(name, 0) for name in names if name != "refused"])
        if "poison" in names:
            raise ValueError("poison")
        return [Invalid("refused") if name == "refused" else len(name) for name in names]


class PooledGroupTests(ReactorTestCase):
    """On a file, where transactions take their time."""

    def setUp(self) -> None:
        url = f"sqlite:///{Path(self.mktemp()).absolute()}"
        migrate(url)
        self.database = open_database(url, reactor=reactor)
        self.addCleanup(self.database.close)
        self.write = Writer()

    async def test_what_arrives_meanwhile_goes_into_the_next_group(self) -> None:
        """The first items wait for nobody; all that came while they were committed share one commit."""
        group: GroupCommit[str, int] = GroupCommit(database=self.database, fn=self.write, reactor=reactor, at_once=2)
        answers = [group.run(f"n{number}") for number in range(50)]
        self.assertEqual(group.waiting, 48)
        self.assertEqual(await gatherResults(answers), [len(f"n{number}") for number in range(50)])
        self.assertEqual(self.write.groups, [1, 1, 48])
        self.assertEqual(len(await self.database.read(epochs)), 50)

    async def test_a_group_has_its_most(self) -> None:
        """No group is heavier than `most`, but for an item that is so by itself."""
        group: GroupCommit[str, int] = GroupCommit(
            database=self.database, fn=self.write, reactor=reactor, at_once=1, most=10, weight=len)
        answers = [group.run(name) for name in ("first", "aaaaaa", "bbbb", "c" * 30, "d", "e" * 9, "f")]
        await gatherResults(answers)
        self.assertEqual(self.write.groups, [1, 2, 1, 2, 1])

    async def test_an_item_that_breaks_its_group_breaks_alone(self) -> None:
        """The group is split until the culprit is alone; the others are committed, once."""
        group: GroupCommit[str, int] = GroupCommit(database=self.database, fn=self.write, reactor=reactor, at_once=1)
        names = [f"n{number}" for number in range(12)]
        answers = [group.run(name) for name in [*names[:7], "poison", *names[7:]]]
        await self.assertFailure(answers.pop(7), ValueError)
        await gatherResults(answers)
        self.assertEqual(sorted(await self.database.read(epochs)), sorted(names))

    async def test_drained(self) -> None:
        """It is drained when the last commit is through."""
        group: GroupCommit[str, int] = GroupCommit(database=self.database, fn=self.write, reactor=reactor)
        answers = [group.run(f"n{number}") for number in range(5)]
        await group.drained()
        self.assertTrue(all(answer.called for answer in answers))
        await group.drained()


class InlineGroupTests(PlainTestCase):
    """In memory."""

    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.clock = Clock()
        self.write = Writer()

    def test_a_refusal_is_the_item_s_own(self) -> None:
        """An exception that is answered for an item is raised for it, and the others' results stand."""
        group: GroupCommit[str, int] = GroupCommit(database=self.database, fn=self.write, reactor=self.clock, linger_s=0.1)
        answers = [group.run("refused"), group.run("abc")]
        self.clock.advance(0.1)
        self.failureResultOf(answers[0], Invalid)
        self.assertEqual(self.successResultOf(answers[1]), 3)
        self.assertEqual(self.database.now(epochs), {"abc": 0})

    def test_a_short_group_waits_for_company(self) -> None:
        """With `linger_s` nothing runs before the time is up, or the group is full."""
        group: GroupCommit[str, int] = GroupCommit(database=self.database, fn=self.write, reactor=self.clock, linger_s=0.1, most=3)
        answers = [group.run("a"), group.run("b")]
        self.assertNoResult(answers[0])
        self.clock.advance(0.1)
        self.assertEqual(self.write.groups, [2])
        for name in ("c", "d", "e"):
            answers.append(group.run(name))
        self.assertEqual(self.write.groups, [2, 3])
        self.assertEqual([self.successResultOf(answer) for answer in answers], [1] * 5)

    def test_a_database_that_is_away_refuses_the_whole_group(self) -> None:
        """Nobody is tried alone: it would be in vain."""
        group: GroupCommit[str, int] = GroupCommit(database=self.database, fn=self.write, reactor=self.clock, linger_s=0.1)
        self.database.away = True
        answers = [group.run("a"), group.run("b")]
        self.clock.advance(0.1)
        for answer in answers:
            self.failureResultOf(answer, Unavailable)
        self.database.away = False
        after = group.run("c")
        self.clock.advance(0.1)
        self.assertEqual(self.successResultOf(after), 1)

    def test_a_function_that_answers_too_few_leaves_nobody_waiting(self) -> None:
        """Every item gets an error, and the group commit goes on."""
        group: GroupCommit[str, int] = GroupCommit(database=self.database, fn=lambda txn, names: [], reactor=self.clock)
        self.failureResultOf(group.run("a"), RuntimeError)
        self.failureResultOf(group.run("b"), RuntimeError)

    def test_an_item_that_asks_again_from_its_answer(self) -> None:
        """A callback may run the next item."""
        group: GroupCommit[str, int] = GroupCommit(database=self.database, fn=self.write, reactor=self.clock)
        second: Deferred[int] = group.run("a").addCallback(lambda length: group.run("bb"))
        self.assertEqual(self.successResultOf(second), 2)
