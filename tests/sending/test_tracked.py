import re

from scaisend.ids import letters
from scaisend.sending.mail import Mail, Mailbox, Part
from scaisend.sending.tracked import Tracking, with_tracking
from scaisend.sending.unsubscribing import WaysOut, with_ways_out
from scaisend.tracking.personal import CLICK, GROUP, OPEN, placeholder
from tests.base import PlainTestCase

TRACKING = Tracking("https://track.test", b"k" * 32)
WAYS = WaysOut("https://track.test", "bounces.test")
MESSAGE = "msg_" + letters(5)
HTML = '<body><a href="https://shop.test/?a=1&amp;b=2">x</a></body>'
TEXT = "See https://shop.test/."
LINK = re.compile(rf"https://track\.test/t/c/{placeholder(CLICK)}[\w-]{{32}}\?u=([^\"\s]+)")
PIXEL = f'<img src="https://track.test/t/o/{placeholder(OPEN)}.gif"'


def settings(**each: object) -> dict[str, object]:
    return {"tracking_settings": {name: value if isinstance(value, dict) else {"enable": value} for name, value in each.items()}}


def done(shared: dict[str, object], html: str = HTML, text: str = TEXT, tracking: Tracking = TRACKING) -> Mail:
    parts = (Part("text/plain", text), Part("text/html", html), Part("text/x-amp-html", html))
    mail = Mail(Mailbox("a@x.test"), (Mailbox("b@x.test"),), "S", 0.0, "<1@x.test>", "seed", parts=parts)
    return with_tracking(with_ways_out(mail, shared, WAYS), shared, MESSAGE, tracking)


class TrackedTests(PlainTestCase):
    def test_by_itself(self) -> None:
        """Where nobody says otherwise the HTML tells of opens and clicks, and nothing else is changed."""
        mail = done({})
        text, html, amp = (part.text for part in mail.parts)
        self.assertEqual((text, amp), (TEXT, HTML))
        self.assertEqual((LINK.findall(html), PIXEL in html, html.endswith("</body>")), (["https://shop.test/?a=1%26b=2"], True, True))
        self.assertEqual(mail.places, {placeholder(OPEN): OPEN, placeholder(CLICK): CLICK})

    def test_branded(self) -> None:
        """With a host of the tenant's, links and pixel lead over it with the service's scheme, port and path; our own pages stay."""
        branded = Tracking("https://track.test:8443/x", b"k" * 32).branded("links.shop.test")
        html = '<a href="https://shop.test/">x</a><a href="https://track.test:8443/x/t/u/1">out</a><a href="https://links.shop.test:8443/x/i/2">i</a>'
        text = done({}, html, tracking=branded).parts[1].text
        self.assertEqual((text.count("https://links.shop.test:8443/x/t/c/"), text.count("https://links.shop.test:8443/x/t/o/")), (1, 1))
        self.assertIn('href="https://track.test:8443/x/t/u/1"', text)
        self.assertIn('href="https://links.shop.test:8443/x/i/2"', text)
        self.assertIs(TRACKING.branded(None), TRACKING)
        self.assertEqual(TRACKING.branded("a.test").base_url, "https://a.test")

    def test_each_alone(self) -> None:
        """What is off leaves no trace."""
        self.assertEqual(list(done(settings(open_tracking=False)).places.values()), [CLICK])
        self.assertEqual(list(done(settings(click_tracking=False)).places.values()), [OPEN])
        mail = done(settings(open_tracking=False, click_tracking=False))
        self.assertEqual(([part.text for part in mail.parts], mail.places), ([TEXT, HTML, HTML], {}))
        self.assertEqual(done(settings(open_tracking=False), "<p>no link</p>").places, {})

    def test_text(self) -> None:
        """Links in text are tracked when that was asked for."""
        mail = done(settings(click_tracking={"enable": True, "enable_text": True}, open_tracking=False))
        self.assertTrue(LINK.fullmatch(mail.parts[0].text.removeprefix("See ").removesuffix(".")))
        mail = done(settings(click_tracking={"enable": False, "enable_text": True}, open_tracking=False))
        self.assertEqual(mail.parts[0].text, TEXT)

    def test_substitution_tag(self) -> None:
        """The pixel stands where the sender wants it, and the text part holds no such mark."""
        mail = done(settings(open_tracking={"enable": True, "substitution_tag": "%open%"}), "<p>%open%</p></body>", "a%open%b")
        self.assertEqual((mail.parts[0].text, mail.parts[1].text.startswith("<p>" + PIXEL), mail.parts[1].text.count("<img")), ("ab", True, 1))

    def test_analytics(self) -> None:
        """Parameters are added before the link leads over us, and also where clicks are not tracked."""
        utm = {"enable": True, "utm_source": "s", "utm_campaign": "c d", "utm_term": ""}
        (target,) = LINK.findall(done(settings(ganalytics=utm)).parts[1].text)
        self.assertEqual(target, "https://shop.test/?a=1%26b=2%26utm_source=s%26utm_campaign=c%2Bd")
        mail = done(settings(ganalytics=utm, click_tracking=False, open_tracking=False))
        self.assertEqual(mail.parts[1].text, HTML.replace("b=2", "b=2&amp;utm_source=s&amp;utm_campaign=c+d"))
        self.assertEqual(done(settings(ganalytics={**utm, "enable": False}, click_tracking=False, open_tracking=False)).parts[1].text, HTML)

    def test_our_own_links(self) -> None:
        """The ways out, our own pages and links that hold a way out are not tracked."""
        html = '<a href="<%asm_group_unsubscribe_raw_url%>">a</a><a href="https://x.test/?u=<%asm_group_unsubscribe_raw_url%>">b</a><a href="https://track.test/x">c</a>'
        shared: dict[str, object] = {"asm": {"group_id": 1}, **settings(open_tracking=False)}
        mail = done(shared, html)
        out = WAYS.url(GROUP)
        self.assertEqual(mail.parts[1].text, f'<a href="{out}">a</a><a href="https://x.test/?u={out}">b</a><a href="https://track.test/x">c</a>')
        self.assertEqual(mail.places, {placeholder(GROUP): GROUP})

    def test_at_most_a_thousand(self) -> None:
        """HTML and text together have at most a thousand tracked links."""
        mail = done(settings(click_tracking={"enable": True, "enable_text": True}), '<a href="https://x.test">' * 700, "https://x.test " * 700)
        self.assertEqual(sum(part.text.count("/t/c/") for part in mail.parts), 1_000)

    def test_where_links_do_not_work(self) -> None:
        """A service whose links nobody can follow writes none."""
        mail = done({}, tracking=Tracking("http://localhost:8000", b"k" * 32, usable=False))
        self.assertEqual(([part.text for part in mail.parts], mail.places), ([TEXT, HTML, HTML], {}))
