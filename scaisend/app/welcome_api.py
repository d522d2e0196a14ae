"""The page at `/`: what this is and where its documentation stands, until there is a console."""

from scaisend import __version__
from scaisend.http.call import Call
from scaisend.http.reply import Reply
from scaisend.http.route import Route, get

PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ScaiSend</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}}</style></head>
<body><h1>ScaiSend {__version__}</h1>
<p>This is the API of a ScaiSend installation. Applications send mail with <code>POST /v3/mail/send</code>: see <a href="/docs">/docs</a>.</p>
<p>The state of this process: <a href="/health">/health</a>, <a href="/ready">/ready</a>.</p></body></html>
"""


class WelcomeApi:
    """One page."""

    def routes(self) -> list[Route]:
        return [get("/", self.page, public=True, limit=None, summary="What this is")]

    async def page(self, call: Call) -> Reply:
        return Reply(200, PAGE.encode(), "text/html; charset=utf-8")
