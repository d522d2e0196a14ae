from scaisend.sending.compose import encode_attachment
from scaisend.sending.embedded import LibraryImage, wants_embedded, with_embedded
from scaisend.sending.mail import Mail, Mailbox, Part
from tests.base import PlainTestCase

BASE = "https://track.test"
ONE, TWO, GONE = (f"img_{letter * 26}" for letter in "abc")
LIBRARY = [LibraryImage(each, f"{each[4]}.png", "image/png", size, f"images/t/{each}.base64") for each, size in ((ONE, 100), (TWO, 57))]


def done(html: str) -> Mail:
    parts = (Part("text/plain", f"{BASE}/i/{ONE}"), Part("text/html", html))
    return with_embedded(Mail(Mailbox("a@x.test"), (), "S", 0.0, "<1@x.test>", "seed", parts=parts), LIBRARY, BASE)


class EmbeddedTests(PlainTestCase):
    def test_shown_images(self) -> None:
        """What the HTML shows comes along once, however often it is shown."""
        mail = done(f"<img src=\"{BASE}/i/{ONE}\"><img src='{BASE}/i/{ONE}'><td background={BASE}/i/{TWO}><p style=\"background:url({BASE}/i/{TWO})\">")
        self.assertEqual(mail.parts[1].text, f"<img src=\"cid:{ONE}\"><img src='cid:{ONE}'><td background=cid:{TWO}><p style=\"background:url(cid:{TWO})\">")
        self.assertEqual([(each.content_id, each.disposition, each.object_key) for each in mail.attachments], [(each.id, "inline", each.object_key) for each in LIBRARY])
        self.assertEqual(mail.parts[0].text, f"{BASE}/i/{ONE}")

    def test_what_stays(self) -> None:
        """Links to images, thumbnails, other images and other hosts' stay as they are."""
        for html in (
            f'<a href="{BASE}/i/{ONE}">x</a>', f'<img src="{BASE}/i/{ONE}?variant=thumbnail">', f'<img src="{BASE}/i/{GONE}">', f'<img src="https://x.test/i/{ONE}">',
            f'<img src="{BASE}/i/{ONE}x">', f"see {BASE}/i/{ONE}",
        ):
            mail = done(html)
            self.assertEqual((mail.parts[1].text, mail.attachments), (html, ()))

    def test_sizes(self) -> None:
        """The place that is kept for an image is as large as the image in a mail."""
        for image, attached in zip(LIBRARY, done(f'<img src="{BASE}/i/{ONE}"><img src="{BASE}/i/{TWO}">').attachments, strict=True):
            self.assertEqual(attached.encoded_size, len(encode_attachment(bytes(image.size_bytes))))

    def test_wanted(self) -> None:
        """Only who asks for it gets it."""
        self.assertEqual([wants_embedded(each) for each in ({}, {"tracking_settings": {"image_embed_mode": "proxy"}}, {"tracking_settings": {"image_embed_mode": "cid"}})], [False, False, True])
