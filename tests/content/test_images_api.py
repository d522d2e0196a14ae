from typing import Any

from scaisend.content.images_api import LARGEST, MOST_BODY, ImagesApi
from scaisend.faults import Invalid, NotFound, TooLarge, UnsupportedType
from scaisend.http.route import Route
from scaisend.sending.compose import encode_attachment
from tests.content.test_image_type import picture
from tests.http.test_form_data import KIND, form
from tests.sending.test_api import KeptObjects
from tests.suppressions.routing import RoutedTestCase
from tests.world.inline_database import InlineDatabase

Json = dict[str, Any]


class Shelf(KeptObjects):
    """An object store in a dict, to be read too."""

    async def get(self, name: str) -> bytes:
        return self.kept[name]

    async def delete(self, name: str) -> None:
        self.kept.pop(name, None)


class ImagesTests(RoutedTestCase):
    def routes(self, database: InlineDatabase) -> list[Route]:
        self.objects = Shelf()

        async def in_thread(fn: Any) -> Any:
            return fn()

        return ImagesApi(
            database=database, objects=self.objects, ids=self.ids, base_url="https://track.test/", in_thread=in_thread, encode=encode_attachment,  # type: ignore[arg-type]
        ).routes()

    def add(self, content: bytes = b"", filename: str = "a.png", *, tenant: str = "", **fields: str) -> Json:
        content = content or picture("PNG")
        body = form((f'name="file"; filename="{filename}"', content), *[(f'name="{name}"', value.encode()) for name, value in fields.items()])
        status, made = self.ask("POST", "/v3/images", body, tenant=tenant, content_type=KIND)
        self.assertEqual(status, 201)
        return made  # type: ignore[no-any-return]

    def listed(self, query: str = "", tenant: str = "") -> list[str]:
        return [each["filename"] for each in self.ask("GET", f"/v3/images{query}", tenant=tenant)[1]["images"]]

    def test_add(self) -> None:
        """An image is kept under an id of ours; what it is, its content says."""
        content = picture("JPEG", 1_000, 500)
        made = self.add(content, "../../photo.png", alt_text="A föto", folder="spring")
        wanted = {
            "filename": "photo.png", "alt_text": "A föto", "folder": "spring", "content_type": "image/jpeg", "size": len(content), "width": 1_000, "height": 500,
            "url": f"https://track.test/i/{made['id']}", "thumbnail_url": f"https://track.test/i/{made['id']}?variant=thumbnail",
        }
        self.assertEqual({name: made[name] for name in wanted}, wanted)
        self.assertEqual(self.ask("GET", f"/v3/images/{made['id']}"), (200, made))

    def test_refused(self) -> None:
        """Other files, too large ones and no files are refused, and nothing is kept."""
        for content, error in ((b"<svg/>", Invalid), (b"%PDF-1.7", Invalid), (picture("PNG")[:300], Invalid), (bytes(LARGEST + 1), TooLarge)):
            self.assertRaises(error, self.ask, "POST", "/v3/images", form(('name="file"; filename="a.png"', content)), content_type=KIND)
        for body, kind, error in ((form(('name="x"', b"1")), KIND, Invalid), (form(('name="file"', b"")), KIND, Invalid), (b"{}", "application/json", UnsupportedType)):
            self.assertRaises(error, self.ask, "POST", "/v3/images", body, content_type=kind)
        self.assertRaises(Invalid, self.add, alt_text="x" * 256)
        self.assertEqual((self.objects.kept, self.listed()), ({}, []))
        (route,) = [route for route in self.routes(self.database) if (route.method, route.path) == ("POST", "/v3/images")]
        self.assertEqual(route.body_limit, MOST_BODY)

    def test_lists(self) -> None:
        """Newest first, by pages, by folder, and by words in name and text; a % is a letter like any other."""
        for number in range(5):
            self.add(filename=f"n{number}.png", folder="even" if number % 2 == 0 else "", alt_text="50% off" if number == 3 else "")
        self.assertEqual(self.listed(), [f"n{number}.png" for number in (4, 3, 2, 1, 0)])
        self.assertEqual((self.listed("?page=2&page_size=2"), self.listed("?page=9")), (["n2.png", "n1.png"], []))
        self.assertEqual((self.listed("?folder=even"), self.listed("?folder=")), (["n4.png", "n2.png", "n0.png"], ["n3.png", "n1.png"]))
        self.assertEqual((self.listed("?search=0%25"), self.listed("?search=n1"), self.listed("?search=_")), (["n3.png"], ["n1.png"], []))
        self.assertEqual(self.ask("GET", "/v3/images/folders")[1], {"folders": [{"name": "", "images": 2}, {"name": "even", "images": 3}]})
        self.assertEqual(self.ask("GET", "/v3/images?page_size=2")[1]["total"], 5)
        for query in ("?page=0", "?page=x", "?page_size=501"):
            self.assertRaises(Invalid, self.listed, query)

    def test_change(self) -> None:
        """Name, text and folder can be changed, each alone; a null takes the text away."""
        made = self.add(alt_text="old", folder="f")
        self.assertEqual(self.ask("PATCH", f"/v3/images/{made['id']}", {"alt_text": None, "filename": "b.png"})[1], {**made, "alt_text": None, "filename": "b.png"})
        self.assertEqual(self.ask("PATCH", f"/v3/images/{made['id']}", {"folder": "g"})[1]["folder"], "g")
        self.assertRaises(Invalid, self.ask, "PATCH", f"/v3/images/{made['id']}", {"url": "x"})

    def test_another_tenants(self) -> None:
        """Another tenant's images are unknown, but for their links, which are public."""
        made = self.add(tenant=self.other.id)
        self.assertEqual(self.listed(), [])
        for method, body in (("GET", None), ("PATCH", {"folder": "x"}), ("DELETE", None)):
            for image_id in (made["id"], "img_ü", "x" * 300):
                self.assertRaises(NotFound, self.ask, method, f"/v3/images/{image_id}", body)
        self.assertEqual(self.reply("GET", f"/i/{made['id']}").status, 200)

    def test_served(self) -> None:
        """A link gives the bytes, for ever the same; who has them is told so."""
        content = picture("PNG", 700, 700)
        path = f"/i/{self.add(content)['id']}"
        reply, small = self.reply("GET", path), self.reply("GET", path + "?variant=thumbnail")
        headers = dict(reply.headers)
        self.assertEqual((reply.body, reply.content_type, headers["Cache-Control"]), (content, "image/png", "public, max-age=31536000, immutable"))
        self.assertEqual((small.content_type, len(small.body) < len(content), dict(small.headers)["ETag"] != headers["ETag"]), ("image/jpeg", True, True))
        for tag, status in ((headers["ETag"], 304), (f'"x", W/{headers["ETag"]}', 304), ("*", 304), ('"x"', 200)):
            self.assertEqual(self.reply("GET", path, if_none_match=tag).status, status)
        self.assertRaises(Invalid, self.reply, "GET", path + "?variant=huge")
        self.assertRaises(NotFound, self.reply, "GET", "/i/img_unknown")

    def test_deleted(self) -> None:
        """A deleted image's link says 410, its bytes are gone, and it is in no list."""
        made = self.add()
        self.assertEqual(self.reply("DELETE", f"/v3/images/{made['id']}").status, 204)
        for variant in ("", "?variant=thumbnail"):
            self.assertEqual(self.reply("GET", f"/i/{made['id']}{variant}").status, 410)
        self.assertEqual((self.listed(), [key for key in self.objects.kept if not key.endswith(".base64")]), ([], []))
        self.assertRaises(NotFound, self.reply, "DELETE", f"/v3/images/{made['id']}")
