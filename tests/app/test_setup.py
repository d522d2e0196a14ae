"""The doctor on a real installation: SQLite, a DNS server on loopback that has the instance's and a domain's records, a mail host."""

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from scaisend.app.adapters import open_adapters
from scaisend.app.assembly import make_domains
from scaisend.app.checks import AWAY, FAILED, OK, WARNING, Check, exit_code
from scaisend.app.commands.doctor import examine
from scaisend.app.config import load
from scaisend.app.installation import prepare_embedded
from scaisend.app.setup import Setup
from scaisend.app.setup_api import SetupApi
from scaisend.caller import Caller
from scaisend.domains.domains import Doer
from scaisend.identity.people_store import init_installation
from scaisend.smtp.tls import make_certificate
from tests.base import ReactorTestCase
from tests.world.dns_zone import DnsZone
from tests.world.mariadb import PrivateMariadb, private_mariadb
from tests.world.oidc_provider import OidcProvider
from tests.world.ports import free_port
from tests.world.program import bare_environment, run_command
from tests.world.redis_server import redis_server
from tests.world.smtp_peer import SmtpPeer
from tests.world.tenants import call_by

ZONE = """
mail.example.net. IN A 8.8.4.4
4.4.8.8.in-addr.arpa. IN PTR mail.example.net.
bounces.example.net. IN MX 10 mail.example.net.
bounces.example.net. IN TXT "v=spf1 ip4:8.8.4.4 -all"
acme.test. IN NS ns.acme.test.
ns.acme.test. IN A 127.0.0.1
3.4.8.8.bl.test. IN A 127.0.0.2
"""


