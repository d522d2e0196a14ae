"""Mails that tell of opens and clicks, on the road from request to wire."""

import json
import re
from email import message_from_bytes
from email.policy import default

from scaisend.content.images_store import ENCODED, Image, add_image
from scaisend.domains.links import LinkCheck
from scaisend.domains.links_store import add_link, save_link_check
from scaisend.identity.settings_store import change_setting
from scaisend.sending.compose import encode_attachment
from scaisend.tracking.personal import CLICK, LENGTH, OPEN, read_token
from scaisend.tracking.targets import read_link
from tests.world.processes import World
from tests.world.road import RoadTestCase
from tests.world.tenants import NOW, now

HTML = '<html><body><p>Grüße! <a href="https://shop.test/?a=1&amp;b=2">shop</a> <a href="mailto:a@x.test">mail</a></p></body></html>'
URL = re.compile(r'"https://track\.test(/t/[oc]/[^"]+)"')


class TrackedMailTests(RoadTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = World(self.database, self.ids, self.now_s)
        self.key = self.world.sealer.key_for("opt-out")

    def delivered(self, *to: str, **given: object) -> dict[str, str]:
        """The HTML that each recipient gets, by recipient id."""
        self.send(*to, **{"content": [{"type": "text/html", "value": HTML}], **given})
        process = self.world.start()
        process.sweep()
        return {job.recipient_id: message_from_bytes(job.body, policy=default).get_content() for job in process.hosts.jobs if job.body}

    def tenant_sets(self, name: str, section: str = "tracking_settings", **values: object) -> None:
        self.database.now(change_setting, self.tenant.id, section, name, values, now_s=NOW)

    def test_each_its_own(self) -> None:
        """Each recipient has its own pixel and links, and they lead where the sender's did; all else is as the sender wrote it."""
        found = self.delivered("a@x.test", "b@x.test")
        self.assertEqual(len(found), 2)
        for recipient_id, html in found.items():
            link, pixel = URL.findall(html)
            followed = read_link(self.key, link.removeprefix("/t/c/").partition("?")[0])
            opened = read_token(self.key, pixel.removeprefix("/t/o/").removesuffix(".gif"), (OPEN,))
            assert followed is not None and opened is not None
            self.assertEqual((followed.named.recipient_id, followed.named.purpose, opened.recipient_id), (recipient_id, CLICK, recipient_id))
            self.assertTrue(followed.leads_to("https://shop.test/?a=1&b=2"))
            bare = re.sub(r"<img [^>]*>", "", html).replace(f"https://track.test{link}", "https://shop.test/?a=1&amp;b=2")
            self.assertEqual(bare.strip(), HTML)
        first, second = (URL.findall(html)[0] for html in found.values())
        self.assertEqual(first[len("/t/c/") + LENGTH :], second[len("/t/c/") + LENGTH :])

    def test_the_tenants_settings(self) -> None:
        """What the tenant turned off is off, its footer is there, and what a request says goes before both."""
        self.tenant_sets("click", enabled=False)
        self.tenant_sets("footer", "mail_settings", enabled=True, html_content="<p>bye</p>")
        (html,) = self.delivered("a@x.test").values()
        self.assertEqual((len(URL.findall(html)), "https://shop.test/" in html, "<p>bye</p>" in html), (1, True, True))
        (html,) = self.delivered("b@x.test", tracking_settings={"click_tracking": {"enable": True}, "open_tracking": {"enable": False}}).values()
        self.assertEqual([url[:5] for url in URL.findall(html)], ["/t/c/"])

    def test_branded_links(self) -> None:
        """Links and pixel of mails from a domain lead over its host once that is valid; another tenant's host is nothing to them."""
        for owner, host in ((self.other.id, "theirs"), (self.tenant.id, "ours")):
            link = self.database.now(add_link, owner, "good.test", host, is_default=True, now_s=NOW)
            if owner == self.other.id:
                self.database.now(save_link_check, owner, link.id, LinkCheck({"domain_cname": None}, frozenset()), now_s=NOW)
        (html,) = self.delivered("a@x.test").values()
        self.assertEqual((len(URL.findall(html)), ".good.test/" in html), (2, False))
        self.database.now(save_link_check, self.tenant.id, link.id, LinkCheck({"domain_cname": None}, frozenset()), now_s=NOW)
        (html,) = self.delivered("b@x.test").values()
        self.assertEqual(URL.findall(html), [])
        found = re.findall(r'"https://ours\.good\.test/t/([oc])/([^"]+)"', html)
        self.assertEqual([kind for kind, _ in found], ["c", "o"])
        followed = read_link(self.key, found[0][1].partition("?")[0])
        assert followed is not None
        self.assertTrue(followed.leads_to("https://shop.test/?a=1&b=2"))

    def test_embedded_images(self) -> None:
        """With cid an image of the tenant's library comes with the mail; another tenant's stays a link."""
        stored = {}
        for owner in (self.tenant, self.other):
            image_id = self.ids.new("img", owner.id)
            stored[owner.id] = Image(image_id, owner.id, "", "a.png", None, "image/png", 5, 1, 1, f"images/{owner.id}/{image_id}", NOW)
            self.database.now(add_image, owner.id, stored[owner.id])
        ours, theirs = stored[self.tenant.id], stored[self.other.id]

        class Objects:
            async def get(self, key: str) -> bytes:
                return {ours.object_key + ENCODED: encode_attachment(b"12345")}[key]

        self.world.objects = Objects()
        html = "".join(f'<img src="https://track.test/i/{each.id}">' for each in (ours, theirs))
        self.send("a@x.test", content=[{"type": "text/html", "value": html}], tracking_settings={"image_embed_mode": "cid"})
        process = self.world.start()
        process.sweep()
        (job,) = process.hosts.jobs
        assert job.load is not None
        mail = message_from_bytes(now(self, job.load()), policy=default)  # type: ignore[arg-type]
        text, image = mail.iter_parts()  # type: ignore[union-attr]
        self.assertEqual((image.get_content_type(), image["Content-ID"], image.get_content()), ("image/png", f"<{ours.id}>", b"12345"))
        self.assertIn(f'<img src="cid:{ours.id}"><img src="https://track.test/i/{theirs.id}">', text.get_content())
        self.assertEqual(json.loads(self.database.rows("SELECT payload FROM mail_requests")[0][0])["tracking_settings"], {"image_embed_mode": "cid"})
