"""Opens and clicks: parameters for Google Analytics, links that lead over this service, the pixel; in that order, after the ways out.

Open and click tracking are on where neither the request nor the tenant says otherwise, clicks in HTML alone. What is each recipient's own
stands as a placeholder (tracking/personal.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from scaisend.sending.mail import Mail, Part
from scaisend.tracking.links import MOST_LINKS, UTM, Change, rewrite_html, rewrite_text, with_utm
from scaisend.tracking.personal import CLICK, OPEN, placeholder
from scaisend.tracking.pixel import pixel_tag, with_pixel
from scaisend.tracking.targets import IN_TEXT, message_key, tracked_url

HTML, PLAIN = "text/html", "text/plain"
_NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class Tracking:
    """Where tracked links lead: `base_url` without a slash at its end; `key` signs them. Not `usable`: recipients cannot reach it.

    `unbranded_url` is the service's own where `base_url` is a host of the tenant's.
    """

    base_url: str
    key: bytes
    usable: bool = True
    unbranded_url: str = ""

    def branded(self, host: str | None) -> "Tracking":
        """The same with another host; itself for None."""
        if host is None:
            return self
        own = urlsplit(self.base_url)
        netloc = host if own.port is None else f"{host}:{own.port}"
        return replace(self, base_url=own._replace(netloc=netloc).geturl(), unbranded_url=self.base_url)


@dataclass(frozen=True, slots=True)
class _Wanted:
    opens: bool
    open_tag: str | None
    clicks: bool
    clicks_in_text: bool
    utm: Mapping[str, str]


_BY_ITSELF = _Wanted(True, None, True, False, {})
_NOT_WANTED = _Wanted(False, None, False, False, {})


def with_tracking(mail: Mail, shared: Mapping[str, object], message_id: str, tracking: Tracking) -> Mail:
    """The mail with what the request's `tracking_settings` want, the tenant's laid under them; itself when they want nothing."""
    wanted = _wanted(shared, tracking.usable)
    if not (wanted.opens or wanted.clicks or wanted.utm):
        return mail
    links = _Links(mail, message_id, tracking, wanted)
    parts: list[Part] = []
    places = dict(mail.places)
    # Mails of one request say the same, and those of one kind often do, when no template puts each recipient's own into them.
    recurs = shared.get("template_id") is None
    for part in mail.parts:
        text = part.text
        if part.media_type == HTML:
            if wanted.clicks or wanted.utm:
                text = rewrite_html(text, links.change(0), most=links.left, recurs=recurs)
            if wanted.opens:
                text = with_pixel(text, pixel_tag(f"{tracking.base_url}/t/o/{placeholder(OPEN)}.gif"), wanted.open_tag)
                places[placeholder(OPEN)] = OPEN
        elif part.media_type == PLAIN:
            if wanted.clicks_in_text:
                text = rewrite_text(text, links.change(IN_TEXT), most=links.left)
            if wanted.opens and wanted.open_tag:
                text = text.replace(wanted.open_tag, "")
        parts.append(part if text is part.text else Part(part.media_type, text))
    if links.tracked:
        places[placeholder(CLICK)] = CLICK
    return replace(mail, parts=tuple(parts), places=places)


class _Links:
    """Changes the links of one mail, and counts them over its parts."""

    def __init__(self, mail: Mail, message_id: str, tracking: Tracking, wanted: _Wanted) -> None:
        self._personal = tuple(mail.places)
        self._key = message_key(tracking.key, message_id)
        self._tracking = tracking
        self._wanted = wanted
        self._own = (f"{tracking.base_url}/", f"{tracking.unbranded_url or tracking.base_url}/")
        self.tracked = 0

    @property
    def left(self) -> int:
        """How many links may still be changed."""
        return MOST_LINKS - self.tracked

    def change(self, kind: int) -> Change:
        """What becomes of each link in a part; `kind` is IN_TEXT or 0."""
        base_url, key, wanted = self._tracking.base_url, self._key, self._wanted
        own, personal = self._own, self._personal

        def changed(url: str, number: int) -> str | None:
            # Our own pages count by themselves, and what is a recipient's own is not known yet, so that no signature could cover it.
            if url.startswith(own) or (personal and any(each in url for each in personal)):
                return None
            target = with_utm(url, wanted.utm) if wanted.utm else url
            if not wanted.clicks:
                return target
            self.tracked += 1
            return tracked_url(base_url, key, number | kind, target)

        return changed


def _wanted(shared: Mapping[str, object], usable: bool) -> _Wanted:
    settings = shared.get("tracking_settings")
    if settings is None:
        return _BY_ITSELF if usable else _NOT_WANTED
    given: Mapping[str, object] = settings if isinstance(settings, dict) else _NOTHING
    opens, clicks, analytics = (_setting(given, name) for name in ("open_tracking", "click_tracking", "ganalytics"))
    is_clicked = usable and clicks.get("enable", True) is True
    tag = opens.get("substitution_tag")
    utm: dict[str, str] = {}
    if analytics.get("enable") is True:
        utm = {name: value for name in UTM if isinstance(value := analytics.get(name), str) and value}
    return _Wanted(
        opens=usable and opens.get("enable", True) is True, open_tag=tag if isinstance(tag, str) and tag else None,
        clicks=is_clicked, clicks_in_text=is_clicked and clicks.get("enable_text") is True, utm=utm,
    )


def _setting(settings: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = settings.get(name)
    return found if isinstance(found, dict) else _NOTHING
