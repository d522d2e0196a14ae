"""What every limiter does."""

from scaisend.storage.limiter import Limit, Verdict


class LimiterContract:
    """Mixed into a ReactorTestCase whose `open()` makes `self.limiter`. Windows are long, so that none ends on the way."""

    PER_DAY = 86_400.0

    async def setUp(self) -> None:
        super().setUp()
        await self.open()

    async def take(self, key: str, limit: Limit, cost: int = 1) -> Verdict:
        return self.limiter.take_now(key, limit, cost) or await self.limiter.take(key, limit, cost)

    async def test_small_limits_are_exact(self) -> None:
        """Of a limit of ten, ten are allowed and the eleventh is not; the headers count down."""
        limit = Limit(10, self.PER_DAY)
        verdicts = [await self.take("a", limit) for _ in range(12)]
        self.assertEqual([each.allowed for each in verdicts], [True] * 10 + [False] * 2)
        self.assertEqual([each.remaining for each in verdicts], [*range(9, -1, -1), 0, 0])
        self.assertEqual({each.limit for each in verdicts}, {10})

    async def test_refusal_says_when(self) -> None:
        """A refusal names the end of the window, and the whole seconds until then."""
        limit = Limit(1, self.PER_DAY)
        await self.take("a", limit)
        refused = await self.take("a", limit)
        self.assertFalse(refused.allowed)
        self.assertLess(refused.reset_at, self.now_s() + self.PER_DAY + 1)
        self.assertLess(abs(refused.retry_after_s - (refused.reset_at - self.now_s())), 2)

    async def test_large_limits(self) -> None:
        """Of a large limit, exactly that many are allowed to one process."""
        limit = Limit(1_000, self.PER_DAY)
        allowed = [(await self.take("a", limit)).allowed for _ in range(1_100)]
        self.assertEqual(allowed, [True] * 1_000 + [False] * 100)

    async def test_keys_are_apart(self) -> None:
        """One key's use is not another's."""
        limit = Limit(1, self.PER_DAY)
        self.assertTrue((await self.take("a", limit)).allowed)
        self.assertTrue((await self.take("b", limit)).allowed)
        self.assertFalse((await self.take("a", limit)).allowed)

    async def test_cost(self) -> None:
        """A request may cost several; what does not fit is refused whole and counts nothing."""
        limit = Limit(10, self.PER_DAY)
        self.assertTrue((await self.take("a", limit, 7)).allowed)
        self.assertFalse((await self.take("a", limit, 4)).allowed)
        self.assertTrue((await self.take("a", limit, 3)).allowed)
