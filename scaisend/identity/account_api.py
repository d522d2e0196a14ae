"""/v3/user/account and /v3/user/profile: what programs ask to learn whether a key is good."""

from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get
from scaisend.identity.people_store import tenant
from scaisend.storage.database import Database

_EMPTY = ("address", "address2", "city", "country", "first_name", "last_name", "phone", "state", "website", "zip")


class AccountApi:
    """The caller's tenant as SendGrid shows an account."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return [
            get("/v3/user/account", self.account, permission=("admin.settings", "user.account.read"), summary="Type of the account"),
            get("/v3/user/profile", self.profile, permission=("admin.settings", "user.profile.read"), summary="Profile of the account"),
        ]

    async def account(self, call: Call) -> Reply:
        """Nothing is limited by a plan and no reputation is kept, so the best of both."""
        return json_reply({"type": "paid", "reputation": 100})

    async def profile(self, call: Call) -> Reply:
        """The tenant's name as the company; nothing else is known of it."""
        found = await self._database.run(tenant, call.caller.tenant_id)
        return json_reply(dict.fromkeys(_EMPTY, "") | {"company": found.name if found else ""})
