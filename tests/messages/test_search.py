from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid
from scaisend.http.call import Call
from scaisend.ids import IdMaker, short_form
from scaisend.messages.search import activity_id, id_bound, is_message_id, is_request_id, read_activity_id, read_list
from tests.base import PlainTestCase


class IdTests(PlainTestCase):
    @settings(deadline=None)
    @given(st.integers(0, 2**48 - 1), st.integers(0, 2**60 - 1), st.integers(0, 999), st.text(max_size=20))
    def test_forms(self, milliseconds: int, bits: int, number: int, tenant_id: str) -> None:
        """Each id is read as what it is, and as nothing else; SendGrid's begins with the X-Message-Id and a dot."""
        ids = IdMaker(now_s=lambda: milliseconds / 1000, random_bits=lambda _: bits)
        message_id, request_id = ids.new("msg", tenant_id), short_form(ids.number(tenant_id))
        msg_id = activity_id(request_id, message_id, number)
        found = read_activity_id(msg_id)
        assert found is not None
        self.assertEqual((found.request_id, found.message_id, found.recipient_id), (request_id, message_id, f"{message_id}.{number}"))
        self.assertEqual(msg_id.split(".")[0], request_id)
        for text, kinds in ((message_id, (True, False)), (request_id, (False, True)), (msg_id, (False, False)), (message_id + "\n", (False, False))):
            self.assertEqual((is_message_id(text), is_request_id(text)), kinds)

    @settings(deadline=None)
    @given(st.text(max_size=60))
    def test_other_text(self, text: str) -> None:
        """What is read as an id is ASCII: nothing else may reach an id column of MySQL."""
        self.assertTrue(text.isascii() or not (is_message_id(text) or is_request_id(text) or read_activity_id(text)))

    def test_bound(self) -> None:
        """An id stands above the bound of its moment and below that of the next millisecond."""
        ids = IdMaker(now_s=lambda: 1_800_000_000.0, random_bits=lambda _: 2**60 - 1)
        self.assertTrue(id_bound(1_800_000_000.0) < ids.new("msg", "tnt_a") < id_bound(1_800_000_000.001))
        self.assertTrue(id_bound(-5.0) <= id_bound(0.0) < id_bound(1e12))


class ListTests(PlainTestCase):
    def test_a_misspelt_filter_is_told(self) -> None:
        """A parameter that does not exist is refused with those that do: ignored, it would answer everything."""
        with self.assertRaises(Invalid) as caught:
            read_list(Call(query={"recipient": ["a@x.test"], "status": ["delivered"]}))
        (fault,) = caught.exception.faults
        self.assertEqual((fault.field, "to_email" in (fault.help or "")), ("recipient", True))
