"""Which addresses are ours."""

from scaisend.domains.store import return_path_host
from scaisend.inbound.recipients import OurRecipient, OurRecipients
from scaisend.smtp.verdict import Verdict
from scaisend.tokens import DAY_S, return_path_token
from tests.base import PlainTestCase

NOW_S = 1_800_000_000.0
KEY = b"k" * 32
MESSAGE = "msg_01kabcdefghjkmnpqrstvwxyz0"
TOKEN = return_path_token(KEY, MESSAGE, 3, NOW_S)
OURS = OurRecipients(
    token_key=KEY, bounce_domains=("Bounce.Example.test",), fbl_domains=("fbl.example.test",), is_unsubscribe=lambda token: token == "good",
)


def judged(address: str, now_s: float = NOW_S) -> object:
    """`ours`, or the codes of the refusal."""
    found = OURS.judge(address, now_s)
    return (found.code, found.enhanced) if isinstance(found, Verdict) else "ours"


class RecipientTests(PlainTestCase):
    def test_return_path(self) -> None:
        """A token of ours names its recipient, whatever a relay does to its case."""
        for address in (f"bounces+{TOKEN}@bounce.example.test", f"BOUNCES+{TOKEN.upper()}@BOUNCE.example.TEST"):
            found = OURS.judge(address, NOW_S)
            assert isinstance(found, OurRecipient) and found.return_path is not None
            self.assertEqual((found.return_path.recipient_id, found.sender_domain), (f"{MESSAGE}.3", None))

    def test_return_path_of_a_sender_domain(self) -> None:
        """At a sender domain's own host the domain is still to be asked for."""
        found = OURS.judge(f"bounces+{TOKEN}@{return_path_host('sender.test')}", NOW_S)
        assert isinstance(found, OurRecipient)
        self.assertEqual(found.sender_domain, "sender.test")

    def test_forged_tokens(self) -> None:
        """A token that is altered, cut, empty, of another key or too old is no user here; at a foreign host it is a relay attempt."""
        altered = TOKEN[:-1] + ("a" if TOKEN[-1] != "a" else "e")
        other = return_path_token(b"x" * 32, MESSAGE, 3, NOW_S)
        old = return_path_token(KEY, MESSAGE, 3, NOW_S - 31 * DAY_S)
        future = return_path_token(KEY, MESSAGE, 3, NOW_S + 2 * DAY_S)
        for token in (altered, TOKEN[:-2], TOKEN + "aa", "", "x" * 53, "ü" * 53, other, old, future):
            self.assertEqual(judged(f"bounces+{token}@bounce.example.test"), (550, "5.1.1"), token)
            self.assertEqual(judged(f"bounces+{token}@bounces.sender.test"), (550, "5.7.1"), token)

    def test_mailboxes(self) -> None:
        """postmaster, abuse and fbl exist at each of our hosts; others do not; nothing exists elsewhere."""
        for address in ("postmaster", "Postmaster@bounce.example.test", "abuse@fbl.example.test", "fbl@fbl.example.test", "abuse@bounces.sender.test"):
            self.assertEqual(judged(address), "ours", address)
        for address in ("info@bounce.example.test", "bounces@bounce.example.test", "postmaster+x@bounce.example.test"):
            self.assertEqual(judged(address), (550, "5.1.1"), address)
        for address in (
            "postmaster@other.test", "root", f"bounces+{TOKEN}@other.test", "postmaster@sub.bounce.example.test", "postmaster@[127.0.0.1]",
            "a%other.test@bounces.sender.test", "postmaster@bounce.example.test.other.test",
        ):
            self.assertEqual(judged(address), (550, "5.7.1"), address)

    def test_unsubscribe(self) -> None:
        """An unsubscribe address counts if its token does, and by default none does."""
        self.assertEqual(judged("unsubscribe+good@bounce.example.test"), "ours")
        self.assertEqual(judged("unsubscribe+bad@bounce.example.test"), (550, "5.1.1"))
        self.assertEqual(judged("unsubscribe+good@bounces.sender.test"), (550, "5.7.1"))
        plain = OurRecipients(token_key=KEY, bounce_domains=("bounce.example.test",))
        self.assertIsInstance(plain.judge("unsubscribe+good@bounce.example.test", NOW_S), Verdict)
