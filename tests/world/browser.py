"""What a browser does with redirects, forms and cookies (RFC 6265bis: domain, path, Max-Age, Secure, HttpOnly, SameSite)."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

MOST_STEPS = 20
REDIRECTS = (301, 302, 303, 307)


@dataclass(frozen=True, slots=True)
class Kept:
    """One cookie."""

    host: str
    path: str
    name: str
    value: str
    same_site: str
    is_secure: bool
    is_hidden: bool


@dataclass(slots=True)
class Jar:
    """The cookies of one browser."""

    cookies: dict[tuple[str, str, str], Kept] = field(default_factory=dict)

    def take(self, url: str, set_cookies: list[str] | tuple[str, ...]) -> None:
        """What an answer from the URL sets is kept, or forgotten."""
        parts = urlsplit(url)
        for line in set_cookies:
            pair, *attributes = (part.strip() for part in line.split(";"))
            name, _, value = pair.partition("=")
            said = {key.lower(): rest for key, _, rest in (each.partition("=") for each in attributes)}
            if name.startswith("__Host-") and ("secure" not in said or said.get("path") != "/" or "domain" in said):
                continue
            if "secure" in said and parts.scheme != "https":
                continue
            kept = Kept(
                parts.hostname or "", said.get("path", parts.path.rpartition("/")[0] or "/"), name, value, said.get("samesite", "Lax").lower(),
                "secure" in said, "httponly" in said,
            )
            self.cookies.pop((kept.host, kept.path, name), None)
            is_gone = said.get("max-age") == "0" or "1970" in said.get("expires", "")
            if not is_gone:
                self.cookies[kept.host, kept.path, name] = kept

    def header(self, url: str, *, from_url: str | None = None, method: str = "GET") -> str:
        """The Cookie header of a navigation to the URL, which a page at `from_url` began."""
        parts = urlsplit(url)
        is_foreign = from_url is not None and urlsplit(from_url).hostname != parts.hostname
        sent = []
        for each in sorted(self.cookies.values(), key=lambda kept: -len(kept.path)):
            is_path = parts.path == each.path or parts.path.startswith(each.path.rstrip("/") + "/")
            withheld = is_foreign and (each.same_site == "strict" or (each.same_site == "lax" and method != "GET"))
            if each.host == parts.hostname and is_path and not withheld and (parts.scheme == "https" or not each.is_secure):
                sent.append(f"{each.name}={each.value}")
        return "; ".join(sent)

    def value(self, name: str) -> str | None:
        return next((each.value for each in self.cookies.values() if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Page:
    """What a browser ends at."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    steps: tuple[str, ...] = ()

    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """Goes to pages over HTTP, follows redirects and sends forms, as long as a person would."""

    def __init__(self) -> None:
        self.jar = Jar()

    def go(
        self, url: str, *, form: Mapping[str, str] | None = None, from_url: str | None = None, stop_at: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """The page at the end of all redirects, or before one that leads to a URL beginning with `stop_at`."""
        steps: list[str] = []
        for _ in range(MOST_STEPS):
            steps.append(url)
            page = self.ask("POST" if form is not None else "GET", url, form=form, from_url=from_url, headers=headers or {})
            there = page.headers.get("location")
            if page.status not in REDIRECTS or there is None:
                return Page(page.url, page.status, page.headers, page.body, tuple(steps))
            # A redirect leaves the page that began it all where it is: a chain once foreign stays so.
            from_url = from_url if from_url and urlsplit(from_url).hostname != urlsplit(url).hostname else url
            url, form = urljoin(url, there), None
            if stop_at is not None and url.startswith(stop_at):
                return Page(url, page.status, page.headers, page.body, tuple(steps))
        raise AssertionError(f"it goes round and round: {steps}")

    def submit(self, page: Page, **values: str) -> Page:
        """The page's first form, filled in and sent."""
        form = _Form()
        form.feed(page.body.decode())
        assert form.action is not None, page.body.decode()
        return self.go(urljoin(page.url, form.action), form={**form.fields, **values}, from_url=page.url)

    def ask(
        self, method: str, url: str, *, form: Mapping[str, str] | None = None, from_url: str | None = None, headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Page:
        """One request, no redirects."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        sent = dict(headers or {})
        if cookies := self.jar.header(url, from_url=from_url, method=method):
            sent["Cookie"] = cookies
        if form is not None:
            body = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, sent)
            answer = connection.getresponse()
            self.jar.take(url, answer.headers.get_all("set-cookie", []))
            return Page(url, answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action, self._is_open = given.get("action", ""), True
        elif tag in ("input", "button") and self._is_open and given.get("name"):
            self.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False
