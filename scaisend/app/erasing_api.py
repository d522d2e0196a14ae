"""/api/admin/erasures: a recipient is erased from a tenant, as `scaisend erase` does it."""

from dataclasses import asdict

from scaisend.address import is_valid
from scaisend.app.erasing import Eraser, House, erase
from scaisend.faults import Fault
from scaisend.http.call import Call
from scaisend.http.reply import Reply, data_reply
from scaisend.http.route import Route, post
from scaisend.identity.administration import tenant_of
from scaisend.identity.reach import ABOVE
from scaisend.shape import Reader, finish

MOST_S = 20.0


class ErasuresApi:
    """The door for whoever administers the tenant: its own people and keys, and those above with `?tenant_id=`."""

    def __init__(self, *, house: House) -> None:
        self._house = house

    def routes(self) -> list[Route]:
        return [
            post(
                "/api/admin/erasures", self.erase, permission=("admin.settings", ABOVE), limit="writes",
                summary="Erase a recipient from the tenant's mails, events and lists",
            )
        ]

    async def erase(self, call: Call) -> Reply:
        """200 with what was erased and `complete: true`; 202 and `complete: false` when something is left, and asking again goes on.

        Mails that a worker holds, or that other recipients wait for, are left, and what MOST_S was too short for.
        """
        faults: list[Fault] = []
        reader = Reader(call.json(), faults)
        reader.refuse_unknown(("email",))
        email = reader.text("email", required=True, most=320) or ""
        if not faults and not is_valid(email):
            reader.fault("This is no e-mail address.", "email")
        finish(faults)
        tenant = await self._house.database.run(tenant_of, call)
        by = Eraser(call.caller.user_id or call.caller.credential_id, call.remote or None, call.request_id or None)
        done = await erase(self._house, tenant.id, email, by=by, most_s=MOST_S)
        done.complete = done.complete and not done.left
        return data_reply(asdict(done), 200 if done.complete else 202)
