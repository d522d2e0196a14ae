import argparse
import json

from scaisend.app.commands.keys import read_expiry, read_scopes
from scaisend.identity.permissions import OURS
from tests.app.commands.test_audit import CommandTestCase
from tests.base import PlainTestCase


class OptionTests(PlainTestCase):
    def test_scopes(self) -> None:
        """SendGrid's names and ours, each once; all when none is given; unknown ones are named."""
        self.assertEqual(read_scopes("mail.send, stats.read,,mail.send"), ("mail.send", "stats.read"))
        self.assertEqual(read_scopes(""), OURS)
        error = self.assertRaises(argparse.ArgumentTypeError, read_scopes, "mail.send,mail.snd")
        self.assertIn("mail.snd (ours are mail.send", str(error))

    def test_expiry(self) -> None:
        """ISO 8601 or unix seconds."""
        self.assertEqual(read_expiry("2027-01-15T08:00:00Z"), read_expiry("1800000000"))
        self.assertRaises(argparse.ArgumentTypeError, read_expiry, "tomorrow")


class KeysTests(CommandTestCase):
    def test_life_of_a_key(self) -> None:
        """A key is made, shown once, listed without its secret, and revoked once."""
        self.scaisend("init", "--json")
        code, out = self.scaisend("keys", "create", "shop", "--scopes", "mail.send", "--test", "--json")
        made = json.loads(out)
        self.assertEqual((code, made["scopes"], made["test"], made["api_key"][:8]), (0, ["mail.send"], True, "sg_test_"))
        code, out = self.scaisend("keys", "list", "--json")
        self.assertEqual((code, [each["name"] for each in json.loads(out)], made["api_key"] in out), (0, ["admin", "shop"], False))
        self.assertEqual(self.scaisend("keys", "revoke", made["id"])[0], 0)
        self.assertEqual(self.scaisend("keys", "revoke", made["id"])[0], 1)
        self.assertEqual(self.scaisend("keys", "create", "x", "--expires", "1")[0], 1)
