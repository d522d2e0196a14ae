"""How values of settings are read."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.app import setting_values as values
from scaisend.storage.limiter import Limit
from tests.base import PlainTestCase


class Values(PlainTestCase):
    def refused(self, parse, *raws):
        for raw in raws:
            with self.assertRaises(ValueError, msg=raw):
                parse(raw)

    def test_counts_and_ports_are_plain_ascii_digits(self):
        """Signs, spaces, other alphabets' digits and endless numbers are no counts."""
        self.assertEqual(values.a_count(1, 32)("32"), 32)
        self.refused(values.a_count(1, 32), "0", "33", "", "-1", "+1", "1.0", "1 2", "²", "٣", "9" * 5000)
        self.assertEqual(values.a_port("65535"), 65535)
        self.refused(values.a_port, "65536", "-1", "http", "", "٢٥")

    def test_seconds_are_finite_and_bounded(self):
        """Fractions are fine; what is no number, or too much of one, is not."""
        self.assertEqual(values.seconds(1, 600)("0030.5"), 30.5)
        self.refused(values.seconds(1, 600), "0", "601", "nan", "inf", "-inf", "", "1m", "1,5")

    def test_inbound_port_may_be_off(self):
        """`off` and nothing are kept as they are."""
        self.assertEqual([values.a_port_or_off(raw) for raw in ("", "off", "2525")], ["", "off", 2525])
        with self.assertRaisesRegex(ValueError, "65535, or off"):
            values.a_port_or_off("no")

    def test_limits(self):
        """A rate a second, a rate a minute, or none."""
        self.assertEqual(values.a_limit("100/s"), Limit(100, 1.0))
        self.assertEqual(values.a_limit("10/min"), Limit(10, 60.0))
        self.assertIsNone(values.a_limit("off"))
        self.refused(values.a_limit, "", "0/s", "100", "100/h", "100 /s", "-1/s", "10/min\n", "1" * 10 + "/s")

    def test_listeners(self):
        """A host and port, a bracketed IPv6 host and port, a socket path, `off` or nothing."""
        for raw in ("", "off", "unix:/run/scaisend/ops.sock", "127.0.0.1:9464", "[::1]:0", "localhost:1"):
            self.assertEqual(values.a_listener(raw), raw)
        self.assertEqual([values.a_shell_listener(raw) for raw in ("off", "", "127.0.0.1:22")], ["", "", "127.0.0.1:22"])
        self.refused(values.a_listener, "unix:", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "::1:9464", "[::1]", "h:70000", "h:²")
        self.assertEqual(values.split_host("[::1]:9464"), ("::1", 9464))

    def test_names_are_host_names(self):
        """Lower-cased; no blanks, no empty labels, no label over 63 letters."""
        self.assertEqual(values.a_name("MX1.Example.ORG"), "mx1.example.org")
        self.assertEqual(values.a_name(""), "")
        self.refused(values.a_name, "a..b", "-a.org", "a b", "a.org\n", "x" * 64, "example.org:25", "é.org", ("a" * 50 + ".") * 6 + "org")

    def test_urls_have_a_scheme_and_a_host(self):
        """http and https only; the slash at the end goes, so that paths can be appended."""
        self.assertEqual(values.url("https://mail.example.org/"), "https://mail.example.org")
        self.assertEqual(values.url(""), "")
        self.refused(
            values.url, "mail.example.org", "ftp://a", "https://", "https:///x", "http://[::1", "http://a:b", "http://a:99999", "http://a b",
            "http://a\n.org", "javascript:alert(1)",
        )

    def test_database_and_queue_urls_never_show_their_passwords(self):
        """What is wrong is said without repeating the URL."""
        self.assertEqual(values.a_database_url("mysql://u:p@h/n"), "mysql://u:p@h/n")
        self.assertEqual(values.a_queue_url("rediss://:p@h:6379/1"), "rediss://:p@h:6379/1")
        for parse, raw in (
            (values.a_database_url, "postgresql://u:hunter2@h/n"), (values.a_database_url, "mysql://u:hunter2@h"),
            (values.a_database_url, "hunter2"), (values.a_database_url, "mysql://u:hunter2@h/n?ssl_verify=hunter2"),
            (values.a_queue_url, "http://:hunter2@h"), (values.a_queue_url, "redis://:hunter2@h:port/x"),
        ):
            with self.assertRaises(ValueError) as caught:
                parse(raw)
            self.assertNotIn("hunter2", str(caught.exception))

    def test_resolvers_sources_and_routes(self):
        """Lists with commas; IPv6 addresses may stand bare where there is no port."""
        self.assertEqual(values.resolvers("1.1.1.1, 9.9.9.9:5353,[::1]:54,2001:db8::1"), (
            ("1.1.1.1", 53), ("9.9.9.9", 5353), ("::1", 54), ("2001:db8::1", 53),
        ))
        self.assertEqual(values.resolvers(""), ())
        self.refused(values.resolvers, "dns.example.org", "1.1.1.1:x", "1.1.1")
        self.assertEqual(values.sources("192.0.2.1=a.example"), "192.0.2.1=a.example")
        self.refused(values.sources, "a.example", "192.0.2.1=not a name")
        self.assertEqual(values.routes("*=127.0.0.1:2525")["*"].port, 2525)
        self.refused(values.routes, "example.org", "example.org=", "a=b:0")

    def test_secret_keys_have_a_least_length(self):
        """An empty one is judged later; a short one is refused."""
        self.assertEqual(values.a_secret_key("k" * 32), "k" * 32)
        self.refused(values.a_secret_key, "k" * 31, "k" * 40 + "\x07")

    @settings(deadline=None, max_examples=200)
    @given(st.text(max_size=60))
    def test_whatever_is_written_parsers_only_raise_value_errors(self, raw):
        """No value can end the start with another exception than the one that is told."""
        for parse in (
            values.a_count(1, 9), values.seconds(1, 9), values.a_port_or_off, values.a_name, values.an_address, values.url, values.a_database_url,
            values.a_queue_url, values.a_limit, values.a_listener, values.resolvers, values.sources, values.routes, values.a_choice("a", "b"),
            values.a_secret_key, values.text,
        ):
            try:
                parse(raw)
            except ValueError:
                pass

    def test_submission_places(self):
        """Places with and without TLS from the start; none for nothing and `off`."""
        place = values.SubmissionPlace
        self.assertEqual([values.submission_places(raw) for raw in ("", "off")], [(), ()])
        self.assertEqual(
            values.submission_places("0.0.0.0:587, tls:[::]:465"), (place("0.0.0.0", 587, False), place("::", 465, True)),
        )
        self.refused(values.submission_places, "587", "tls:465", "ssl:0.0.0.0:465", "0.0.0.0:587,,", "0.0.0.0:70000")
