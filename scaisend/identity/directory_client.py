"""The identity provider's lists: partners, tenants, users and groups, page by page."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from scaisend.faults import ScaiSendError, Unavailable
from scaisend.identity.oidc_client import PROVIDER
from scaisend.identity.provider_client import ProviderClient, refusal

LISTS = "/api/v1/admin/"
PAGE = 200


class StalePlace(ScaiSendError):
    """The provider does not know the page to go on with any more."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: what it lists, the place of the next (None at the end), and how many there are in all, if that was said."""

    things: tuple[object, ...]
    following: str | None
    total: int | None


class DirectoryClient:
    """Reads lists with a token that `token()` gives; `renew()` forgets one that was refused."""

    def __init__(self, *, client: ProviderClient, token: Callable[[], Awaitable[str]], renew: Callable[[], None]) -> None:
        self._client = client
        self._token = token
        self._renew = renew

    async def page(self, noun: str, *, place: str | None, since: float | None) -> Page | None:
        """The page at `place` of what changed since; None when this client may not see such things at all.

        Raises: StalePlace; Forbidden; Unavailable.
        """
        query = {"limit": str(PAGE)}
        if since is not None:
            query["updated_since"] = datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        if place is not None:
            query["cursor"] = place
        status, given = await self._ask(f"{LISTS}{noun}?{urlencode(query)}")
        if status in (400, 404, 410, 422) and place is not None:
            raise StalePlace("the place is not known any more")
        if status in (403, 404):
            return None
        if status != 200:
            raise refusal(status, given, f"to list {noun}")
        page = _page(given)
        if page.following is not None and page.following == place:
            raise Unavailable(PROVIDER, "the identity provider names the same page again and again")
        return page

    async def members(self, group: str) -> list[object]:
        """All members of a group, as they are listed. Raises: Forbidden; Unavailable."""
        found: list[object] = []
        place: str | None = None
        while True:
            query = {"limit": str(PAGE), **({"cursor": place} if place is not None else {})}
            status, given = await self._ask(f"{LISTS}groups/{quote(group, safe='')}/members?{urlencode(query)}")
            if status != 200:
                raise refusal(status, given, "to list a group's members")
            page = _page(given)
            found += page.things
            if page.following is None or page.following == place:
                return found
            place = page.following

    async def _ask(self, path: str) -> tuple[int, Mapping[str, object]]:
        """The answer; with a new token when the one at hand is refused."""
        status, given = await self._once(path)
        if status == 401:
            self._renew()
            status, given = await self._once(path)
        if status == 401:
            raise refusal(status, given, "this client")
        return status, given

    async def _once(self, path: str) -> tuple[int, Mapping[str, object]]:
        return await self._client.ask("GET", path, headers={"Authorization": f"Bearer {await self._token()}"})


def _page(given: Mapping[str, object]) -> Page:
    """`{"data": […], "next_cursor": text or null, "total": number}`. Raises: Unavailable when it is no page."""
    things, following, total = given.get("data"), given.get("next_cursor"), given.get("total")
    if not isinstance(things, list) or not (following is None or isinstance(following, str)):
        raise Unavailable(PROVIDER, "the identity provider answered something else than a page")
    return Page(tuple(things), following or None, total if isinstance(total, int) and not isinstance(total, bool) else None)
