"""Cookies (RFC 6265): read from a request, written for a reply; and the session that a browser carries in one."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from scaisend.faults import Forbidden

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
MOST_COOKIE = 3_800


def cookie(header: str | None, name: str) -> str | None:
    """The value of the first cookie of this name in a Cookie header, or None."""
    for part in (header or "").split(";"):
        given, _, value = part.strip(" \t").partition("=")
        if given == name:
            return value.strip('"') or None
    return None


def cookie_names(header: str | None, prefix: str) -> list[str]:
    """The names in a Cookie header that begin so; browsers send the oldest first."""
    names = (part.strip(" \t").partition("=")[0] for part in (header or "").split(";"))
    return [name for name in names if name.startswith(prefix)]


def set_cookie(name: str, value: str, *, max_age_s: int, is_secure: bool, same_site: str = "Strict") -> tuple[str, str]:
    """The header that has a browser keep the cookie, out of reach of scripts; a `max_age_s` of 0 has it forget it."""
    secure = "; Secure" if is_secure else ""
    return "Set-Cookie", f"{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite={same_site}{secure}"


class CookieSession:
    """The session of a console whose pages are at `base_url`: a credential in a cookie.

    A browser sends cookies along with whatever any page asks of it, so one that writes counts only when it comes from a page of
    ours: the browser says so in Sec-Fetch-Site, or else in Origin, and neither can be set by a page. Over TLS the names of
    our cookies have a `prefix` that keeps neighbours of this host from setting them (RFC 6265bis 4.1.3).
    """

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self.is_secure = parts.scheme == "https"
        self.origin = f"{parts.scheme}://{parts.netloc}".lower()
        self.prefix = "__Host-" if self.is_secure else ""
        self.name = self.prefix + "scaisend_session"

    def credential(self, method: str, headers: Mapping[str, str]) -> str | None:
        """The credential that the request's cookie carries, or None. Raises: Forbidden when another site may have made the request."""
        found = cookie(headers.get("cookie"), self.name)
        if found is not None and method not in SAFE_METHODS:
            self.refuse_others(headers)
        return found

    def refuse_others(self, headers: Mapping[str, str]) -> None:
        """A page of ours made the request. Raises: Forbidden."""
        site = headers.get("sec-fetch-site")
        is_ours = site == "same-origin" if site is not None else headers.get("origin", "").lower() == self.origin
        if not is_ours:
            raise Forbidden(
                "access forbidden: the request does not come from a page of this service",
                help=f"Send the credential in the Authorization header, or the request from a page of {self.origin} (ADMIN_URL).",
            )
