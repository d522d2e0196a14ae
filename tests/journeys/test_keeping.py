"""What is changed while everything runs: limits, the SECRET_KEY, and recipients that are erased; on MariaDB and Redis, several processes."""

import json
import re
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

from tests.journeys.test_servers import ServersCase
from tests.world.load import call
from tests.world.program import wait_until
from tests.world.redis_server import redis_server


def mail(to: str, sender: str, **more: object) -> dict[str, object]:
    return {
        "personalizations": [{"to": [{"email": to}]}], "from": {"email": sender}, "subject": "Hello",
        "content": [{"type": "text/html", "value": '<p>Hello, <a href="https://shop.test/a">see</a></p>'}], **more,
    }


def answer(url: str, key: str, body: object) -> tuple[int, Mapping[str, str]]:
    """Status and headers of a send."""
    asked = urllib.request.Request(f"{url}/v3/mail/send", json.dumps(body).encode(), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(asked, timeout=30) as reply:
            return reply.status, reply.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


class LimitsTests(ServersCase):
    def test_limits_change_in_every_process(self) -> None:
        """A rate is told by both API processes within seconds; a quota holds over both at the next request, exactly; neither needs a restart."""
        self.build(redis_server())
        for name in ("api", "api2"):
            self.house.start(name, "api")
        urls = [self.house.url(name) for name in ("api", "api2")]
        self.house.command("limits", "mail_send=50/s", "mails_per_day=7")
        answers = [answer(urls[number % 2], self.house.api_key, mail(f"q{number}@x.test", self.house.sender)) for number in range(10)]
        self.assertEqual([status for status, _ in answers], [202] * 7 + [429] * 3)
        self.assertEqual([headers["X-Quota-Remaining"] for _, headers in answers[:7]], ["6", "5", "4", "3", "2", "1", "0"])
        self.assertGreater(int(answers[-1][1]["Retry-After"]), 0)
        for url in urls:
            wait_until(lambda url=url: answer(url, self.house.api_key, {})[1]["X-RateLimit-Limit"] == "50", 5.0, lambda: "the rate is not known")  # type: ignore[misc]
        self.house.command("limits", "mails_per_day=", "mail_send=")
        self.assertEqual([answer(url, self.house.api_key, mail("r@x.test", self.house.sender))[0] for url in urls], [202, 202])


class SecretKeyTests(ServersCase):
    def test_the_key_changes_while_mail_flows(self) -> None:
        """Through all steps mail is signed and delivered, and links of mails sent before lead on; afterwards the old key is refused."""
        self.build(redis_server(), keeps_content=True)
        old, new = self.house.command_environment["SECRET_KEY"], secrets.token_hex(32)
        settings = {"TRACKING_BASE_URL": "https://track.test"}
        self._restart(settings)
        first = self._link("before@x.test")
        self._restart({**settings, "SECRET_KEY_PREVIOUS": new})
        self._restart({**settings, "SECRET_KEY": new, "SECRET_KEY_PREVIOUS": old})
        self.house.command_environment |= {"SECRET_KEY": new, "SECRET_KEY_PREVIOUS": old}
        self.assertTrue(self.house.command_json("secrets", "rotate", "--json")["done"])
        second = self._link("after@x.test")
        for link in (first, second):
            self.assertEqual(self._follow(link), 302)
        self._restart({**settings, "SECRET_KEY": new, "SECRET_KEY_PREVIOUS": ""})
        self.assertEqual((self._follow(first), self._follow(second)), (404, 302))
        self.assertEqual(self.house.states(), {"delivered": 2})
        with self.assertRaises(AssertionError) as refused:
            self.house.command_environment |= {"SECRET_KEY": old, "SECRET_KEY_PREVIOUS": ""}
            self.house.command("keys", "list")
        self.assertIn("SECRET_KEY is not the one", str(refused.exception))

    def _restart(self, settings: dict[str, str]) -> None:
        self.house.stop()
        for name in ("api", "worker", "smtp"):
            self.house.start(name, **settings)

    def _link(self, to: str) -> str:
        status, _ = answer(self.house.url("api"), self.house.api_key, mail(to, self.house.sender))
        self.assertEqual(status, 202)
        self.house.settled()
        (content,) = [each.content for each in self.sink.taken if each.recipient == to]
        self.assertIn(b"DKIM-Signature:", content)
        found = re.search(r"https://track\.test(/t/c/[^\"]+)", content.replace(b"=\r\n", b"").replace(b"=3D", b"=").decode())
        assert found, content
        return found[1].replace("&amp;", "&")

    def _follow(self, path: str) -> int:
        class Stays(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *args: object) -> None:
                return None

        try:
            return int(urllib.request.build_opener(Stays).open(self.house.url("api") + path, timeout=30).status)
        except urllib.error.HTTPError as error:
            return error.code


class ErasingTests(ServersCase):
    def test_erased_while_everything_runs(self) -> None:
        """Nothing of the address is left in any table; new mail to it is stopped by the hash on the list, and other mail goes on."""
        self.build(redis_server())
        for name in ("api", "worker", "smtp"):
            self.house.start(name)
        url, key = self.house.url("api"), self.house.api_key
        for to in ("Jane@gone.test", "joe@x.test"):
            self.assertEqual(answer(url, key, mail(to, self.house.sender, custom_args={"who": to}))[0], 202)
        self.assertEqual(answer(url, key, mail("jane@gone.test", self.house.sender, send_at=int(time.time()) + 3_600))[0], 202)
        self.assertEqual(call(url, "POST", "/v3/asm/suppressions/global", key, {"recipient_emails": ["jane@gone.test"]})[0], 201)
        wait_until(lambda: self.house.states().get("delivered") == 2, 60.0, lambda: self.house.logs())
        found = self.house.command_json("erase", "jane@gone.test", "--json")
        self.assertEqual((found["recipients"], found["ended"], found["suppressions"], found["left"]), (2, 1, 1, 0))
        for (table,) in self.house.ask("SHOW TABLES"):
            self.assertNotIn("jane", str(self.house.ask(f"SELECT * FROM {table}")).lower(), table)
        for to in ("JANE@gone.test", "joe@x.test"):
            self.assertEqual(answer(url, key, mail(to, self.house.sender))[0], 202)
        self.house.settled()
        self.assertEqual(sorted((row.email, row.status) for row in self.house.recipients() if "gone" in row.email.lower()), [("JANE@gone.test", "dropped")])
        self.assertEqual(self.house.states(), {"delivered": 3, "dropped": 1, "failed": 1})
        self.assertEqual(self.house.command_json("audit-log", "verify", "--json")["finding_count"], 0)
        self.house.audit()
