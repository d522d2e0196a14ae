"""What the doctor makes of what it was told."""

from dataclasses import replace

from scaisend.app.checks import (
    AWAY,
    FAILED,
    OK,
    WARNING,
    Check,
    broken,
    certificate_check,
    covers,
    exit_code,
    lines_of,
    server_checks,
    setting_checks,
    worst,
)
from scaisend.smtp.tls import make_certificate
from scaisend.storage.server_facts import ServerFacts, server_facts
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database

NOW = 1_800_000_000.0
GOOD = ServerFacts("mariadb", "10.11.6-MariaDB-0+deb12u1", "utf8mb4", NOW)
DAY_S = 86_400.0


def check(status: str) -> Check:
    return Check("a.check", "x", status, "found", "expected", "cure")


class Verdicts(PlainTestCase):
    def test_exit_codes(self) -> None:
        """Warnings are not broken; a dependency that is away counts more than what failed."""
        for states, state, code, count in (
            ((), OK, 0, 0), ((OK, WARNING), WARNING, 0, 0), ((WARNING, FAILED, OK), FAILED, 1, 1), ((FAILED, AWAY), AWAY, 3, 2),
        ):
            checks = [check(each) for each in states]
            self.assertEqual((worst(checks), exit_code(checks), broken(checks)), (state, code, count))

    def test_lines(self) -> None:
        """What is well is one line; what is not has its expectation and its cure below."""
        self.assertEqual(lines_of(check(OK)), ["[ok] a.check x: found"])
        self.assertEqual(lines_of(check(FAILED)), ["[failed] a.check x: found", "    expected: expected", "    mend: cure"])

    def test_settings(self) -> None:
        """Each doubt about the settings is a warning; without any it is said that there are none."""
        self.assertEqual([each.status for each in setting_checks(["A is odd", "B too"])], [WARNING, WARNING])
        self.assertEqual([each.status for each in setting_checks([])], [OK])


class Servers(PlainTestCase):
    def states(self, facts: ServerFacts) -> list[str]:
        return [each.status for each in server_checks(facts, NOW)]

    def test_good(self) -> None:
        """Servers that are new enough, with utf8mb4 and the same clock; numbers are compared as numbers."""
        for facts in (GOOD, replace(GOOD, version="11.4.2-MariaDB"), ServerFacts("mysql", "8.0.36", "utf8mb4", NOW + 1), ServerFacts("sqlite", "3.40.1", "UTF-8", NOW)):
            self.assertEqual(self.states(facts), [OK, OK, OK], facts)

    def test_bad(self) -> None:
        """An old server fails, another charset is a warning, and so is a clock that is off by seconds; by a minute it fails."""
        self.assertEqual(self.states(replace(GOOD, version="10.5.23-MariaDB")), [FAILED, OK, OK])
        self.assertEqual(self.states(ServerFacts("mysql", "5.7.44", "latin1", NOW - 10)), [FAILED, WARNING, WARNING])
        self.assertEqual(self.states(replace(GOOD, now_at=NOW - 60)), [OK, OK, FAILED])

    def test_facts(self) -> None:
        """SQLite tells its version, encoding and a clock in epoch seconds."""
        facts = inline_database().now(server_facts)
        self.assertEqual((facts.kind, facts.charset), ("sqlite", "UTF-8"))
        self.assertGreater(facts.now_at, NOW - 20 * 365 * DAY_S)


class Certificates(PlainTestCase):
    def test_certificates(self) -> None:
        """Good; for another host; soon over; over; not yet valid; no certificate."""
        pem, _ = make_certificate("mail.example.net", NOW)
        for host, at, state in (
            ("mail.example.net", NOW, OK), ("Mail.Example.Net", NOW, OK), ("other.example.net", NOW, WARNING), ("mail.example.net", NOW + 3640 * DAY_S, WARNING),
            ("mail.example.net", NOW + 3651 * DAY_S, FAILED), ("mail.example.net", NOW - 2 * DAY_S, FAILED),
        ):
            found = certificate_check(pem, host, at)
            self.assertEqual(found.status, state, found)
        self.assertEqual(certificate_check(b"hello", "x", NOW).status, FAILED)

    def test_names(self) -> None:
        """A star stands for one label."""
        self.assertTrue(covers("*.example.net", "mail.example.net"))
        for host in ("example.net", "a.b.example.net", "mail.example.org"):
            self.assertFalse(covers("*.example.net", host))
