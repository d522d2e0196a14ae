from scaisend.faults import Invalid
from scaisend.identity.subuser import NewSubuser, read_addresses, read_disabled, read_subuser
from tests.base import PlainTestCase

SOURCES = ("192.0.2.1", "2001:db8::1")


class SubuserTests(PlainTestCase):
    def fields(self, read: object, *given: object) -> list[str | None]:
        with self.assertRaises(Invalid) as refused:
            read(*given)  # type: ignore[operator]
        return [fault.field for fault in refused.exception.faults]

    def test_a_new_one(self) -> None:
        """Addresses in their one form, once; what is not named is not there."""
        found = read_subuser({"username": "j.doe+1@x", "email": "j@example.org", "password": "p", "ips": ["2001:DB8:0::1", "2001:db8::1"]}, SOURCES)
        self.assertEqual(found, NewSubuser("j.doe+1@x", "j@example.org", ("2001:db8::1",), None))
        self.assertEqual(self.fields(read_subuser, [], SOURCES)[0], None)
        self.assertEqual(self.fields(read_subuser, {"username": "tnt_x", "email": "j@example.org"}, SOURCES), ["username"])

    def test_disabled(self) -> None:
        """True or false, and said."""
        self.assertEqual([read_disabled({"disabled": each}) for each in (True, False)], [True, False])
        for given in ({}, {"disabled": None}, {"disabled": 1}):
            self.assertEqual(self.fields(read_disabled, given), ["disabled"])
        self.assertEqual(self.fields(read_disabled, [True])[0], None)

    def test_addresses(self) -> None:
        """Each one that mail may leave from."""
        self.assertEqual(read_addresses(["192.0.2.1"], SOURCES), ("192.0.2.1",))
        self.assertEqual(read_addresses([], SOURCES), ())
        self.assertEqual(self.fields(read_addresses, ["192.0.2.1", "192.0.2.2", 5], SOURCES), ["ips.2", "ips.1"])
        for given in (None, {}, "192.0.2.1"):
            self.assertEqual(self.fields(read_addresses, given, SOURCES), ["ips"])
