from scaisend.domains import verified_senders
from scaisend.sealing import SealBroken, Sealer, keys_of
from scaisend.tokens import read_return_path, return_path_token
from scaisend.tracking import personal, targets
from tests.base import PlainTestCase

MESSAGE = "msg_" + "0" * 26
NOW = 1_800_000_000.0


def sealer(key: str, *others: str) -> Sealer:
    return Sealer(key.encode(), lambda count: b"n" * count, [each.encode() for each in others])


class SealingTests(PlainTestCase):
    def test_former_keys_open_and_the_new_one_seals(self) -> None:
        """What was sealed under a key that is named opens; what is sealed now opens under the new key alone."""
        sealed = sealer("old").seal("dkim", b"secret")
        changing = sealer("new", "older", "old")
        self.assertEqual(changing.open("dkim", sealed), b"secret")
        self.assertRaises(SealBroken, sealer("new", "older").open, "dkim", sealed)
        fresh = changing.resealed("dkim", sealed)
        assert fresh is not None
        self.assertEqual(sealer("new").open("dkim", fresh), b"secret")
        self.assertIsNone(changing.resealed("dkim", fresh))
        self.assertRaises(SealBroken, changing.resealed, "webhook", sealed)

    def test_fingerprints(self) -> None:
        """Those of the others are what they would call their own."""
        self.assertEqual(sealer("new", "old").other_fingerprints(), (sealer("old").fingerprint(),))
        self.assertEqual(sealer("new", "old").fingerprint(), sealer("new").fingerprint())

    def test_keys(self) -> None:
        """The key to sign with is the first of those whose signatures are accepted; a plain key stands for itself."""
        self.assertEqual(keys_of(sealer("new", "old").key_for("x")), (sealer("new").key_for("x"), sealer("old").key_for("x")))
        self.assertEqual(keys_of(b"key"), (b"key",))

    def test_what_was_sent_before_keeps_working(self) -> None:
        """Return paths, opting out, links and confirmations that were signed under a former key are read, and not without it."""
        old, new, changing = (each.key_for("any") for each in (sealer("old"), sealer("new"), sealer("new", "old")))
        bounce = return_path_token(old, MESSAGE, 3, NOW)
        out = personal.token(old, personal.ALL_MAIL, MESSAGE, 3)
        url = targets.tracked_url("https://t.test", targets.message_key(old, MESSAGE), 7, "https://x.test/").partition("?")[0]
        places = {"old": personal.token(old, personal.CLICK, MESSAGE, 3), "new": personal.token(new, personal.CLICK, MESSAGE, 3)}
        links = {name: url.rpartition("/")[2].replace(personal.placeholder(personal.CLICK), token) for name, token in places.items()}
        proof = verified_senders.make_token(old, verified_senders.Proof("tnt_1", 1, "a@x.test"), NOW)
        for key, is_read in ((changing, True), (new, False)):
            self.assertEqual(read_return_path(key, bounce, NOW) is not None, is_read)
            self.assertEqual(personal.read_token(key, out) is not None, is_read)
            # Composed before the change, delivered before it or after.
            self.assertEqual(targets.read_link(key, links["old"]) is not None, is_read)
            self.assertEqual(targets.read_link(key, links["new"]) is not None, is_read)
            self.assertEqual(verified_senders.read_token(key, proof, NOW) is not None, is_read)
        self.assertEqual(return_path_token(changing, MESSAGE, 3, NOW), return_path_token(new, MESSAGE, 3, NOW))
