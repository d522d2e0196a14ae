from scaisend.delivery.sources import Source, Sources, narrowed, parse_sources
from scaisend.faults import Invalid
from tests.base import PlainTestCase

TEXT = "192.0.2.1=a.out.test, 192.0.2.2=b.out.test,[2001:DB8::1]=six.out.test,192.0.2.3"


class SourcesTests(PlainTestCase):
    def setUp(self):
        super().setUp()
        self.sources = Sources(parse_sources(TEXT, helo_name="out.test"), helo_name="out.test")

    def test_each_address_has_its_name(self):
        """The name that belongs to its PTR; without one, the common name."""
        self.assertEqual(self.sources.fitting((), 4)[0], Source("192.0.2.1", "a.out.test"))
        self.assertEqual(self.sources.fitting((), 4)[2], Source("192.0.2.3", "out.test"))
        self.assertEqual(self.sources.fitting((), 6), [Source("2001:db8::1", "six.out.test")])
        self.assertEqual(len(self.sources.of(())), 4)

    def test_a_pool_confines(self):
        """Only its addresses, however they are spelled, and only their families."""
        self.assertEqual([each.address for each in self.sources.fitting(("192.0.2.2",), 4)], ["192.0.2.2"])
        self.assertEqual(self.sources.families(("2001:0db8:0::1",)), (6,))
        self.assertEqual(self.sources.fitting(("192.0.2.2",), 6), [])

    def test_a_tenants_own(self):
        """Of a pool those that are the tenant's; all of its own where none is; without own ones the pool as it is."""
        self.assertEqual(narrowed(("a", "b"), ("b", "c")), ("b",))
        self.assertEqual(narrowed(("a",), ("b", "c")), ("b", "c"))
        self.assertEqual(narrowed((), ("b",)), ("b",))
        self.assertEqual(narrowed(["a"], ()), ("a",))
        self.assertEqual(narrowed((), ()), ())

    def test_a_pool_that_is_not_here_sends_nothing(self):
        """Mail never leaves from an address outside its pool."""
        self.assertEqual((self.sources.families(("198.51.100.1",)), self.sources.of(("198.51.100.1",))), ((), []))
        self.assertEqual(Sources((), helo_name="out.test").families(("198.51.100.1",)), ())

    def test_without_sources_the_system_chooses(self):
        """IPv4 first, since IPv6 without a PTR is refused by most; with a source of it IPv6 leads."""
        plain = Sources((), helo_name="out.test")
        self.assertEqual((plain.families(()), plain.fitting((), 6), plain.of(())), ((4, 6), [Source(None, "out.test")], [Source(None, "out.test")]))
        self.assertEqual(self.sources.families(()), (6, 4))

    def test_faults_name_the_entry(self):
        """Names in the place of addresses, bad EHLO names."""
        for text in ("mx.test=out.test", "192.0.2.1=bad name", "192.0.2.1=-x", "300.0.0.1=a"):
            self.assertEqual(self.assertRaises(Invalid, parse_sources, text, helo_name="out.test").faults[0].field, "SMTP_SOURCE_IPS")
