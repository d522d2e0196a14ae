"""/openapi.json for programs, and /docs, the same for people: one page that needs no script and no other server."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import orjson

from scaisend import __version__
from scaisend.app.openapi import document, group_of, path_template, permissions_of_route
from scaisend.app.openapi_schemas import SCHEMAS
from scaisend.app.unsupported_api import is_unsupported
from scaisend.http.call import Call
from scaisend.http.reply import Reply
from scaisend.http.route import Route, get

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
nav{columns:3;font-size:.9rem}nav a{display:block}table{border-collapse:collapse;width:100%}
td{border-top:1px solid #ddd;padding:.3rem .5rem .3rem 0;vertical-align:top}td:first-child{width:4.5rem;font-weight:600}
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}pre{background:#f5f5f5;padding:1rem;overflow:auto;font-size:.85rem}
small{color:#666}h2{margin-top:2rem}
@media(max-width:40rem){nav{columns:1}}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#222}td{border-color:#444}a{color:#8bf}small{color:#999}}
"""
EXAMPLE = """curl -X POST https://your-host/v3/mail/send \\
  -H "Authorization: Bearer sg_live_…" -H "Content-Type: application/json" \\
  -d '{"personalizations": [{"to": [{"email": "jane@example.com"}]}],
       "from": {"email": "shop@your-domain.example"}, "subject": "Your order",
       "content": [{"type": "text/plain", "value": "It is on its way."}]}'
"""
PAGE_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"), ("X-Content-Type-Options", "nosniff"),
)
SHOWN_SCHEMAS = ("MailSend", "Personalization", "Mailbox", "MailSent", "Error")


class DocsApi:
    """Both are written once, from the routes that stand on the same listener, these two among them."""

    def __init__(self, *, routes: Iterable[Route]) -> None:
        self._own = [
            get("/openapi.json", self.openapi, public=True, limit=None, summary="This API as an OpenAPI 3.1 document"),
            get("/docs", self.page, public=True, limit=None, summary="This API as a page"),
        ]
        everything = [*routes, *self._own]
        self._document = orjson.dumps(document(everything, version=__version__))
        self._page = page(everything).encode()

    def routes(self) -> list[Route]:
        return list(self._own)

    async def openapi(self, call: Call) -> Reply:
        """The document; scripts of other sites may read it, for it holds no secret."""
        return Reply(200, self._document, "application/json", (("Access-Control-Allow-Origin", "*"),))

    async def page(self, call: Call) -> Reply:
        """The page."""
        return Reply(200, self._page, "text/html; charset=utf-8", PAGE_HEADERS)


def page(routes: Sequence[Route]) -> str:
    """The routes by group, as HTML."""
    groups: dict[str, list[Route]] = {}
    for route in routes:
        if not is_unsupported(route):
            groups.setdefault(group_of(route.path), []).append(route)
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in sorted(groups))
    sections = "".join(_section(name, groups[name]) for name in sorted(groups))
    shapes = "".join(f"<h3 id=\"schema-{name}\">{name}</h3><pre>{escape(_pretty(SCHEMAS, name))}</pre>" for name in SHOWN_SCHEMAS)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>ScaiSend API</title>'
        f"<style>{STYLE}</style></head><body><h1>ScaiSend {escape(__version__)}: the API</h1>"
        '<p>Paths below <code>/v3</code> have the shapes of SendGrid\'s v3 API where SendGrid has them: its clients work with this host in its '
        'place. For programs: <a href="/openapi.json">/openapi.json</a>.</p>'
        f"<pre>{escape(EXAMPLE)}</pre><p>Every refusal has one body: <code>{{\"errors\": [{{\"message\", \"field\", \"help\"}}], \"detail\"}}</code>, "
        "with all faults of the request. Every answer carries <code>X-Request-Id</code>.</p>"
        f"<nav>{links}</nav>{sections}<h2>Schemas</h2>{shapes}</body></html>"
    )


def _section(name: str, routes: Sequence[Route]) -> str:
    rows = "".join(
        f"<tr><td>{route.method}</td><td><code>{escape(path_template(route.path))}</code><br>{escape(route.summary)}{_needs(route)}</td></tr>"
        for route in sorted(routes, key=lambda route: route.path)
    )
    return f'<h2 id="{_anchor(name)}">{escape(name)}</h2><table>{rows}</table>'


def _needs(route: Route) -> str:
    if route.public:
        return " <small>(public)</small>"
    permissions = permissions_of_route(route)
    return f" <small>({escape(' or '.join(permissions))})</small>" if permissions else " <small>(any credential)</small>"


def _anchor(name: str) -> str:
    return name.strip("/").replace("/", "-") or "start"


def _pretty(schemas: Mapping[str, object], name: str) -> str:
    return orjson.dumps(schemas[name], option=orjson.OPT_INDENT_2).decode()
