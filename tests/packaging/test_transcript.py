"""docs/transcript.md is of these documents, and tells nothing of the machine that it was made on."""

import re

from tests.base import PlainTestCase
from tests.packaging.transcript import HOST, MOST_LINES, PAGE, WIDEST, expected, neutral, shortened
from tests.world.documented import TREE

KEY = "sg_live_" + "0a" * 16


class Page(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.text = PAGE.read_text(encoding="utf-8")

    def test_its_commands_are_the_documents(self) -> None:
        """Whoever changes a command of docs/deployment.md has the page made again: `python -m tests.packaging.transcript`."""
        run = [line for block in re.findall(r"(?ms)^```sh\n(.*?)^```$", self.text) for line in block.splitlines()]
        self.assertEqual(run, expected().splitlines())

    def test_it_came_to_its_end(self) -> None:
        """Ready, nothing broken, delivered, arrived."""
        for line in (r'"status": ?"ready"', r"\d+ checks, 0 broken", r"you@example\.net.*delivered|delivered.*you@example\.net", "Subject: Hello"):
            self.assertRegex(self.text, line)

    def test_it_is_of_nobodys_machine(self) -> None:
        """No path of a checkout, no address of the run, no key."""
        for secret in (re.escape(str(TREE)), r"/home/", r"/root/", r"/tmp/", re.escape(HOST), r"\b11\.0\.2\.", r"sg_live_[0-9a-f]", r"\bp=[A-Za-z0-9+/]{40}", r"https?://(?!127\.0\.0\.1|mail\.example\.org)"):
            self.assertNotRegex(self.text, secret)


class Words(PlainTestCase):
    def test_what_is_replaced(self) -> None:
        """Keys, the public key of a record, addresses, paths."""
        given = f"api_key: {KEY} p={'A' * 100} {HOST} 10.2.0.11.in-addr.arpa {TREE}/dist /tmp/tmp.x1Y2/a.deb"
        self.assertEqual(neutral(given), "api_key: sg_live_… p=… 192.0.2.10 10.2.0.192.in-addr.arpa dist a.deb")

    def test_what_is_left_out(self) -> None:
        """Of many lines the first and the last stay, and the number of the others; of long lines the beginning."""
        lines = shortened("\n".join(f"line {number}" for number in range(100))).splitlines()
        self.assertEqual((len(lines), lines[0], lines[-1]), (MOST_LINES + 1, "line 0", "line 99"))
        self.assertIn("[… 20 lines …]", lines)
        self.assertEqual(shortened("a\nUnpacking b\nSelecting c\nd"), "a\n[… 2 lines …]\nd")
        self.assertEqual(shortened("x" * 200), "x" * (WIDEST - 1) + "…")
