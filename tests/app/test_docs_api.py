import re
from html.parser import HTMLParser

import orjson

from scaisend.app.docs_api import DocsApi
from scaisend.app.openapi import path_template
from scaisend.http.call import Call
from scaisend.http.reply import json_reply
from scaisend.http.route import Route, get, post
from tests.base import PlainTestCase
from tests.world.web_client import Web


async def nothing(call: Call):  # type: ignore[no-untyped-def]
    return json_reply({})


ROUTES = [
    get("/v3/things/<thing_id>", nothing, permission=("a.read", "b.read"), summary="One <b>thing</b> & more"),
    post("/v3/things", nothing, summary="Make a thing"), Route("GET", "/health", nothing, public=True, summary="Alive"),
]


class DocsApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        docs = DocsApi(routes=ROUTES)
        self.web = Web([*ROUTES, *docs.routes()])

    def test_the_document(self) -> None:
        """Anybody may read it, from any origin, and it names itself."""
        answer = self.web.ask("GET", "/openapi.json", credential=None)
        found = orjson.loads(answer.body)
        self.assertEqual((answer.status, found["openapi"], answer.headers["access-control-allow-origin"]), (200, "3.1.0", "*"))
        self.assertEqual(set(found["paths"]), {*(path_template(each.path) for each in ROUTES), "/openapi.json", "/docs"})

    def test_the_page_needs_nothing_else(self) -> None:
        """It loads nothing, runs nothing, and shows every path with what it needs; text is escaped."""
        answer = self.web.ask("GET", "/docs", credential=None)
        text = answer.body.decode()
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("default-src 'none'", answer.headers["content-security-policy"])
        for wanted in ("/v3/things/{thing_id}", "One &lt;b&gt;thing&lt;/b&gt; &amp; more", "(a.read or b.read)", "(any credential)", "(public)"):
            self.assertIn(wanted, text)
        self.assertEqual(re.findall(r"<script|<link|<img|src=|@import|https?://(?!your-host)", text), [])
        HTMLParser().feed(text)
