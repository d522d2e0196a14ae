import json

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.sending import request_faults as say
from scaisend.sending.request_maps import doubled_headers, is_larger
from tests.base import PlainTestCase
from tests.sending.bodies import body, fault, faults_of, personal, read


class MapTests(PlainTestCase):
    def test_types(self) -> None:
        """An array or a string in place of a map is told by its type."""
        for name in ("headers", "custom_args", "sections"):
            self.assertEqual(faults_of(body(**{name: []})), [fault("Invalid type. Expected: object, given: array.", name, f"message.{name}")])
            self.assertEqual(faults_of(body(**{name: "x"})), [fault("Invalid type. Expected: object, given: string.", name, f"message.{name}")])

    def test_sections(self) -> None:
        """Sections are strings."""
        self.assertEqual(faults_of(body(sections={"a": 1})), [fault("The section values must be strings.", "sections", "message.sections")])

    def test_allowed_headers(self) -> None:
        """Headers that are not the service's own may be given, their order kept."""
        headers = {"Message-ID": "<a@b>", "List-Unsubscribe": "<mailto:a@b>", "In-Reply-To": "<c@d>", "X-Priority": "1", "Auto-Submitted": "auto-generated"}
        self.assertEqual(list(read(body(headers=headers)).shared["headers"].items()), list(headers.items()))

    def test_header_names(self) -> None:
        """SendGrid's words differ between the headers of all and of one."""
        self.assertEqual(faults_of(body(headers={"X A": ""})), [fault("Header keys cannot contain non-ASCII characters and empty spaces.", "headers", "message.headers")])
        personal_fault = fault("Header keys cannot contain non-ASCII characters or empty spaces.", "personalizations.0.headers", "message.personalizations.headers")
        self.assertEqual(faults_of(personal(headers={"X A": ""})), [personal_fault])

    def test_substitutions(self) -> None:
        """Substitutions are limited in number and size."""
        read(personal(substitutions={f"-{n}-": "x" for n in range(5000)}))
        self.assertEqual([each.message for each in faults_of(personal(substitutions={f"{n}": "" for n in range(10_001)}))], [say.SUBSTITUTIONS_MANY])
        self.assertEqual([each.message for each in faults_of(personal(substitutions={"-a-": "ü" * 25_000}))], [say.SUBSTITUTIONS_LARGE])

    @settings(deadline=None)
    @given(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=6), st.integers(0, 80))
    def test_is_larger(self, texts: dict[str, str], most: int) -> None:
        """The size is that of keys and values in UTF-8."""
        self.assertEqual(is_larger(texts, most), len("".join([*texts, *texts.values()]).encode()) > most)


class DoubledHeadersTests(PlainTestCase):
    def doubled(self, text: str) -> list[str]:
        root = json.loads(text)
        personalizations = root.get("personalizations", [])
        return doubled_headers(text.encode(), [each["headers"] for each in (root, *personalizations) if "headers" in each])

    def test_found(self) -> None:
        """A key that stands twice in one headers object is found, also beside look-alikes and written with a quote."""
        self.assertEqual(self.doubled('{"headers":{"A":"1","A":"2"}}'), ["headers"])
        self.assertEqual(self.doubled('{"personalizations":[{"headers":{"B":"1"}},{"headers":{"B" : "1", "C":"", "B":"2"}}]}'), ["personalizations.1.headers"])
        self.assertEqual(self.doubled(r'{"headers":{"A\"B":"1","A\"B":"2"}}'), ["headers"])
        many = ",".join(f'"X-{n}":""' for n in range(100))
        self.assertEqual(self.doubled(f'{{"headers":{{{many},"X-5":""}}}}'), ["headers"])

    def test_not_found(self) -> None:
        """Keys that stand once in each object, or twice elsewhere, are no fault."""
        self.assertEqual(self.doubled('{"headers":{"A":"1"},"custom_args":{"A":"1","A":"2"},"personalizations":[{"headers":{"A":"1"}}]}'), [])
        self.assertEqual(self.doubled('{"headers":{"A":"1"},"x":["A","A"],"y":' + "9" * 3000 + "}"), [])
