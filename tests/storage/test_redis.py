"""The door to Redis: logins, TLS, sentinels."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor
from twisted.internet.task import deferLater

from scaisend.faults import Unavailable
from scaisend.storage.redis import Redis, Script
from scaisend.storage.redis_url import parse_redis_url
from tests.base import ReactorTestCase
from tests.world.redis_server import RedisServer, free_port, redis_server


class RedisTests(ReactorTestCase):
    """One server, in its several guises."""

    def redis(self, url: str) -> Redis:
        redis = Redis(parse_redis_url(url))
        self.addCleanup(redis.close)
        return redis

    def private(self, *arguments: str) -> RedisServer:
        server = RedisServer(*arguments)
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
        """A certificate of the named authority is accepted, one of nobody's refused."""
        server = redis_server()
        certificate, key = server.directory / "cert.pem", server.directory / "key.pem"
        self.make_certificate(certificate, key)
        port = free_port()
        secure = self.private("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key),
                              "--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no")
        self.assertTrue(secure.port)
        redis = self.redis(f"rediss://localhost:{port}?ssl_ca={certificate}")
        self.assertEqual(await redis.command("PING"), "PONG")
        with self.assertRaises(Unavailable):
            await self.redis(f"rediss://localhost:{port}").command("PING")

    def make_certificate(self, certificate_path, key_path) -> None:  # type: ignore[no-untyped-def]
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(names, False).add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
        )
        certificate_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        key_path.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    async def test_sentinel(self) -> None:
        """The master that a sentinel names is found."""
        server = redis_server()
        sentinel = self.private("--sentinel", "--sentinel monitor main 127.0.0.1", str(server.port), "1")
        redis = self.redis(f"redis+sentinel://127.0.0.1:{sentinel.port}/main")
        await redis.command("SET", "key", "there")
        self.assertEqual(await self.redis(server.url).command("GET", "key"), b"there")
