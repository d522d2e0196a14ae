from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid, UnsupportedType
from scaisend.http.form_data import MOST_PARTS, FormPart, read_form_data
from tests.base import PlainTestCase

KIND = "multipart/form-data; boundary=B"


def form(*parts: tuple[str, bytes], boundary: str = "B") -> bytes:
    """The body of a form: (Content-Disposition's parameters, content)."""
    written = [f"--{boundary}\r\nContent-Disposition: form-data; {fields}\r\nContent-Type: x/y\r\n\r\n".encode() + content + b"\r\n" for fields, content in parts]
    return b"".join(written) + f"--{boundary}--\r\n".encode()


class FormTests(PlainTestCase):
    @settings(deadline=None)
    @given(st.binary(max_size=300).filter(lambda content: b"\r\n--B" not in content))
    def test_any_content(self, content: bytes) -> None:
        """A file's bytes come through as they are, line ends and all."""
        found = read_form_data(KIND, form(('name="file"; filename="a.png"', content), ('name="alt"', "ü".encode())))
        self.assertEqual((found["file"], found["alt"].text()), (FormPart("file", content, "a.png"), "ü"))

    def test_names(self) -> None:
        """Names as browsers and programs write them."""
        for fields, wanted in (
            ('name=file; filename=a.png', "a.png"), ('name="file"; filename="a \\"b\\".png"', 'a "b".png'), ('name="file"; filename="a %22b%22.png"', 'a "b".png'),
            ("name=\"file\"; filename*=UTF-8''%C3%BC.png", "ü.png"), ('filename="ü.png"; name="file"', "ü.png"), ('name="file"', None),
        ):
            self.assertEqual(read_form_data(KIND, form((fields, b"x")))["file"].filename, wanted)

    def test_boundaries(self) -> None:
        """A boundary may be quoted, and there may be text before the first and after the last."""
        body = b"preamble\r\n" + form(('name="a"', b"1"), ('name="a"', b"2"), boundary="b c") + b"epilogue"
        self.assertEqual(read_form_data('multipart/form-data; boundary="b c"', body)["a"].content, b"1")

    def test_refused(self) -> None:
        """What is no form is told so; one cut short or without end is refused."""
        for kind in ("", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=B", "multipart/form-data; boundary=" + "b" * 71):
            self.assertRaises(UnsupportedType, read_form_data, kind, form(('name="a"', b"1")))
        for body in (b"", b"x", form(('name="a"', b"1"))[:-6], b"--B\r\nX: y\r\n\r\n1\r\n--B--", b"--B\r\nContent-Disposition: form-data; name=a\r\n--B--", form(*[('name="a"', b"1")] * (MOST_PARTS + 3)), form(("x", b"1"))):
            self.assertRaises(Invalid, read_form_data, KIND, body)
        self.assertRaises(Invalid, read_form_data(KIND, form(('name="a"', b"\xff")))["a"].text)
