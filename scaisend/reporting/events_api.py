"""GET /v3/events: a tenant's events as a stream, for those who would rather ask than be told."""

from scaisend.faults import Invalid
from scaisend.http.call import Call
from scaisend.http.paging import cursor, only, read_cursor, whole
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get
from scaisend.messages.moments import read_since
from scaisend.reporting.envelope import own_form
from scaisend.reporting.events_store import event_bound, told_after
from scaisend.reporting.webhook import TOLD
from scaisend.storage.database import Database

# An event is shown when this old: by then all that were recorded before it are committed, so that a cursor passes over none.
SETTLED_S = 10.0


class EventsApi:
    """The stream of the caller's tenant."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return [get("/v3/events", self.stream, permission=("webhooks.read", "stats.read"), summary="The stream of events, oldest first")]

    async def stream(self, call: Call) -> Reply:
        """`{"events": […], "next": cursor}`: asking again with `next` goes on behind the last one, also when there was none.

        Without a cursor the stream begins at `since` (a moment, or so long ago), or with the first event there is. `event_type`,
        once or more, chooses types.
        """
        only(call, "event_type", "limit", "cursor", "since")
        types = call.query.get("event_type", [])
        unknown = [name for name in types if name not in TOLD]
        if unknown:
            raise Invalid("This event type is not known.", "event_type", f"Types: {', '.join(TOLD)}.")
        most = whole(call, "limit", least=1, most=1_000, default=100)
        after = _after(call)
        # Not `read`: a replica that lags would have the cursor pass over events.
        found = await self._database.run(
            told_after, call.caller.tenant_id, after=after, before=event_bound(call.now_s - SETTLED_S), types=types or TOLD, most=most
        )
        return json_reply({"events": [own_form(each) for each in found], "next": cursor([found[-1].id if found else after])})


def _after(call: Call) -> str:
    given, since = call.one("cursor"), call.one("since")
    if given:
        return str(read_cursor(given, (str,), field="cursor")[0])
    if not since:
        return ""
    try:
        return event_bound(read_since(since, call.now_s))
    except ValueError:
        raise Invalid("This is no moment: unix seconds, ISO 8601, or so long ago (30m, 24h, 7d).", "since") from None
