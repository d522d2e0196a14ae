from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.tracking.unsubscribe import FORM, MULTIPART, Form, masked, read_form
from tests.base import PlainTestCase


class FormTests(PlainTestCase):
    def test_fields(self) -> None:
        """What a browser and what a mail client's machine post."""
        self.assertEqual(read_form(f"{FORM}; charset=utf-8", b"action=preferences&group=1&group=2&group=x&none=1"), Form("preferences", False, frozenset({1, 2}), True))
        self.assertTrue(read_form(FORM, b"List-Unsubscribe=One-Click").is_one_click)
        body = b'--q\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--q--\r\n'
        self.assertTrue(read_form(f'{MULTIPART}; boundary="q"', body).is_one_click)
        self.assertEqual(read_form("application/json", b'{"List-Unsubscribe": "One-Click"}'), Form())

    @settings(max_examples=100, deadline=None)
    @given(st.sampled_from([FORM, MULTIPART, f"{MULTIPART}; boundary=b", f"{MULTIPART}; boundary*=x''%00"]), st.binary(max_size=300))
    def test_any_octets(self, kind: str, body: bytes) -> None:
        """Whatever is posted is some form, and no exception."""
        read_form(kind, body)

    def test_masked(self) -> None:
        """Only the first letter and the domain of an address are shown."""
        self.assertEqual([masked(each) for each in ("ann@x.test", '"a@b"@x.test', "é@x.test")], ["a…@x.test", '"…@x.test', "é…@x.test"])
