"""How REDIS_URL is read."""

from scaisend.faults import Invalid
from scaisend.storage.redis_url import RedisAddress, parse_redis_url
from tests.base import PlainTestCase


class RedisUrlTests(PlainTestCase):
    """Spellings, and what is refused."""

    def test_spellings(self) -> None:
        """Each spelling means one address."""
        rows = {
            "redis://localhost": RedisAddress(hosts=(("localhost", 6379),)),
            "redis://h:1/3": RedisAddress(hosts=(("h", 1),), database=3),
            "redis://h?db=3&prefix=x:": RedisAddress(hosts=(("h", 6379),), database=3, prefix="x:"),
            "redis://secret@h": RedisAddress(hosts=(("h", 6379),), password="secret"),
            "redis://:p%40ss@h": RedisAddress(hosts=(("h", 6379),), password="p@ss"),
            "redis://user:p@h": RedisAddress(hosts=(("h", 6379),), username="user", password="p"),
            "redis://[::1]:7": RedisAddress(hosts=(("::1", 7),)),
            "redis://[::1]": RedisAddress(hosts=(("::1", 6379),)),
            "rediss://h?ssl_ca=/ca.pem": RedisAddress(hosts=(("h", 6379),), tls=True, ssl_ca="/ca.pem"),
            "redis+sentinel://p@a,b:7/main/2": RedisAddress(
                hosts=(("a", 26379), ("b", 7)), service="main", password="p", database=2),
            "redis+sentinel://a/main?sentinel_password=s": RedisAddress(
                hosts=(("a", 26379),), service="main", sentinel_password="s"),
            "rediss+sentinel://p@a,b:7/main?ssl_ca=/ca.pem&sentinel_password=s": RedisAddress(
                hosts=(("a", 26379), ("b", 7)), tls=True, service="main", password="p", sentinel_password="s", ssl_ca="/ca.pem"),
            "unix:///run/redis.sock?db=1": RedisAddress(path="/run/redis.sock", database=1),
        }
        for url, address in rows.items():
            self.assertEqual(parse_redis_url(url), address, url)

    def test_refused(self) -> None:
        """A wrong URL is refused by the variable's name, and its password is not repeated."""
        for url in (
            "http://secret@h", "redis://:secret@h:0", "redis://:secret@h:x", "redis://:secret@", "redis://:secret@h/x",
            "redis://:secret@h/1/2", "redis+sentinel://secret@a", "rediss+sentinel://secret@a", "redis://:secret@a,b", "rediss://:secret@a,b", "redis://:secret@h?wrong=1", "",
        ):
            with self.assertRaises(Invalid) as caught:
                parse_redis_url(url)
            self.assertEqual(caught.exception.faults[0].field, "REDIS_URL")
            self.assertNotIn("secret", str(caught.exception) + str(caught.exception.faults))

    def test_passwords_are_not_shown(self) -> None:
        """An address in a log says no password."""
        self.assertNotIn("secret", repr(parse_redis_url("redis://secret@h")))

    def test_the_way(self) -> None:
        """What doctor tells of an address: where, whether over TLS, and no password."""
        for url, way in (
            ("redis://secret@h", "at h:6379"), ("rediss://secret@h/3", "at h:6379 over TLS"), ("unix:///run/redis.sock", "at /run/redis.sock"),
            ("redis+sentinel://secret@a,b:7/main", "as the master of main, named by sentinels at a:26379, b:7"),
            ("rediss+sentinel://secret@a/main?sentinel_password=secret", "as the master of main over TLS, named by sentinels at a:26379"),
        ):
            self.assertEqual(parse_redis_url(url).way, way)
