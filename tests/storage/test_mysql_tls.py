"""TLS to the database, against a MariaDB with a certificate that takes nothing else over TCP."""

import tempfile
from pathlib import Path

from twisted.internet import reactor

from scaisend.faults import Invalid, Unavailable
from scaisend.storage.migrations.run import migrate
from scaisend.storage.pool import open_database
from tests.base import ReactorTestCase
from tests.world.authority import Authority
from tests.world.mariadb import PrivateMariadb, private_mariadb


class MysqlTlsTests(ReactorTestCase):
    timeout = 120

    def server(self, authority: Authority, *names: str) -> PrivateMariadb:
        """A server whose certificate is for these names."""
        private_mariadb()  # where MariaDB is missing the test is skipped
        folder = Path(tempfile.mkdtemp(prefix="scaisend-mariadb-tls-"))
        authority.issue(*names).write(str(folder))
        made = PrivateMariadb(
            folder, arguments=(f"--ssl-cert={folder}/cert.pem", f"--ssl-key={folder}/key.pem", "--require-secure-transport=ON")
        )
        self.addCleanup(made.close)
        return made

    async def cipher(self, url: str) -> str:
        """The cipher of a connection of the service's pool, as the server tells it."""
        database = open_database(url, reactor=reactor, pool_size=1)
        try:
            return str((await database.run(lambda txn: txn.row("SHOW SESSION STATUS LIKE 'Ssl_cipher'")))[1])  # type: ignore[index]
        finally:
            await database.close()

    async def test_the_server_is_verified(self) -> None:
        """Its authority and its name; whoever does not want that says so. Migrations go the same way."""
        authority = Authority()
        server = self.server(authority, "127.0.0.1")
        ca, other = authority.ca_file(self), Authority().ca_file(self)
        url = server.url(server.create_database())
        migrate(f"{url}?ssl_ca={ca}")
        self.assertTrue(await self.cipher(f"{url}?ssl_ca={ca}"))
        self.assertTrue(await self.cipher(f"{url}?ssl_verify=false"))
        for wrong in (f"ssl_ca={other}", "ssl_verify_identity=true", "ssl_verify_cert=true"):
            with self.assertRaises(Unavailable) as caught:
                await self.cipher(f"{url}?{wrong}")
            self.assertIn("certificate", str(caught.exception.__cause__ or caught.exception).lower(), wrong)
        with self.assertRaises(Unavailable):
            await self.cipher(f"{url}?ssl_disabled=true")
        self.assertRaises(Invalid, open_database, f"{url}?ssl_ca=/nowhere/ca.pem", reactor=reactor, pool_size=1)

    async def test_another_name_is_refused(self) -> None:
        """The right authority is not enough; without the name's check it is."""
        authority = Authority()
        server = self.server(authority, "db.elsewhere.test")
        url, ca = server.url(server.create_database()), authority.ca_file(self)
        with self.assertRaises(Unavailable):
            await self.cipher(f"{url}?ssl_ca={ca}")
        self.assertTrue(await self.cipher(f"{url}?ssl_ca={ca}&ssl_verify_cert=true&ssl_verify_identity=false"))

    async def test_a_server_without_tls_gets_nothing(self) -> None:
        """Who asks for TLS does not fall back to plain text."""
        server = private_mariadb()
        if await self.cipher(server.url(server.create_database())):
            return  # this server makes a certificate by itself
        with self.assertRaises(Unavailable):
            await self.cipher(server.url(server.create_database()) + "?ssl_verify=false")
