from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.delivery.mx import (
    Exchange,
    TakesNoMail,
    asking_order,
    exchanges,
    interleaved,
    mail_domain,
    parse_routes,
    route,
    static_exchange,
)
from scaisend.faults import Invalid
from tests.base import PlainTestCase


class RecordsTests(PlainTestCase):
    def test_hosts_come_by_preference(self):
        """Names are lower case without the last dot; the same record twice is one host."""
        found = exchanges([(20, "B.test."), (10, "a.test"), (10, "A.test.")], 25)
        self.assertEqual(found, (Exchange(10, "a.test", 25), Exchange(20, "b.test", 25)))

    def test_null_mx_takes_no_mail(self):
        """RFC 7505; beside real hosts the dot is ignored."""
        error = self.assertRaises(TakesNoMail, exchanges, [(0, ".")], 25)
        self.assertEqual((error.code, error.enhanced), (556, "5.1.10"))
        self.assertEqual(exchanges([(0, "."), (5, "a.test.")], 25), (Exchange(5, "a.test", 25),))

    def test_addresses_are_no_hosts(self):
        """An MX that names an address breaks RFC 5321 5.1 and is not followed."""
        self.assertRaises(TakesNoMail, exchanges, [(10, "192.0.2.1"), (10, "2001:db8::1")], 25)

    def test_equals_are_asked_at_random(self):
        """Preference first, then the drawn number."""
        found = [Exchange(10, "a", 25), Exchange(10, "b", 25), Exchange(5, "c", 25)]
        draws = iter([0.9, 0.1, 0.5])
        self.assertEqual([each.host for each in asking_order(found, lambda: next(draws))], ["c", "b", "a"])

    def test_families_take_turns(self):
        """The first family leads; addresses of others are left out."""
        addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
        self.assertEqual(interleaved(addresses, (6, 4)), ["2001:db8::1", "192.0.2.1", "192.0.2.2"])
        self.assertEqual(interleaved(addresses, (4,)), ["192.0.2.1", "192.0.2.2"])
        self.assertEqual(interleaved(addresses, ()), [])

    def test_the_name_is_the_set_of_hosts(self):
        """Whatever their order and preferences; long ones keep their difference in few characters."""
        one = route([Exchange(1, "b", 25), Exchange(2, "a", 2525)])
        self.assertEqual(one.name, "a:2525,b")
        self.assertEqual(route([Exchange(9, "a", 2525), Exchange(2, "b", 25)]).name, one.name)
        long = [Exchange(1, f"mx{number}.{'x' * 50}.test", 25) for number in range(9)]
        self.assertLessEqual(len(route(long).name), 200)
        self.assertNotEqual(route(long).name, route(long[:8]).name)


class DomainTests(PlainTestCase):
    def test_domains_become_a_labels(self):
        """IDN, case, the last dot; underscores pass, since such domains exist."""
        for given_name, expected in (("Bücher.Test", "xn--bcher-kva.test"), ("IN.test.", "in.test"), ("a_b.test", "a_b.test")):
            self.assertEqual(mail_domain(given_name), expected)

    def test_literals_and_nonsense_are_refused(self):
        """Addresses in brackets or bare, empty labels, spaces."""
        for name in ("[192.0.2.1]", "[IPv6:2001:db8::1]", "192.0.2.1", "2001:db8::1", "a..test", "", "a b.test", "x" * 64 + ".test", "☃☃\u200b.test"):
            self.assertRaises(TakesNoMail, mail_domain, name)

    @settings(deadline=None)
    @given(st.text(max_size=30))
    def test_any_text_is_a_domain_or_refused(self, name):
        """No other error, and what comes out is ASCII without spaces."""
        try:
            found = mail_domain(name)
        except TakesNoMail:
            return
        self.assertTrue(found.isascii() and found and " " not in found)


class StaticRoutesTests(PlainTestCase):
    def test_routes_are_read(self):
        """Own domain before `*`; the port may be left out, IPv6 stands in brackets."""
        routes = parse_routes("In.test=mx.test:2525, *=127.0.0.1:1025,six.test=[::1]:26,bare.test=mx.test,ü.test=[::1]")
        self.assertEqual(static_exchange(routes, "in.test"), Exchange(0, "mx.test", 2525))
        self.assertEqual(static_exchange(routes, "other.test"), Exchange(0, "127.0.0.1", 1025))
        self.assertEqual(static_exchange(routes, "six.test"), Exchange(0, "::1", 26))
        self.assertEqual(static_exchange(routes, "bare.test"), Exchange(0, "mx.test", 25))
        self.assertEqual(static_exchange(routes, "xn--tda.test"), Exchange(0, "::1", 25))
        self.assertEqual(parse_routes(""), {})

    def test_faults_name_the_entry(self):
        """A missing host, a bad port, a bad domain."""
        for text in ("a.test=", "a.test", "a.test=mx:0", "a.test=mx:x", "=mx:25", "a..b=mx:25"):
            error = self.assertRaises(Invalid, parse_routes, text)
            self.assertEqual(error.faults[0].field, "SMTP_ROUTES")
