"""Forms, read again by another program's parser."""

import io

import multipart
from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.inbound.form import FormFile, form_body
from tests.base import PlainTestCase

TEXT = st.binary(max_size=60) | st.sampled_from((b"--", b"\r\n--", b"\r\n"))
NAME = st.text(st.characters(min_codepoint=32, blacklist_categories=("Cs",), blacklist_characters='"\\'), min_size=1, max_size=20)


def parsed(kind: str, body: bytes) -> list[tuple[str, str | None, bytes]]:
    boundary = kind.partition("boundary=")[2]
    return [(part.name, part.filename, part.raw) for part in multipart.MultipartParser(io.BytesIO(body), boundary)]


class FormTests(PlainTestCase):
    @settings(deadline=None, max_examples=100)
    @given(st.lists(st.tuples(NAME, TEXT), max_size=4), st.lists(st.tuples(NAME, NAME, TEXT), max_size=3), st.text(max_size=5))
    def test_read_again(self, fields: list[tuple[str, bytes]], files: list[tuple[str, str, bytes]], seed: str) -> None:
        """Every field and file comes out as it went in."""
        body = form_body(fields, [FormFile(name, filename, "text/plain", content) for name, filename, content in files], seed)
        wanted = [(name, None, content) for name, content in fields] + list(files)
        self.assertEqual([each[2] for each in parsed(*body)] if wanted else [], [each[2] for each in wanted])
        if all(each.isascii() for name, filename, _ in wanted for each in (name, filename or "")):
            self.assertEqual(parsed(*body) if wanted else [], wanted)

    def test_names_cannot_break_out(self) -> None:
        """Quotes and line ends in names are percent codes; a type is one line."""
        _, body = form_body([], [FormFile("a", 'x"\r\nContent-Type: evil', "text/x\r\nX-Evil: 1", b"")], "s")
        self.assertIn(b'filename="x%22%0D%0AContent-Type: evil"\r\nContent-Type: text/xX-Evil: 1\r\n', body)

    def test_the_boundary_occurs_in_no_content(self) -> None:
        """A mail that holds the boundary gets another one."""
        first, _ = form_body([], [], "s")
        boundary = first.partition("=")[2].encode()
        second, body = form_body([("a", boundary)], [], "s")
        self.assertNotEqual(first, second)
        self.assertEqual(parsed(second, body), [("a", None, boundary)])
