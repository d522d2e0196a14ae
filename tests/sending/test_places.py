from quopri import decodestring

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.sending.compose import compose
from scaisend.sending.encodings import QUOTED_PRINTABLE, encoded_text
from scaisend.sending.mail import Mail, Mailbox, Part
from scaisend.sending.places import with_places
from scaisend.sending.segments import ObjectRef, TokenRef, Unjoinable, join, pack, purposes, size_of, unpack
from scaisend.tracking.personal import ALL_MAIL, GROUP, placeholder, tokens
from tests.base import PlainTestCase

KEY = b"k" * 32
MESSAGE = "msg_01jq8zk5c0" + "0" * 16
PLACES = {placeholder(each): each for each in (ALL_MAIL, GROUP)}


class PlacesTests(PlainTestCase):
    def test_whole(self) -> None:
        """A placeholder becomes the place of the token; other bytes and objects stay."""
        mark = placeholder(ALL_MAIL).encode()
        found = with_places([b"a" + mark + mark + b"b", ObjectRef("k", 3)], PLACES)
        place = TokenRef(ALL_MAIL, 0, 50)
        self.assertEqual(found, (b"a", place, place, b"b", ObjectRef("k", 3)))
        self.assertEqual((size_of(found), purposes(found), unpack(pack(found))), (105, (ALL_MAIL,), found))
        with self.assertRaises(Unjoinable):
            join(found, {"k": b"xyz"})

    @settings(deadline=None, max_examples=60)
    @given(st.text(st.sampled_from("ab =.é漢\n\t"), max_size=200), st.text(st.sampled_from("ab =.é漢\n"), max_size=200))
    def test_in_any_text(self, before: str, after: str) -> None:
        """Wherever quoted-printable breaks its lines, the reader finds the recipient's token."""
        text = f"{before}é{placeholder(GROUP)}{after}{placeholder(ALL_MAIL)}"
        encoding, content = encoded_text(text, may_be_base64=False)
        self.assertEqual(encoding, QUOTED_PRINTABLE)
        mine = tokens(KEY, (ALL_MAIL, GROUP), MESSAGE, 3)
        joined = join(with_places([content], PLACES), {}, mine)
        self.assertEqual(len(joined), len(content))
        wanted = text.replace(placeholder(GROUP), mine[GROUP].decode()).replace(placeholder(ALL_MAIL), mine[ALL_MAIL].decode())
        self.assertEqual(decodestring(joined).decode(), wanted.replace("\n", "\r\n"))

    def test_composed(self) -> None:
        """A mail in a script that would be base64 is not, so that its places are found in header and text; sizes do not change."""
        url = f"https://track.test/t/u/{placeholder(GROUP)}"
        mail = Mail(
            Mailbox("a@x.test"), (Mailbox("b@x.test"),), "漢字", 0.0, "<1@x.test>", "seed", headers={"List-Unsubscribe": f"<{url}>"},
            parts=(Part("text/plain", f"漢字漢字 {url} 漢字"), Part("text/html", "<p>漢字漢字漢字</p>")), places=PLACES,
        )
        composed = compose(mail)
        self.assertEqual(purposes(composed.segments), (GROUP,))
        whole = join(composed.segments, {}, tokens(KEY, (GROUP,), MESSAGE, 0))
        self.assertEqual((len(whole), whole.count(b"track.test/t/u/")), (composed.size_bytes, 2))
        self.assertEqual(whole.replace(b"=\r\n", b"").count(tokens(KEY, (GROUP,), MESSAGE, 0)[GROUP]), 2)
        self.assertIn(b"base64", whole)  # the part without a place is encoded as ever
