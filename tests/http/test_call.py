from scaisend.faults import Invalid, UnsupportedType
from scaisend.http.call import Call, is_json
from tests.base import PlainTestCase


class CallTest(PlainTestCase):
    def test_the_last_of_two_equal_keys_counts(self) -> None:
        """A key that stands twice is no error, as SendGrid takes it."""
        self.assertEqual(Call(body=b'{"a": 1, "a": 2}').json(), {"a": 2})

    def test_what_is_not_json_is_invalid(self) -> None:
        """Broken, empty, endless-nested or not-a-number JSON is a 400 with SendGrid's words."""
        for body in (b"", b"{", b"NaN", b"[" * 100_000, b'{"a": "\\ud800"}', b"\x00"):
            with self.assertRaises(Invalid) as caught:
                Call(body=body).json()
            self.assertEqual(caught.exception.faults[0].message, "Bad Request")

    def test_what_is_not_utf8_is_unsupported(self) -> None:
        """JSON in another encoding is a 415 that says so."""
        with self.assertRaises(UnsupportedType) as caught:
            Call(body='{"a": "é"}'.encode("latin-1")).json()
        self.assertEqual(caught.exception.faults[0].message, "Invalid UTF8 in request")

    def test_another_content_type_is_unsupported(self) -> None:
        """A body that calls itself something else is a 415; one that says nothing is read."""
        with self.assertRaises(UnsupportedType):
            Call(body=b"{}", headers={"content-type": "text/plain"}).json()
        self.assertEqual(Call(body=b"{}", headers={"content-type": "Application/JSON; charset=utf-8"}).json(), {})
        self.assertTrue(is_json("application/problem+json"))
        self.assertFalse(is_json("application/json-seq"))

    def test_one_value_of_a_query_parameter(self) -> None:
        """The first value counts; an absent name is None."""
        call = Call(query={"a": ["1", "2"]})
        self.assertEqual((call.one("a"), call.one("b")), ("1", None))
