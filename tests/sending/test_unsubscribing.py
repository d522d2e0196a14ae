from scaisend.sending.mail import Mail, Mailbox, Part
from scaisend.sending.unsubscribing import WaysOut, with_ways_out
from scaisend.tracking.personal import ALL_MAIL, GROUP, PREFERENCES, placeholder
from tests.base import PlainTestCase

WAYS = WaysOut("https://track.test", "bounces.test")
ASM = {"asm": {"group_id": 7}}
OUT, LEAVE, CHOOSE = WAYS.url(ALL_MAIL), WAYS.url(GROUP), WAYS.url(PREFERENCES)


def subscription(**more: object) -> dict[str, object]:
    return {"tracking_settings": {"subscription_tracking": {"enable": True, **more}}}


def done(shared: dict[str, object], text: str = "Hello", html: str = "<body><p>Hello</p></BODY>", **headers: str) -> Mail:
    parts = (Part("text/plain", text), Part("text/html", html), Part("text/calendar", "BEGIN"))
    mail = Mail(Mailbox("a@x.test"), (Mailbox("b@x.test"),), "S", 0.0, "<1@x.test>", "seed", headers={k.replace("_", "-"): v for k, v in headers.items()}, parts=parts)
    return with_ways_out(mail, shared, WAYS)


class HeaderTests(PlainTestCase):
    def test_only_when_asked_for(self) -> None:
        """Without a group and without subscription tracking a mail is as it was."""
        for shared in ({}, {"tracking_settings": {"subscription_tracking": {"enable": False}}}, {"asm": {}}):
            mail = done(shared, "<%asm_preferences_raw_url%>")
            self.assertEqual((dict(mail.headers), mail.places, mail.parts[0].text), ({}, {}, "<%asm_preferences_raw_url%>"))

    def test_headers(self) -> None:
        """A group leads out of the group, else out of all mail; both ways and one-click are offered."""
        for shared, purpose in ((ASM, GROUP), (subscription(), ALL_MAIL), ({**ASM, **subscription()}, GROUP)):
            mail = done(shared)
            self.assertEqual(dict(mail.headers), {
                "List-Unsubscribe": f"<https://track.test/t/u/{placeholder(purpose)}>, <mailto:unsubscribe+{placeholder(purpose)}@bounces.test>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            })
            self.assertEqual(mail.places[placeholder(purpose)], purpose)

    def test_the_sender_has_its_own(self) -> None:
        """A List-Unsubscribe of the sender's stays, and ours is not beside it."""
        mail = done(ASM, list_unsubscribe="<https://shop.test/out>")
        self.assertEqual(dict(mail.headers), {"list-unsubscribe": "<https://shop.test/out>"})


class TextTests(PlainTestCase):
    def texts(self, mail: Mail) -> list[str]:
        self.assertEqual(mail.parts[2].text, "BEGIN")
        return [part.text for part in mail.parts[:2]]

    def test_tags(self) -> None:
        """Raw tags become URLs, others links with SendGrid's titles; nothing is added at the end then."""
        text, html = self.texts(done(
            ASM, "<%asm_group_unsubscribe_raw_url%> <% asm_preferences_url %>", '<a href="<%asm_global_unsubscribe_raw_url%>">x</a><%asm_group_unsubscribe_url%><%other%>'))
        self.assertEqual(text, f"{LEAVE} Manage Email Preferences: {CHOOSE}")
        self.assertEqual(html, f'<a href="{OUT}">x</a><a href="{LEAVE}">Unsubscribe From This List</a><%other%>')

    def test_without_tags(self) -> None:
        """Without a tag both parts end with the ways out; the HTML before the end of its body."""
        text, html = self.texts(done(ASM))
        self.assertEqual(text, f"Hello\n\nUnsubscribe From This List: {LEAVE}\nManage Email Preferences: {CHOOSE}\n")
        self.assertEqual(html, f'<body><p>Hello</p><p><a href="{LEAVE}">Unsubscribe From This List</a> | <a href="{CHOOSE}">Manage Email Preferences</a></p></BODY>')

    def test_subscription(self) -> None:
        """The sender's own words get the link; SendGrid's are there where it gave none."""
        text, html = self.texts(done(subscription(text="Out: <% %>", html="<i><% leave <b>now</b> %></i>")))
        self.assertEqual(text, f"Hello\n\nOut: {OUT}\n")
        self.assertEqual(html, f'<body><p>Hello</p><i><a href="{OUT}">leave <b>now</b></a></i></BODY>')
        text, html = self.texts(done(subscription()))
        self.assertTrue(text.endswith(f"click here: {OUT}.\n") and f'<a href="{OUT}">click here</a>' in html)

    def test_substitution_tag(self) -> None:
        """Each tag becomes the bare URL, and nothing is added at the end."""
        text, html = self.texts(done(subscription(substitution_tag="[out]", text="<% %>"), "a [out] b [out]", '<a href="[out]">x</a>'))
        self.assertEqual((text, html), (f"a {OUT} b {OUT}", f'<a href="{OUT}">x</a>'))
