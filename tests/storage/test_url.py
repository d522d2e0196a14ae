"""The spellings of DATABASE_URL."""

from scaisend.faults import Invalid
from scaisend.storage.url import MysqlAddress, SqliteAddress, alchemy_url, driver_options, parse_database_url
from tests.base import PlainTestCase


class MysqlUrlTests(PlainTestCase):
    """Servers."""

    def test_all_spellings_are_one(self) -> None:
        """The driver that a URL names is of no account."""
        for scheme in ("mysql", "mysql+pymysql", "mysql+aiomysql", "mysql+asyncmy", "mariadb", "mariadb+pymysql"):
            self.assertEqual(
                parse_database_url(f"{scheme}://scaisend:pw@db.example:3307/mail"),
                MysqlAddress("db.example", 3307, "scaisend", "pw", "mail", {}),
            )

    def test_passwords_are_unescaped(self) -> None:
        """Every character of a password can be written, and the repr of the address does not show it."""
        address = parse_database_url("mysql://u:p%40s%2Fs%3A%25%23@h/d")
        assert isinstance(address, MysqlAddress)
        self.assertEqual(address.password, "p@s/s:%#")
        self.assertNotIn("p@s", repr(address))
        self.assertEqual(alchemy_url(address).password, "p@s/s:%#")

    def test_defaults(self) -> None:
        """Port 3306, localhost, root without password; seconds for a dead server."""
        address = parse_database_url("mysql:///d")
        assert isinstance(address, MysqlAddress)
        self.assertEqual((address.host, address.port, address.user, address.password), ("localhost", 3306, "root", ""))
        self.assertEqual(driver_options(address)["connect_timeout"], 3)

    def test_options_have_the_driver_s_types(self) -> None:
        """Paths are text, switches are booleans, times numbers; charset and the like are ours to choose."""
        address = parse_database_url(
            "mysql://h/d?ssl_ca=/etc/ca.pem&ssl_verify=false&charset=latin1&connect_timeout=5&unix_socket=/run/m.sock&autocommit=true")
        assert isinstance(address, MysqlAddress)
        self.assertEqual(address.options, {
            "ssl_ca": "/etc/ca.pem", "ssl_verify_identity": False, "ssl_verify_cert": False, "connect_timeout": 5.0,
            "unix_socket": "/run/m.sock",
        })
        self.assertRaises(Invalid, driver_options, address)

    def test_what_the_driver_is_told(self) -> None:
        """Charset is ours; TLS is a context that checks chain and name, unless the URL says otherwise, and without a word of it none."""
        for given, expected in (
            ("", None), ("ssl_disabled=true", None), ("ssl_verify_cert=true", (True, 2)), ("ssl_verify_identity=true", (True, 2)),
            ("ssl_verify=false", (False, 0)), ("ssl_verify_identity=false&ssl_verify_cert=true", (False, 2)),
        ):
            address = parse_database_url(f"mysql://h/d?connect_timeout=5&{given}")
            assert isinstance(address, MysqlAddress)
            options = driver_options(address)
            context = options.get("ssl")
            self.assertEqual((options["charset"], options["connect_timeout"]), ("utf8mb4", 5.0))
            self.assertEqual(context and (context.check_hostname, int(context.verify_mode)), expected, given)
            self.assertEqual(options.get("ssl_disabled", False), given == "ssl_disabled=true")


class SqliteUrlTests(PlainTestCase):
    """Files."""

    def test_paths(self) -> None:
        """Three slashes are relative, four absolute; the driver is of no account."""
        self.assertEqual(parse_database_url("sqlite:///kept/x.db"), SqliteAddress("kept/x.db"))
        self.assertEqual(parse_database_url("sqlite+aiosqlite:////var/x.db"), SqliteAddress("/var/x.db"))


class FaultTests(PlainTestCase):
    """What is refused."""

    def test_faults_name_the_variable_and_keep_the_secret(self) -> None:
        """Each fault names the variable it is in, and none repeats the password."""
        for url in (
            "", "no url", "postgresql://u:s3cret@h/d", "mysql://u:s3cret@h", "mysql://u:s3cret@h:port/d", "mysql://u:s3cret@h/d?sll_ca=x",
            "mysql://u:s3cret@h/d?ssl_verify=perhaps", "mysql://u:s3cret@h/d?read_timeout=-1", "sqlite://", "sqlite:///:memory:",
            "sqlite://host/x.db", "mysql+s3cret://h/d"[:6] + "other://u:s3cret@h/d",
        ):
            error = self.assertRaises(Invalid, parse_database_url, url, "DATABASE_READ_URL")
            self.assertEqual(error.faults[0].field, "DATABASE_READ_URL", url)
            self.assertNotIn("s3cret", repr(error.faults))
