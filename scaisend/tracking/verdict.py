"""Who opened or clicked: a person, or a machine and why one thinks so.

    head             HEAD asks for no content; mail clients do not, link checkers do
    prefetch         the request says itself that it comes ahead of a reader (Sec-Purpose, Purpose, X-Moz, X-Purpose)
    apple-privacy    Apple's mail privacy proxies load every image, read or not; they call themselves Mozilla/5.0 and nothing more
    proxy-prefetch   Gmail's image proxy, so soon after delivery that nobody has read the mail; later it loads for a reader
    robot            the user agent is a known scanner's or robot's
    before-delivery  no server has taken the mail for good yet, but somebody who saw it follows its links
    scanner          links of one mail followed faster than a hand can
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaisend.messages import status as states
from scaisend.tracking.personal import Named

HEAD, PREFETCH, APPLE, PROXY = "head", "prefetch", "apple-privacy", "proxy-prefetch"
ROBOT, BEFORE, SCANNER = "robot", "before-delivery", "scanner"

BURST_S = 2.0
SOON_S = 10.0
MOST_IN_BURST = 2  # different links, at any time
LONGEST_AGENT = 512
_PROXY = re.compile(r"GoogleImageProxy")
_ROBOTS = re.compile(
    r"bot\b|crawler|spider|barracuda|mimecast|proofpoint|fireeye|symantec|trendmicro|ironport|messagelabs|safelinks|urldefense|linkcheck"
    r"|facebookexternalhit|slack-imgproxy|skypeuripreview|whatsapp/",
    re.IGNORECASE,
)
_AHEAD = (("sec-purpose", "prefetch"), ("purpose", "prefetch"), ("purpose", "preview"), ("x-purpose", "preview"), ("x-moz", "prefetch"))


@dataclass(frozen=True, slots=True)
class Click:
    """A link that was followed; `number` within its part."""

    url: str
    number: int
    in_text: bool


@dataclass(frozen=True, slots=True)
class Sighting:
    """A pixel that was loaded, or with `click` a link that was followed. `reason` says why a machine did it, as far as the request tells."""

    named: Named
    at: float
    agent: str
    remote: str
    reason: str | None = None
    click: Click | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a recipient: its state, when it was delivered to, and its clicks as (when, number, in text)."""

    status: str
    delivered_at: float | None = None
    clicks: Sequence[tuple[float, int, bool]] = ()


def told_by_request(method: str, headers: Mapping[str, str]) -> str | None:
    """Why the request is a machine's, when it shows."""
    if method == "HEAD":
        return HEAD
    if any(word in headers.get(name, "").lower() for name, word in _AHEAD):
        return PREFETCH
    agent = headers.get("user-agent", "")
    if agent.strip() == "Mozilla/5.0":
        return APPLE
    return ROBOT if _ROBOTS.search(agent) else None


def needs_past(sighting: Sighting) -> bool:
    """Whether more is to be found out than the request tells."""
    return sighting.reason is None and (sighting.click is not None or _PROXY.search(sighting.agent) is not None)


def judged(sighting: Sighting, past: Past) -> str | None:
    """Why a machine did it; None when it was a person, as far as one can tell. The sighting itself is among `past.clicks`."""
    if sighting.reason is not None:
        return sighting.reason
    if past.status == states.DEFERRED:
        return BEFORE
    is_soon = past.delivered_at is not None and sighting.at - past.delivered_at <= SOON_S
    if sighting.click is None:
        return PROXY if is_soon and _PROXY.search(sighting.agent) else None
    near = {(number, in_text) for at, number, in_text in past.clicks if abs(at - sighting.at) <= BURST_S}
    return SCANNER if len(near) > (1 if is_soon else MOST_IN_BURST) else None
