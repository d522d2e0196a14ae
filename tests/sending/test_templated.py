from scaisend.content.handlebars.errors import TemplateDataError
from scaisend.content.templates_store import ActiveVersion
from scaisend.sending.mail import Part
from scaisend.sending.templated import Said, TemplateUnusable, prepared, templated
from tests.base import PlainTestCase

DYNAMIC = "d-" + "0" * 32
LEGACY = "8fd9ba1b-3f1a-4f3a-9c1f-0d7d7cbb0b9c"
GIVEN = Said("Mine", (Part("text/plain", "a & b"), Part("text/html", "<b>a</b>"), Part("text/calendar", "BEGIN")))


def version(template_id: str = DYNAMIC, subject: str = "Hi {{n}}", html: str = "<p>{{n}}</p>", plain: str = "t {{n}}", generate: bool = True) -> ActiveVersion:
    return ActiveVersion("tnt_a", template_id, "v", 1, subject, html, plain, generate)


class Dynamic(PlainTestCase):
    def said(self, each: ActiveVersion, data: object = None, given: Said = GIVEN, **shared: object) -> Said:
        return templated(prepared(each), given, shared, {} if data is None else {"dynamic_template_data": data})

    def test_the_version_stands_for_the_request(self) -> None:
        """Subject, text and HTML are the template's; the request's content is not sent."""
        said = self.said(version(), {"n": "A & B"})
        self.assertEqual(said, Said("Hi A &amp; B", (Part("text/plain", "A & B"), Part("text/html", "<p>A &amp; B</p>"))))
        self.assertEqual(self.said(version(generate=False), {"n": 1}).parts[0], Part("text/plain", "t 1"))

    def test_subject(self) -> None:
        """The version's subject wins; the request's stands in for an empty one; none is left to the caller to refuse."""
        self.assertEqual(self.said(version(subject="{{missing}} ")).subject, "Mine")
        self.assertIsNone(self.said(version(subject=""), given=Said(None, ())).subject)

    def test_one_part(self) -> None:
        """A version of HTML or text alone makes a mail of that."""
        self.assertEqual([part.media_type for part in self.said(version(html="")).parts], ["text/plain"])
        self.assertEqual([part.media_type for part in self.said(version(html="<img src=x>")).parts], ["text/html"])
        self.assertRaises(TemplateUnusable, self.said, version(html="{{x}}", plain=""))

    def test_errors(self) -> None:
        """Data that cannot be rendered, and a version that cannot be read, are refused with the reason."""
        error = self.assertRaises(TemplateDataError, self.said, version(html="{{formatDate n 'YYYY'}}"), {"n": "soon"})
        self.assertIn("html_content: formatDate: 'soon'", str(error))
        self.assertIn("line 1", str(self.assertRaises(TemplateUnusable, self.said, version(html="{{#if n}}"))))

    def test_ways_out(self) -> None:
        """The design editor's unsubscribe names lead out of the mail's group; without a group they are data."""
        html = "<a href=\"{{{unsubscribe}}}\">{{unsubscribe_preferences}}</a>"
        said = self.said(version(html=html, plain="{{unsubscribe}}", generate=False), asm={"group_id": 5})
        self.assertEqual(said.parts, (
            Part("text/plain", "<%asm_group_unsubscribe_raw_url%>"), Part("text/html", "<a href=\"<%asm_group_unsubscribe_raw_url%>\"><%asm_preferences_raw_url%></a>"),
        ))
        self.assertEqual(self.said(version(html=html), {"unsubscribe": "u"}).parts[-1].text, '<a href="u"></a>')


class Legacy(PlainTestCase):
    def said(self, html: str, plain: str, given: Said = GIVEN, *, subject: str = "Re: <%subject%>", generate: bool = False) -> Said:
        return templated(prepared(version(LEGACY, subject, html, plain, generate)), given, {}, {})

    def test_wraps_the_request(self) -> None:
        """<%subject%> and <%body%> are the request's own; braces mean nothing; other content stays."""
        said = self.said("<h1>{{n}}</h1><%body%>", "== <% body %> ==")
        self.assertEqual(said, Said("Re: Mine", (
            Part("text/plain", "== a & b =="), Part("text/html", "<h1>{{n}}</h1><b>a</b>"), Part("text/calendar", "BEGIN"),
        )))

    def test_what_the_request_lacks(self) -> None:
        """Text stands for HTML and HTML for text where the request has one of them."""
        self.assertEqual(self.said("<%body%>", "<%body%>", Said("s", (Part("text/plain", "a & b\nc"),))).parts[1].text, "a &amp; b<br>\nc")
        self.assertEqual(self.said("<%body%>", "<%body%>", Said("s", (Part("text/html", "<b>a</b>"),))).parts[0].text, "a")
        self.assertEqual(self.said("<p><%body%></p>", "", generate=True).parts[0], Part("text/plain", "a"))

    def test_subject(self) -> None:
        """A version's own subject wins, an empty one is the request's; backslashes are not special."""
        self.assertEqual([self.said("x", "", subject=subject).subject for subject in ("Own", "", "<%subject%>")], ["Own", "Mine", "Mine"])
        self.assertEqual(self.said("<%body%>", "", Said("\\1 \\g<0>", (Part("text/html", "\\1"),))).subject, "Re: \\1 \\g<0>")
