"""The door to Redis: logins, TLS, sentinels."""

import shutil
import tempfile
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater

from scaisend.faults import Unavailable
from scaisend.storage.redis import DISCOVERY_S, Redis, Script
from scaisend.storage.redis_url import parse_redis_url
from tests.base import ReactorTestCase
from tests.world.authority import Authority
from tests.world.ports import free_port
from tests.world.redis_server import RedisServer, redis_server


class RedisTests(ReactorTestCase):
    """One server, in its several guises."""

    def redis(self, url: str) -> Redis:
        redis = Redis(parse_redis_url(url))
        self.addCleanup(redis.close)
        return redis

    def private(self, *arguments: str, tls: str | None = None) -> RedisServer:
        server = RedisServer(*arguments, tls=tls)
        self.addCleanup(server.remove)
        server.start()
        return server

    async def test_values_are_not_converted(self) -> None:
        """Text that looks like a number stays text, and bytes stay bytes."""
        redis = self.redis(redis_server().tcp_url)
        for value in (b"007", b"1.50", b"\xff\x00\r\n"):
            await redis.command("SET", "key", value)
            self.assertEqual(await redis.command("GET", "key"), value)

    async def test_large_replies(self) -> None:
        """Replies larger than any line limit arrive whole."""
        redis = self.redis(redis_server().url)
        await redis.command("SET", "key", b"x" * 3_000_000)
        self.assertEqual(len(await redis.command("GET", "key")), 3_000_000)

    async def test_a_wrong_script(self) -> None:
        """What the server refuses is told, as a dependency that is away."""
        with self.assertRaises(Unavailable) as caught:
            await self.redis(redis_server().url).run(Script("return redis.call('NONSENSE')"), ())
        self.assertIn("refuses", str(caught.exception))

    async def test_nobody_there(self) -> None:
        """Without a server the first call fails as soon as the connection is refused, and the next ones at once."""
        redis = self.redis(f"redis://127.0.0.1:{free_port()}")
        for _ in range(3):
            with self.assertRaises(Unavailable):
                await redis.command("PING")
        self.assertFalse(redis.is_up)

    async def test_login_and_database(self) -> None:
        """User, password and database of the URL are used; a wrong password is refused, and tried again."""
        server = redis_server()
        server.ask("ACL", "SETUSER", "anna", "on", ">geheim", "~*", "+@all")
        redis = self.redis(f"redis://anna:geheim@127.0.0.1:{server.port}/2")
        await redis.command("SET", "key", "there")
        self.assertEqual(await self.redis(f"{server.tcp_url}/2").command("GET", "key"), b"there")
        wrong = self.redis(f"redis://bert:geheim@127.0.0.1:{server.port}")
        with self.assertRaises(Unavailable):
            await wrong.command("PING")
        server.ask("ACL", "SETUSER", "bert", "on", ">geheim", "~*", "+@all")
        while not wrong.is_up:
            await deferLater(reactor, 0.02)
        self.assertEqual(await wrong.command("PING"), "PONG")

    async def test_tls_is_verified(self) -> None:
        """A certificate of the named authority is accepted, for the name or the address; one of nobody's, or for another name, is refused."""
        redis_server()
        authority, folder = Authority(), Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        ours = ("localhost", "127.0.0.1")
        for names, host, good in ((ours, "localhost", True), (ours, "127.0.0.1", True), (("redis.test",), "localhost", False)):
            authority.issue(*names).write(str(folder))
            port = free_port()
            self.private("--tls-port", str(port), "--tls-cert-file", f"{folder}/cert.pem", "--tls-key-file", f"{folder}/key.pem",
                         "--tls-ca-cert-file", f"{folder}/cert.pem", "--tls-auth-clients", "no")
            url = f"rediss://{host}:{port}"
            right = f"{url}?ssl_ca={authority.ca_file(self)}"
            if good:
                self.assertEqual(await self.redis(right).command("PING"), "PONG")
            for wrong in (url, f"{url}?ssl_ca={Authority().ca_file(self)}", *([] if good else [right])):
                with self.assertRaises(Unavailable):
                    await self.redis(wrong).command("PING")

    async def test_sentinels_over_tls(self) -> None:
        """Neither a sentinel nor a master is believed whose certificate is for another name or of another authority; both that are good are used."""
        authority, stranger = Authority(), Authority("a stranger")
        folders = {}
        for name, by, names in (("good", authority, ("127.0.0.1",)), ("named", authority, ("redis.test",)), ("strange", stranger, ("127.0.0.1",))):
            folders[name] = tempfile.mkdtemp()
            self.addCleanup(shutil.rmtree, folders[name])
            by.issue(*names).write(folders[name])
            with open(f"{folders[name]}/cert.pem", "ab") as out:  # noqa: ASYNC230  # a test
                out.write(authority.pem + stranger.pem)  # the servers themselves trust both
        ca = authority.ca_file(self)
        for master, sentinel, ssl_ca, trouble in (
            ("good", "good", ca, None), ("good", "good", "", "a sentinel's certificate is not of a trusted authority"),
            ("good", "strange", ca, "a sentinel's certificate is not of a trusted authority"), ("good", "named", ca, "a sentinel's certificate is for another name"),
            ("strange", "good", ca, ": certificate is not of a trusted authority"), ("named", "good", ca, ": certificate is for another name"),
        ):
            server = self.private(tls=folders[master])
            asked = self.private("--sentinel", "--sentinel monitor main 127.0.0.1", str(server.port), "1", tls=folders[sentinel])
            redis = self.redis(f"rediss+sentinel://127.0.0.1:{asked.port}/main" + (f"?ssl_ca={ssl_ca}" if ssl_ca else ""))
            if trouble is None:
                self.assertEqual(await redis.command("SET", "key", "there"), "OK")
                self.assertIn(b"there", server.ask("GET", "key"))
                self.assertTrue(await redis.command("LPUSH", "list", "there") and await redis.wait_for("list", 1))
                continue
            with self.assertRaises(Unavailable) as caught:
                await redis.command("PING")
            self.assertIn(trouble, str(caught.exception), (master, sentinel))
            await redis.close()
            server.remove()
            asked.remove()
        await deferLater(reactor, DISCOVERY_S)

    async def test_sentinel(self) -> None:
        """The master that a sentinel names is found."""
        server = redis_server()
        sentinel = self.private("--sentinel", "--sentinel monitor main 127.0.0.1", str(server.port), "1")
        redis = self.redis(f"redis+sentinel://127.0.0.1:{sentinel.port}/main")
        await redis.command("SET", "key", "there")
        self.assertEqual(await self.redis(server.url).command("GET", "key"), b"there")

    async def test_a_sentinel_and_logins(self) -> None:
        """Passwords for the master and for the sentinel are each used; a wrong one of the master is refused, and tried again."""
        server = self.private()
        sentinel = self.private("--sentinel", "--sentinel monitor main 127.0.0.1", str(server.port), "1", "--sentinel auth-pass main", "geheim")
        for asked, password in ((server, "geheim"), (sentinel, "other")):
            asked.ask("ACL", "SETUSER", "default", "resetpass", f">{password}")
        place = f"127.0.0.1:{sentinel.port}/main?sentinel_password=other"
        self.assertEqual(await self.redis(f"redis+sentinel://geheim@{place}").command("PING"), "PONG")
        wrong = self.redis(f"redis+sentinel://wrong@{place}")
        with self.assertRaises(Unavailable):
            await wrong.command("PING")

    async def test_sentinels_that_name_hosts(self) -> None:
        """Where sentinels tell names instead of addresses, a master's certificate is for its name."""
        authority, folder = Authority(), tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        authority.issue("localhost").write(folder)
        server = self.private(tls=folder)
        names = ("--sentinel resolve-hostnames", "yes", "--sentinel announce-hostnames", "yes")
        for options, is_good in ((names, True), ((), False)):
            host = "localhost" if is_good else "127.0.0.1"
            sentinel = self.private("--sentinel", *options, f"--sentinel monitor main {host}", str(server.port), "1", tls=folder)
            redis = self.redis(f"rediss+sentinel://localhost:{sentinel.port}/main?ssl_ca={authority.ca_file(self)}")
            if is_good:
                self.assertEqual(await redis.command("PING"), "PONG")
            else:
                with self.assertRaises(Unavailable) as caught:
                    await redis.command("PING")
                self.assertIn("another name", str(caught.exception))
            await redis.close()
        await deferLater(reactor, DISCOVERY_S)
