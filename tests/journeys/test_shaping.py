"""A host that throttles: the processes learn what it takes, together, and nothing is lost, bounced or sent twice."""

import time

from tests.base import PlainTestCase
from tests.world.installation import Installation
from tests.world.load import make_requests, send
from tests.world.mariadb import private_mariadb
from tests.world.reckoning import reckon
from tests.world.redis_server import redis_server
from tests.world.throttling_sink import ThrottlingSink

WINDOW_S = 5.0
MOST_MAILS = 60
MOST_CONNECTIONS = 3
REQUESTS = 120
SETTLE_S = 200.0  # some 100 s on a machine left alone; each back-off that noise adds takes 10 to 20 s


class ThrottledTests(PlainTestCase):
    def test_the_rate_of_a_host_is_learned(self) -> None:
        """Two senders come down to three connections and twelve mails a second together, and stay there."""
        sink = ThrottlingSink(most_connections=MOST_CONNECTIONS, most_mails=MOST_MAILS, window_s=WINDOW_S)
        self.addCleanup(sink.close)
        house = Installation(sink.port, mariadb=private_mariadb(), redis=redis_server(), SMTP_SHAPING_STEP="2", SMTP_MAX_RETRIES="0")
        self.addCleanup(house.close)
        house.start("api", "api", "worker")
        house.start("first", "smtp")
        house.start("second", "smtp")
        began = time.monotonic()
        promises = send(house.url("api"), house.api_key, make_requests("slow", REQUESTS, sender=house.sender))
        took = house.settled(SETTLE_S)
        found = reckon(promises, house.recipients(), sink.copies)
        middle = began + (time.monotonic() - began) / 2
        late = sum(1 for at in sink.put_off_at if at >= middle)
        changes = house.ask("SELECT was, became, reason, happened_at FROM shape_changes ORDER BY number")
        print(f"\n    {dict(found.figures)} in {took:.0f} s; refused {dict(sink.refused)}, {late} in the second half; {len(changes)} changes")
        self.assertEqual((list(found.wrong[:10]), found.copies, found.bounced), ([], 0, 0), house.logs())
        self.assertEqual(found.delivered, found.accepted)
        self.assertTrue(any("unusual rate" in change[2] for change in changes), changes)
        self.assertTrue(any("mails a minute" in change[1] for change in changes), changes)
        self.assertLess(sum(sink.refused.values()), found.accepted / 4)
        self.assertLess(late, MOST_MAILS)
        house.audit()
