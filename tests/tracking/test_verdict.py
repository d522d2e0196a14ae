from scaisend.tracking import verdict
from scaisend.tracking.personal import CLICK, OPEN, Named
from scaisend.tracking.verdict import Click, Past, Sighting, judged, needs_past, told_by_request
from tests.base import PlainTestCase

SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
AT = 1_000.0


def opened(agent: str = SAFARI, at: float = AT) -> Sighting:
    return Sighting(Named(OPEN, "msg_1", 0), at, agent, "192.0.2.1")


def clicked(number: int = 0, at: float = AT) -> Sighting:
    return Sighting(Named(CLICK, "msg_1", 0), at, SAFARI, "192.0.2.1", click=Click("https://x.test", number, False))


class RequestTests(PlainTestCase):
    def test_rows(self) -> None:
        """What a request tells of itself."""
        for method, headers, wanted in (
            ("GET", {"user-agent": SAFARI}, None),
            ("GET", {}, None),
            ("HEAD", {"user-agent": SAFARI}, verdict.HEAD),
            ("GET", {"sec-purpose": "prefetch;prerender"}, verdict.PREFETCH),
            ("GET", {"x-purpose": "preview"}, verdict.PREFETCH),
            ("GET", {"user-agent": "Mozilla/5.0"}, verdict.APPLE),
            ("GET", {"user-agent": "Googlebot/2.1"}, verdict.ROBOT),
            ("GET", {"user-agent": "Mozilla/5.0 (compatible; Barracuda Sentinel)"}, verdict.ROBOT),
            ("GET", {"user-agent": GMAIL}, None),
        ):
            self.assertEqual(told_by_request(method, headers), wanted, headers)


class JudgementTests(PlainTestCase):
    def test_gmails_proxy(self) -> None:
        """Its image proxy loads for a reader, but not right after delivery."""
        self.assertEqual(judged(opened(GMAIL), Past("delivered", AT - 2)), verdict.PROXY)
        self.assertIsNone(judged(opened(GMAIL), Past("delivered", AT - 60)))
        self.assertIsNone(judged(opened(GMAIL), Past("delivered")))
        self.assertIsNone(judged(opened(), Past("delivered", AT - 2)))

    def test_before_delivery(self) -> None:
        """A mail that was only deferred is in nobody's hands; while its outcome is being recorded it may be."""
        self.assertEqual(judged(clicked(), Past("deferred")), verdict.BEFORE)
        self.assertIsNone(judged(clicked(), Past("sending")))

    def test_bursts(self) -> None:
        """Soon after delivery two links at once are a scanner's, later three; the same link twice is a nervous hand's."""
        def past(delivered_at: float, *clicks: tuple[float, int]) -> Past:
            return Past("delivered", delivered_at, [(at, number, False) for at, number in clicks])

        self.assertIsNone(judged(clicked(), past(AT - 3, (AT, 0))))
        self.assertIsNone(judged(clicked(), past(AT - 3, (AT, 0), (AT + 1, 0))))
        self.assertIsNone(judged(clicked(), past(AT - 9, (AT, 0), (AT - 5, 1))))
        self.assertEqual(judged(clicked(), past(AT - 3, (AT, 0), (AT + 1, 1))), verdict.SCANNER)
        self.assertIsNone(judged(clicked(), past(AT - 300, (AT, 0), (AT + 1, 1))))
        self.assertEqual(judged(clicked(), past(AT - 300, (AT, 0), (AT + 1, 1), (AT - 1, 2))), verdict.SCANNER)

    def test_what_is_asked_for(self) -> None:
        """An open by a reader's own program needs no look into the past."""
        self.assertEqual([needs_past(each) for each in (opened(), opened(GMAIL), clicked())], [False, True, True])
