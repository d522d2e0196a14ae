"""Entities: what real mails look like, and what garbled ones do."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid
from scaisend.submission.mime import Entity, read_entity
from tests.base import PlainTestCase
from tests.submission.mails import octets, rich_mail


def multipart(*parts: str, boundary: str = "b", end: str = "\r\n--b--\r\n", kind: str = "mixed") -> bytes:
    return (f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\npreamble' + "".join(f"\r\n--{boundary}\r\n{each}" for each in parts) + end).encode()


class EntityTests(PlainTestCase):
    def test_fields(self) -> None:
        """Fields are unfolded, in order, in any case; octets beyond ASCII are UTF-8, or Latin-1."""
        mail = read_entity("A: 1\r\n 2\r\n\t3\r\nb :x\r\nA: gr\xfc\xdf\r\n\r\nbody".encode("latin-1"))
        self.assertEqual(mail.fields, (("A", "1 2\t3"), ("b", "x"), ("A", "grüß")))
        self.assertEqual((mail.field("a"), mail.field("c"), mail.body, mail.media_type), ("1 2\t3", None, b"body", "text/plain"))

    def test_a_header_that_is_none(self) -> None:
        """A line that is no field is a fault, as is a header without end."""
        for content in (b"hello\r\n", b"A: b\r\nsplit here\r\n\r\nx", b"A: " + b"x" * 3_000_000, b": x\r\n\r\n", b"A\x00: x\r\n\r\n"):
            self.assertRaises(Invalid, read_entity, content)

    def test_parts(self) -> None:
        """Preamble and epilogue are nobody's; a part may be empty, have no header, and hold the boundary's beginning."""
        mail = read_entity(multipart("\r\none\r\n--bx\r\n", "Content-Type: text/html\r\n\r\n<p>", "", end="\r\n--b-- \r\nepilogue"))
        self.assertEqual([(each.media_type, each.body) for each in mail.parts()], [("text/plain", b"one\r\n--bx\r\n"), ("text/html", b"<p>"), ("text/plain", b"")])
        self.assertEqual([each.body for each in read_entity(multipart("\r\none", end="")).parts()], [b"one"])
        self.assertEqual([each.media_type for each in read_entity(multipart("\r\nx", kind="digest")).parts()], ["message/rfc822"])

    def test_a_multipart_without_parts(self) -> None:
        """It is a fault, not a text."""
        self.assertRaises(Invalid, read_entity(b"Content-Type: multipart/mixed\r\n\r\n--b\r\n").parts)
        self.assertRaises(Invalid, read_entity(multipart(end="")).parts)

    def test_the_email_package(self) -> None:
        """Names, types, encodings and content ids of a mail that Python wrote."""
        alternative, pdf, csv = read_entity(octets(rich_mail())).parts()
        plain, related = alternative.parts()
        html, image = related.parts()
        self.assertEqual(plain.text(), "Grüße\n\n.punkt\n")
        self.assertEqual(html.text(), '<p>Grüße <img src="cid:logo"></p>\n')
        self.assertEqual((image.content_id, image.content()), ("logo", b"\x89PNG\x00\r\n\n"))
        self.assertEqual((pdf.filename, pdf.content(), pdf.described_type()), ("Rechnung für Jané.pdf", b"%PDF\x00\xff" * 50, "application/pdf"))
        self.assertEqual((csv.filename, csv.described_type()), ("list.csv", "text/csv; charset=utf-8"))

    def test_names(self) -> None:
        """A file's name comes from either field, in either encoding; other parameters stay with the type."""
        for head, filename, described in (
            ("Content-Type: text/x; name=a.txt; x=\"y z\"", "a.txt", 'text/x; x="y z"'),
            ("Content-Type: IMAGE/png\r\nContent-Disposition: attachment; filename*=utf-8''%C3%BC.png", "ü.png", "image/png"),
            ("Content-Disposition: attachment; filename*0=a; filename*1=b", "ab", "text/plain"),
            ("Content-Type: x/y; name=\"=?utf-8?q?=C3=BC?=\"", "ü", "x/y"), ("Content-Type: nonsense", "", "application/octet-stream"),
        ):
            entity = read_entity(f"{head}\r\n\r\n".encode())
            self.assertEqual((entity.filename, entity.described_type()), (filename, described))

    def test_broken_base64(self) -> None:
        """It is a fault; characters that do not belong are passed over, as everybody does."""
        self.assertEqual(read_entity(b"Content-Transfer-Encoding: BASE64\r\n\r\naGk=\r\n ! \r\n").content(), b"hi")
        self.assertRaises(Invalid, read_entity(b"Content-Transfer-Encoding: base64\r\n\r\nA").content)

    def test_bombs(self) -> None:
        """Thousands of parts are refused, and nothing takes long."""
        began = time.process_time()
        self.assertRaises(Invalid, read_entity(multipart(*["\r\nx"] * 20_000)).parts)
        read_entity(b"Content-Type: a/b" + b'; x="' * 1_500 + b"\r\n\r\n")
        self.assertRaises(Invalid, read_entity, b"Content-Type: a/b" + b'; x="' * 100_000 + b"\r\n\r\n")
        read_entity(multipart("\r\n" + "\r\n--bx" * 200_000)).parts()
        self.assertLess(time.process_time() - began, 5)

    @settings(deadline=None, max_examples=200)
    @given(st.binary(max_size=300), st.integers(0, 2000), st.integers(0, 2000))
    def test_nothing_breaks_it(self, noise: bytes, at: int, length: int) -> None:
        """Any octets are an entity, or a fault."""
        whole = octets(rich_mail())
        walk(whole[:at] + noise + whole[at + length :])


def walk(content: bytes, depth: int = 0) -> None:
    def go(entity: Entity, depth: int) -> None:
        entity.text()
        entity.described_type()
        if entity.is_multipart and depth < 20:
            for each in entity.parts():
                go(each, depth + 1)

    try:
        go(read_entity(content), depth)
    except Invalid:
        pass
