import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.domains.verified_senders import (
    GOOD_FOR_S,
    Proof,
    confirmation,
    make_token,
    read_sender,
    read_token,
    shape,
)
from scaisend.faults import Invalid
from scaisend.sending.request import read_send_request
from tests.base import PlainTestCase
from tests.world.tenants import NOW

KEY = b"k" * 32
PROOF = Proof("tnt_a", 7, "me@example.com")
GOOD = {"nickname": "Me", "from_email": "me@example.com", "reply_to": "me@example.com"}


class Senders(PlainTestCase):
    def test_what_a_sender_needs(self) -> None:
        """Nickname, from and reply-to when it is made; whatever is given when it is changed; unknown fields are passed over."""
        self.assertEqual(read_sender({**GOOD, "city": "Ghent", "other": 1}, is_new=True), {**GOOD, "city": "Ghent"})
        self.assertEqual(read_sender({"city": None, "zip": "1"}, is_new=False), {"zip": "1"})
        with self.assertRaises(Invalid) as caught:
            read_sender({"from_email": "nobody", "state": "long", "zip": 1}, is_new=True)
        self.assertEqual({each.field for each in caught.exception.faults}, {"nickname", "from_email", "reply_to", "state", "zip"})

    def test_shape(self) -> None:
        """Every field is there, with an integer id, `verified` and `locked`."""
        shown = shape(7, "me@example.com", {"nickname": "Me"}, is_verified=True)
        self.assertEqual((shown["id"], shown["nickname"], shown["city"], shown["verified"], shown["locked"]), (7, "Me", "", True, False))

    def test_the_mail_is_a_good_request(self) -> None:
        """What mails the link passes the validation of all mail, and its link is not tracked."""
        body = confirmation(sender="no-reply@b.example", to="me@example.com", link="https://x.example/verify-sender/abc")
        request = read_send_request(orjson.dumps(body), now_s=NOW)
        self.assertIn("https://x.example/verify-sender/abc", str(request.shared["content"]))
        self.assertEqual({each["enable"] for each in request.shared["tracking_settings"].values()}, {False})  # type: ignore[attr-defined]


class Tokens(PlainTestCase):
    def test_a_token_proves_what_it_was_made_for(self) -> None:
        """For two days, under the key it was made with."""
        token = make_token(KEY, PROOF, NOW)
        self.assertEqual(read_token(KEY, token, NOW + GOOD_FOR_S), PROOF)
        self.assertIsNone(read_token(KEY, token, NOW + GOOD_FOR_S + 1))
        self.assertIsNone(read_token(b"o" * 32, token, NOW))

    def test_a_changed_token_proves_nothing(self) -> None:
        """Neither with another letter anywhere, nor cut, nor with something behind it."""
        token = make_token(KEY, PROOF, NOW)
        body, _, signature = token.partition(".")
        for place in range(len(body)):
            self.assertIsNone(read_token(KEY, body[:place] + ("A" if body[place] != "A" else "B") + body[place + 1:] + "." + signature, NOW))
        for wrong in (body, body + ".", "." + signature, token + "x", token[:-1], "", ".", "é" + token):
            self.assertIsNone(read_token(KEY, wrong, NOW))

    @settings(deadline=None, max_examples=200)
    @given(st.text(max_size=80))
    def test_no_text_is_a_token_by_chance(self, text: str) -> None:
        """Whatever stands in a path is answered without an exception."""
        self.assertIsNone(read_token(KEY, text, NOW))
        self.assertIsNone(read_token(KEY, f"{text}.{text}", NOW))
