import re
from base64 import urlsafe_b64encode

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid
from scaisend.http.call import Call
from scaisend.http.paging import Page, array_reply, base_url, cursor, offset_page, only, read_cursor, whole
from tests.base import PlainTestCase


class PageTest(PlainTestCase):
    def test_defaults_and_bounds(self) -> None:
        """Without parameters the page is the first, of the greatest size; what is given is taken within bounds."""
        self.assertEqual(offset_page(Call()), Page(500, 0))
        self.assertEqual(offset_page(Call(query={"limit": ["2"], "offset": ["4"]})), Page(2, 4))

    def test_faults_name_their_field(self) -> None:
        """A wrong number is a 400 on its own field, also when int() would take it."""
        for text in ("x", "1.5", "1_0", "٣", "-1", "0", "501", "9" * 30, " 1", "+1"):
            with self.assertRaises(Invalid) as caught:
                offset_page(Call(query={"limit": [text]}))
            self.assertEqual(caught.exception.faults[0].field, "limit")

    def test_unknown_parameters(self) -> None:
        """Each one that the list does not know is a fault on its own name, which says what it knows."""
        only(Call(query={"limit": ["1"]}), "limit", "after")
        with self.assertRaises(Invalid) as caught:
            only(Call(query={"limit": ["1"], "stauts": ["x"], "a": [""]}), "limit", "after")
        self.assertEqual([(each.field, each.help) for each in caught.exception.faults], [(name, "Known are after, limit.") for name in ("a", "stauts")])

    def test_negative_bounds(self) -> None:
        """A parameter may be negative where its bounds allow it."""
        self.assertEqual(whole(Call(query={"n": ["-3"]}), "n", least=-5, most=5, default=0), -3)

    def test_links(self) -> None:
        """The Link header has SendGrid's relations with page numbers: next while there is more, prev behind the first, last on the last."""
        call = Call(query={"email": ["a+b@c.d"], "limit": ["2"], "offset": ["2"]}, headers={"host": "x.test:8443", "x-forwarded-proto": "https"})
        reply = array_reply(call, "/v3/y", Page(2, 2), [3, 4, 5])
        self.assertEqual((reply.body, reply.headers), (b"[3,4]", (("Link", ", ".join(
            f'<https://x.test:8443/v3/y?email=a%2Bb%40c.d&limit=2&offset={offset}>; rel="{name}"; title="{title}"'
            for name, offset, title in (("next", 4, 3), ("prev", 0, 1), ("first", 0, 1))
        )),)))
        names = [
            re.findall(r'rel="(\w+)"', array_reply(call, "/v3/y", page, rows).headers[0][1])
            for page, rows in ((Page(2, 0), [1, 2, 3]), (Page(2, 0), [1, 2]), (Page(2, 4), [5]), (Page(2, 0), []))
        ]
        self.assertEqual(names, [["next", "first"], ["first", "last"], ["prev", "first", "last"], ["first", "last"]])

    def test_the_host_is_the_callers(self) -> None:
        """As it was asked for; a Host that could break out of a URL is left away."""
        self.assertEqual(base_url(Call(headers={"host": "[::1]:80"})), "http://[::1]:80")
        for host in ("", 'x>; rel="next"', "a/b", "a b", "é"):
            self.assertEqual(base_url(Call(headers={"host": host})), "")


class CursorTest(PlainTestCase):
    @settings(deadline=None)
    @given(st.text(st.characters(max_codepoint=127), max_size=50), st.integers(-(2**63), 2**63 - 1))
    def test_there_and_back(self, text: str, number: int) -> None:
        """What a cursor was made of comes back."""
        self.assertEqual(read_cursor(cursor([text, number]), (str, int), field="page_token"), (text, number))

    @settings(deadline=None)
    @given(st.text(max_size=60))
    def test_anything_else_is_refused(self, text: str) -> None:
        """A text of other making is refused with its field, or happens to be of the right kinds."""
        try:
            self.assertEqual([type(part) for part in read_cursor(text, (int, str), field="after")], [int, str])
        except Invalid as error:
            self.assertEqual(error.faults[0].field, "after")

    def test_kinds_are_exact(self) -> None:
        """Booleans, nulls, lists and other counts are refused, and text that can be no id."""
        for raw in (b"[true]", b"[null]", b"[[1]]", b"[1,2]", b"{}", b"[1.5]", b"[]"):
            with self.assertRaises(Invalid):
                read_cursor(urlsafe_b64encode(raw).decode(), (int,), field="after")
        with self.assertRaises(Invalid):
            read_cursor(cursor(["é"]), (str,), field="after")
