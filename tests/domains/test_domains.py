"""What can be done with domains, from the command line's side; the API's tests walk the rest."""

from scaisend.domains.dkim_keys import NewKey
from scaisend.domains.domains import Doer, Domains, DomainView, read_name
from scaisend.domains.records import Hosts
from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.identity.audit_store import acts
from scaisend.sealing import Sealer
from tests.base import PlainTestCase
from tests.world.dns_table import DnsTable
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, id_maker, now

CLI = Doer("cli", NOW)


class DomainsTests(PlainTestCase):
    """One tenant's domains, with DNS as a table."""

    def setUp(self) -> None:
        self.database = inline_database()
        self.table = DnsTable({})
        self.domains = Domains(
            database=self.database, resolver=self.table, sealer=Sealer(b"secret", lambda count: b"n" * count), ids=id_maker(),
            in_thread=self._at_once, hosts=Hosts(("8.8.8.8",), "mail.example.net", "mx.example.net"),
        )

    async def _at_once(self, fn) -> list[NewKey]:  # type: ignore[no-untyped-def]
        return fn()

    def publish(self, view: DomainView, *purposes: str) -> None:
        for each in self.domains.records(view):
            if each["purpose"] in purposes:
                self.table.records[str(each["name"]), str(each["type"])] = [str(each["value"])]

    def test_by_name_or_id(self) -> None:
        """A domain is found by either, and nothing else is found."""
        made = now(self, self.domains.add("tnt_a", "example.com", CLI))
        for name in (made.domain.id, "example.com", "EXAMPLE.com."):
            self.assertEqual(now(self, self.domains.one("tnt_a", name)), made)
        for name in ("dom_x", "example.org", "", "..", "com"):
            with self.assertRaises(NotFound):
                now(self, self.domains.one("tnt_a", name))
        self.assertEqual(self.database.now(acts, "tnt_a", before=None, most=1)[0].actor, "cli")

    def test_dkim_alone_verifies(self) -> None:
        """A domain whose DKIM record is ours is verified, whatever else is missing; without it, it is not."""
        made = now(self, self.domains.add("tnt_a", "example.com", CLI))
        self.publish(made, "spf", "dmarc", "return_path_spf")
        self.assertFalse(now(self, self.domains.verify("tnt_a", "example.com", CLI)).domain.verified)
        self.table.records = {}
        self.publish(made, "dkim")
        self.assertTrue(now(self, self.domains.verify("tnt_a", "example.com", CLI)).domain.verified)

    def test_a_get_asks_no_dns(self) -> None:
        """Showing a domain looks nothing up."""
        made = now(self, self.domains.add("tnt_a", "example.com", CLI))
        self.domains.shown(made)
        now(self, self.domains.all("tnt_a"))
        self.assertEqual(self.table.asked, [])

    def test_rotation_of_what_signs(self) -> None:
        """Where only the RSA key was published, only that kind is rotated, and its number counts up."""
        made = now(self, self.domains.add("tnt_a", "example.com", CLI))
        self.publish(made, "dkim")
        self.table.records = {key: value for key, value in self.table.records.items() if key[0].startswith("ss1")}
        now(self, self.domains.verify("tnt_a", "example.com", CLI))
        rotated = now(self, self.domains.rotate("tnt_a", "example.com", CLI))
        self.assertEqual(sorted(key.selector[:3] for key in rotated.keys), ["se1", "ss1", "ss2"])
        with self.assertRaises(Conflict):
            now(self, self.domains.rotate("tnt_a", "example.com", CLI))

    def test_names(self) -> None:
        """A name is read as A-labels in lower case; an address or a URL is refused with the cure."""
        self.assertEqual(read_name(" Bücher.Example. "), "xn--bcher-kva.example")
        with self.assertRaises(Invalid) as caught:
            read_name("anna@example.com")
        self.assertIn("right of the @", caught.exception.faults[0].help or "")
