"""The settings of a process, read from the environment and a file."""

import os

from scaisend.app.config import SETTINGS, check_login, load
from scaisend.faults import Invalid
from scaisend.storage.limiter import Limit
from tests.base import PlainTestCase

HERE = {"SMTP_HELO_HOSTNAME": "mx.example.org"}
SERVER = HERE | {"DATABASE_URL": "mysql://u:p@db/scaisend", "SECRET_KEY": "k" * 32}
STORE = {"S3_ENDPOINT_URL": "http://s3:3900", "S3_BUCKET": "b", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "s"}


class Settings(PlainTestCase):
    def env_file(self, text: str | bytes) -> str:
        path = self.mktemp()
        with open(path, "wb") as stream:
            stream.write(text.encode() if isinstance(text, str) else text)
        return path

    def faults(self, environ: dict[str, str], env_file: str | None = None) -> dict[str | None, str]:
        with self.assertRaises(Invalid) as caught:
            load(environ, env_file)
        return {fault.field: fault.message for fault in caught.exception.faults}

    def test_nothing_set_is_the_embedded_mode(self) -> None:
        """An empty environment gives a working configuration on this machine alone."""
        config = load(HERE, None)
        self.assertTrue(config.is_embedded)
        self.assertEqual(config["DATABASE_URL"], f"sqlite:///{os.path.abspath('scaisend-data')}/scaisend.db")
        self.assertEqual((config["INBOUND_SMTP_PORT"], config["SMTP_PORT"]), (8025, 25))
        self.assertEqual((config["BOUNCE_DOMAIN"], config["FBL_DOMAIN"]), ("mx.example.org", "mx.example.org"))
        self.assertEqual(config["RATE_LIMIT_MAIL_SEND"], Limit(10_000, 1.0))
        self.assertEqual((config.warnings, config.doubts), ((), ()))
        self.assertEqual(set(config), {setting.variable for setting in SETTINGS})

    def test_logins_need_a_client(self) -> None:
        """Commands run with a provider that this service is no client of yet, for `register` is one; a daemon does not."""
        provider = HERE | {"SCAIKEY_API_URL": "https://id.example.org"}
        with self.assertRaises(Invalid) as caught:
            check_login(load(provider, None))
        (fault,) = caught.exception.faults
        self.assertEqual((fault.field, "scaisend register" in fault.message), ("SCAIKEY_CLIENT_ID", True))
        check_login(load(provider | {"SCAIKEY_CLIENT_ID": "c"}, None))
        check_login(load(HERE, None))

    def test_proxies(self) -> None:
        """Addresses and networks; what is neither is told."""
        self.assertEqual(load(HERE | {"TRUSTED_PROXIES": "10.0.0.7, 2001:db8::/48"}, None)["TRUSTED_PROXIES"], ("10.0.0.7/32", "2001:db8::/48"))
        for bad in ("proxy.example.org", "10.0.0.1/8", "10.0.0.0/33"):
            self.assertIn("addresses and networks", self.faults(HERE | {"TRUSTED_PROXIES": bad})["TRUSTED_PROXIES"])

    def test_a_server_has_other_defaults(self) -> None:
        """With DATABASE_URL of a server mail returns on port 25, and what an operator would regret is warned of."""
        config = load(SERVER, None)
        self.assertFalse(config.is_embedded)
        self.assertEqual(config["INBOUND_SMTP_PORT"], 25)
        self.assertEqual([doubt.split(" ")[0] for doubt in config.doubts], ["TRACKING_BASE_URL", "objects"])
        self.assertEqual(load(SERVER | STORE | {"TRACKING_BASE_URL": "https://t.example.org"}, None).doubts, ())
        for address in ("http://t.example.org", "https://localhost", "https://127.0.0.7:8000", "https://[::1]", "https://a.localhost"):
            self.assertIn("TRACKING_BASE_URL", load(SERVER | STORE | {"TRACKING_BASE_URL": address}, None).doubts[0])

    def test_every_fault_is_told_at_once(self) -> None:
        """One start shows them all: values that cannot be read, and combinations that cannot work."""
        faults = self.faults(HERE | {
            "DATABASE_URL": "mysql://u:p@db/scaisend", "SMTP_PORT": "smtp", "INBOUND_SMTP_PORT": "no", "SMTP_TLS_POLICY": "maybe",
            "S3_BUCKET": "b", "REDIS_URL": "http://x", "OPS_LISTEN": "9464",
        })
        self.assertEqual(
            set(faults), {"SMTP_PORT", "INBOUND_SMTP_PORT", "SMTP_TLS_POLICY", "S3_ENDPOINT_URL", "REDIS_URL", "OPS_LISTEN", "SECRET_KEY"}
        )
        self.assertEqual(faults["SMTP_TLS_POLICY"], "SMTP_TLS_POLICY: 'maybe' is not one of none, opportunistic, dane, mta-sts, required, verify")
        self.assertEqual(faults["S3_ENDPOINT_URL"], "S3_ENDPOINT_URL, S3_ACCESS_KEY, S3_SECRET_KEY: must be set too when another S3_ variable is")

    def test_secrets_are_never_echoed(self) -> None:
        """A fault of a secret setting names the variable; a password inside any URL is left out."""
        environ = {setting.variable: "hunter2\x07" for setting in SETTINGS if setting.is_secret}
        faults = self.faults(HERE | environ | {"SCAIKEY_API_URL": "ftp://me:hunter2@host"})
        self.assertGreaterEqual(set(faults), set(environ) - {"S3_ACCESS_KEY"} | {"SCAIKEY_API_URL"})
        self.assertNotIn("hunter2", str(faults))
        self.assertTrue({"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "S3_SECRET_KEY", "SCAIKEY_CLIENT_SECRET"} <= set(environ))

    def test_the_environment_wins_over_the_file(self) -> None:
        """A variable of the process is used instead of the file's; an empty one counts as not set."""
        path = self.env_file("SMTP_PORT=2525\nSMTP_MAX_RETRIES='7' # seven\nexport LOG_LEVEL=debug\nMX_CACHE_TTL=\nDATA_DIR=${HOME}/x\n")
        config = load(HERE | {"SMTP_PORT": "2626", "SMTP_MAX_RETRIES": ""}, path)
        self.assertEqual((config["SMTP_PORT"], config["SMTP_MAX_RETRIES"], config["LOG_LEVEL"], config["MX_CACHE_TTL"]), (2626, 7, "debug", 300))
        self.assertTrue(config["DATA_DIR"].endswith("/${HOME}/x"), "a value is taken as it stands: systemd reads the same file")

    def test_a_file_with_a_byte_order_mark_loses_no_variable(self) -> None:
        """Editors that write one do no harm."""
        self.assertEqual(load(HERE, self.env_file(b"\xef\xbb\xbfSMTP_PORT=2525\n"))["SMTP_PORT"], 2525)

    def test_a_file_that_cannot_be_read_is_a_fault(self) -> None:
        """A named file that is absent, a folder, or no text: going on with defaults would be another installation."""
        for path, reason in (("/nonexistent/env", "does not exist"), ("/", "Is a directory"), (self.env_file(b"A=\xff\xfe\n"), "no UTF-8 text")):
            with self.assertRaises(Invalid) as caught:
                load(HERE, path)
            self.assertIn(f"--env-file: {path} ", str(caught.exception))
            self.assertIn(reason, str(caught.exception))
        self.assertIn("does not exist", load(HERE, "/nonexistent/env", may_lack_file=True).warnings[0])

    def test_a_line_that_is_no_assignment_is_named(self) -> None:
        """By file and number, all of them at once; what stands on it is not repeated. Comments of systemd and a shell's exports are let be."""
        path = self.env_file("# a\n; b = c d\nSMTP_PORT=2525\n\n  SMTP_PORT 2626\nexport HOME\nTEXT='a\nb'\nSECRET_KEY='hunter2\nLOG_LEVEL: debug\nLOG_FORMAT\n")
        with self.assertRaises(Invalid) as caught:
            load(HERE, path)
        self.assertEqual([fault.message for fault in caught.exception.faults], [f"{path}, line {line}: is no NAME=value" for line in (5, 9, 10, 11)])
        self.assertEqual(load(HERE, self.env_file("; b = c d\nexport HOME\r\nSMTP_PORT=2525\r\n"))["SMTP_PORT"], 2525)

    def test_a_misspelt_setting_is_warned_of(self) -> None:
        """With the name that is meant; what is nothing like ours is left in peace."""
        path = self.env_file("SMTP_PROT=26\nS3_ENDPOINT=http://s3\nSMTP_PROT=27\nSMTP_PASSWORD=x\nADMIN_PASSWORD=x\nLOG_DIR=x\nPORT=1\nSMTP=1\nMYSMTP_PORT=1\n")
        self.assertEqual(load(HERE, path).warnings, (
            f"{path}: SMTP_PROT is no setting; is SMTP_PORT meant?", f"{path}: S3_ENDPOINT is no setting; is S3_ENDPOINT_URL meant?",
        ))

    def test_the_default_file_may_be_absent(self) -> None:
        """Nobody needs a .env: no warning."""
        folder = self.mktemp()
        os.mkdir(folder)
        before = os.getcwd()
        os.chdir(folder)
        self.addCleanup(os.chdir, before)
        self.assertEqual(load(HERE).warnings, ())

    def test_secret_key(self) -> None:
        """It may be absent on SQLite only, and has at least 32 characters everywhere."""
        self.assertEqual(load(HERE, None)["SECRET_KEY"], "")
        self.assertIn("must be set", self.faults(SERVER | {"SECRET_KEY": ""})["SECRET_KEY"])
        self.assertIn("too short", self.faults(SERVER | {"SECRET_KEY": "short"})["SECRET_KEY"])
        self.assertIn("too short", self.faults(HERE | {"SECRET_KEY": "short"})["SECRET_KEY"])

    def test_object_store_needs_all_or_nothing(self) -> None:
        """Each of its four variables asks for the other three; the region has a default."""
        for missing in STORE:
            self.assertEqual(list(self.faults(HERE | STORE | {missing: ""})), [missing])
        self.assertEqual(load(HERE | STORE, None)["S3_REGION"], "us-east-1")

    def test_inbound_may_be_off(self) -> None:
        """`off` means that this process does not listen."""
        self.assertIsNone(load(HERE | {"INBOUND_SMTP_PORT": "off"}, None)["INBOUND_SMTP_PORT"])

    def test_but_changes_a_copy(self) -> None:
        """`but` leaves the configuration it was asked of alone."""
        config = load(HERE, None)
        self.assertEqual(config.but(SMTP_PORT=1)["SMTP_PORT"], 1)
        self.assertEqual(config["SMTP_PORT"], 25)

    def test_every_setting_has_a_sentence_and_a_default_that_can_be_read(self) -> None:
        """The table itself is sound."""
        self.assertEqual(len({setting.variable for setting in SETTINGS}), len(SETTINGS))
        for setting in SETTINGS:
            setting.parse(setting.default)
            self.assertTrue(setting.sentence and "\n" not in setting.sentence, setting.variable)