class Installations(ReactorTestCase):
    async def setUp(self) -> None:
        self.zone = DnsZone(ZONE)
        self.addCleanup(self.zone.close)
        self.folder = Path(tempfile.mkdtemp(prefix="scaisend-doctor-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        pem, key = make_certificate("mail.example.net", reactor.seconds())
        (self.folder / "cert.pem").write_bytes(pem)
        (self.folder / "key.pem").write_bytes(key)
        self.settings = {
            "DATA_DIR": str(self.folder / "data"), "DNS_RESOLVERS": f"127.0.0.1:{self.zone.port}", "SMTP_HELO_HOSTNAME": "mail.example.net",
            "BOUNCE_DOMAIN": "bounces.example.net", "SMTP_SOURCE_IPS": "8.8.4.4", "INBOUND_SMTP_CERT": str(self.folder / "cert.pem"),
            "INBOUND_SMTP_KEY": str(self.folder / "key.pem"),
        }
        self.open()
        installed = await self.adapters.database.run(
            init_installation, self.adapters.ids, partner_name="P", tenant_name="T", key="SG." + "x" * 22 + "." + "y" * 43, now_s=reactor.seconds()
        )
        self.tenant_id = installed.tenant.id

    def open(self, **more: str) -> None:
        config = load({**self.settings, **more}, None)
        prepare_embedded(config)
        self.adapters = open_adapters(config, reactor)
        self.addCleanup(self.adapters.close)
        self.setup = Setup(adapters=self.adapters, blocklists=("bl.test",), dns_port=self.zone.port, may_ask=lambda address: True)

    async def add_domain(self) -> None:
        """acme.test is the tenant's, its records are in its zone, and it was verified."""
        domains, doer = make_domains(self.adapters), Doer("test", reactor.seconds())
        view = await domains.add(self.tenant_id, "acme.test", doer)
        self.records = domains.zone_lines(view)
        self.zone.load(ZONE + "\n".join(self.records))
        await domains.verify(self.tenant_id, "acme.test", doer)

    def drop(self, mariadb: PrivateMariadb, name: str) -> None:
        with mariadb.connect(name) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")

    async def examined(self, *outbound: str) -> list[Check]:
        return await examine(self.adapters, self.setup, argparse.Namespace(tenant=None, outbound=outbound))

    def wrong(self, checks: Sequence[Check]) -> dict[str, str]:
        return {f"{each.name} {each.subject}": each.status for each in checks if each.status != OK}

    async def test_all_well(self) -> None:
        """Everything that an installation by the book has is found well, the sample's signatures too."""
        await self.add_domain()
        found = await self.examined()
        self.assertEqual(self.wrong(found), {})
        self.assertTrue({"database.clock", "objects", "dns.fcrdns", "blocklist", "tls.certificate", "domain.dkim", "domain.dmarc"} <= {each.name for each in found})
        alignment = next(each for each in found if each.name == "domain.dmarc_alignment")
        self.assertEqual(alignment.found.count("DKIM passes and is aligned: d=acme.test"), 2)
        self.assertIn("return path bounces.acme.test is aligned", alignment.found)

    async def test_a_key_that_is_gone(self) -> None:
        """The domain's own servers are asked: a DKIM record that was taken away fails, with the record to publish, and so does that signature."""
        await self.add_domain()
        left = [each for each in self.records if "k=ed25519" not in each]
        self.zone.load(ZONE + "\n".join(left))
        found = await self.setup.domains(self.tenant_id)
        self.assertEqual(sorted(self.wrong(found).values()), [FAILED, WARNING])
        failed = next(each for each in found if each.status == FAILED)
        self.assertEqual(failed.name, "domain.dkim")
        self.assertIn("v=DKIM1; k=ed25519; p=", failed.cure)
        self.assertIn("DKIM fails: d=acme.test s=se1-", next(each for each in found if each.name == "domain.dmarc_alignment").found)

    async def test_nothing_published(self) -> None:
        """A domain without any record fails for its DKIM and its DMARC; nothing about it is away."""
        await make_domains(self.adapters).add(self.tenant_id, "acme.test", Doer("test", reactor.seconds()))
        found = self.wrong(await self.setup.domains(self.tenant_id))
        self.assertEqual(found["domain.dmarc_alignment acme.test"], FAILED)
        self.assertEqual(set(found.values()), {FAILED, WARNING})

    async def test_name_servers_inside(self) -> None:
        """A tenant's name servers with addresses of the operator's own network are not asked; the resolver is."""
        await self.add_domain()
        found = await Setup(adapters=self.adapters, blocklists=(), dns_port=free_port()).domains(self.tenant_id)
        self.assertEqual(self.wrong(found), {"domain.authority acme.test": WARNING})

    async def test_name_servers_that_do_not_answer(self) -> None:
        """They are asked once; what the resolver says is judged then."""
        await self.add_domain()
        found = await Setup(adapters=self.adapters, blocklists=(), dns_port=free_port(), may_ask=lambda address: True).domains(self.tenant_id)
        self.assertEqual(self.wrong(found), {"domain.authority acme.test": WARNING})

    async def test_outbound(self) -> None:
        """A host that greets us is well, one that refuses us is a warning, a closed port fails."""
        peer, rude = SmtpPeer(), SmtpPeer(usual={"GREETING": b"554 no"})
        self.addCleanup(peer.stop)
        self.addCleanup(rude.stop)
        self.open(SMTP_SOURCE_IPS="127.0.0.1")
        found = [(await self.setup.outbound(f"127.0.0.1:{port}"))[0] for port in (peer.port, rude.port, free_port())]
        self.assertEqual([each.status for each in found], [OK, WARNING, FAILED])
        self.assertEqual((found[0].found, "from 127.0.0.1" in found[0].subject), ("220 mx.test ESMTP", True))

    async def test_the_door(self) -> None:
        """An administrator sees the instance's public facts and the tenant's domains, and nothing of what it stands on."""
        await self.add_domain()
        caller = Caller(tenant_id=self.tenant_id, partner_id="", credential_id="", permissions=frozenset())
        answer = json.loads((await SetupApi(setup=self.setup).show(call_by(caller))).body)
        self.assertEqual((answer["status"], {each["check"].partition(".")[0] for each in answer["domains"]}), ("ok", {"domain"}))
        self.assertEqual({each["check"].partition(".")[0] for each in answer["instance"]}, {"dns", "bounce", "blocklist", "tls"})

    async def test_the_metric(self) -> None:
        """The first turn asks nothing; the next ones count what is broken."""
        self.zone.load("")
        await self.setup.measure()
        self.assertEqual(sum(self.zone.asked.values()), 0)
        await self.setup.measure()
        self.assertIn(b"scaisend_doctor_failures 4.0", self.adapters.metrics.text())

    async def test_a_server_that_is_away(self) -> None:
        """The doctor goes on without its database and its Redis, says so, and ends with 3."""
        self.open(DATABASE_URL=f"mysql://u:p@127.0.0.1:{free_port()}/x", REDIS_URL=f"redis://127.0.0.1:{free_port()}", SECRET_KEY="k" * 32)
        found = await self.examined()
        away = {each.name for each in found if each.status == AWAY}
        self.assertEqual((away, exit_code(found)), ({"database", "database.schema", "queue"}, 3))
        self.assertEqual([each.found for each in found if each.name.startswith("database") and "Connection refused" not in each.found], [])

    async def test_the_identity_provider(self) -> None:
        """One that answers is well; one that is away, or is another than it should be, is said to be so with the reason."""
        provider = OidcProvider("http://localhost:1", {})
        self.addCleanup(provider.stop)
        provider.start()
        for change, status, word in (
            ({}, OK, "keys: 1"), ({"SCAIKEY_API_URL": ""}, OK, "local"), ({"SCAIKEY_CLIENT_ID": ""}, FAILED, "not set"),
            ({"SCAIKEY_ISSUER": "https://other.test"}, AWAY, "SCAIKEY_ISSUER"), ({"SCAIKEY_API_URL": provider.url + "/x"}, AWAY, "answered 404"),
            ({"SCAIKEY_API_URL": f"http://127.0.0.1:{free_port()}"}, AWAY, "refused"),
        ):
            self.open(**{**provider.settings, **change})
            (found,) = [each for each in await self.setup.services() if each.name == "identity"]
            self.assertEqual((found.status, word in found.found), (status, True), found)

    async def test_servers(self) -> None:
        """MariaDB tells its version, charset and clock, and its empty schema is a failure with a cure; Redis answers."""
        mariadb, redis = private_mariadb(), redis_server()
        name = mariadb.create_database()
        self.addCleanup(self.drop, mariadb, name)
        self.open(DATABASE_URL=mariadb.url(name), REDIS_URL=redis.tcp_url, SECRET_KEY="k" * 32)
        found = {each.name: each for each in await self.setup.services()}
        self.assertEqual({found[each].status for each in ("database.version", "database.charset", "database.clock", "queue", "objects")}, {OK})
        self.assertEqual((found["database.version"].subject, found["database.schema"].status), ("mariadb", FAILED))
        self.assertIn("scaisend migrate", found["database.schema"].cure)
        self.assertEqual(found["queue"].found, f"answers at 127.0.0.1:{redis.port}")

    async def test_the_command(self) -> None:
        """JSON and lines for people; the exit code is 1 for an address that a list has."""
        environment = bare_environment(**{**self.settings, "SMTP_SOURCE_IPS": "8.8.4.3"})
        code, out, errors = await deferToThread(run_command, ["doctor", "--json", "--blocklist", "bl.test"], environment=environment, folder=self.folder)
        answer = json.loads(out)
        listed = [each for each in answer["checks"] if each["check"] == "blocklist"]
        self.assertEqual((code, answer["status"], [each["status"] for each in listed]), (1, "failed", ["failed"]), errors)
        code, out, _ = await deferToThread(run_command, ["doctor", "--no-blocklists"], environment=environment, folder=self.folder)
        self.assertIn("[ok] objects DATA_DIR: put, get and delete work\n", out)
        self.assertIn("    mend: let the owner of the address block publish 3.4.8.8.in-addr.arpa PTR mail.example.net", out)
