"""POST /webhooks/scaikey: what happens at the identity provider counts here from the next request on."""

import orjson

from scaisend.faults import Conflict, Invalid, NotFound, Unavailable
from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, post
from scaisend.identity.provider_events import SIGNATURE, check_signature, read_event
from scaisend.identity.told_store import take_event_across_tenants
from scaisend.ids import IdMaker
from scaisend.storage.database import Database

AGAIN_S = 60


class ScaikeyApi:
    """Takes events that are signed with `secret`; of assignments those to the application `client_id`."""

    def __init__(self, *, database: Database, ids: IdMaker, secret: str, client_id: str) -> None:
        self._database = database
        self._ids = ids
        self._secret = secret
        self._client_id = client_id

    def routes(self) -> list[Route]:
        return [post("/webhooks/scaikey", self.take, public=True, limit=None, summary="Events of the identity provider, signed with SCAIKEY_WEBHOOK_SECRET")]

    async def take(self, call: Call) -> Reply:
        """200 with `{"status": "applied"}`, or `ignored` where the event means nothing here; then it may be brought again.

        Raises: NotFound without a secret; Unauthenticated; Invalid; Conflict when it was taken before; Unavailable when it is
        about a thing whose tenant or partner is not known yet.
        """
        if not self._secret:
            raise NotFound("no identity provider sends its events here", help="set SCAIKEY_WEBHOOK_SECRET")
        check_signature(call.headers.get(SIGNATURE), call.body, secret=self._secret, now_s=call.now_s)
        try:
            given = orjson.loads(call.body)
        except orjson.JSONDecodeError:
            raise Invalid("the event is not JSON") from None
        event = read_event(given, client_id=self._client_id)
        if event.effect == "none":
            return json_reply({"status": "ignored"})
        try:
            taken = await self._database.run(take_event_across_tenants, self._ids, event, now_s=call.now_s)
        except LookupError:
            raise Unavailable(
                "identity provider", "the event is about something whose tenant or partner is not known here yet; send it again later",
                retry_after_s=AGAIN_S,
            ) from None
        if not taken:
            raise Conflict("the event was taken before", "event_id")
        return json_reply({"status": "applied"})
