"""/v3/user/*: the caller's tenant as SendGrid shows an account; programs ask it to learn whether a key is good."""

from collections.abc import Mapping

from scaisend.address import is_valid
from scaisend.faults import Fault
from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get, patch, put
from scaisend.identity.audit_store import record_act
from scaisend.identity.people_store import Tenant, tenant
from scaisend.identity.settings_store import Section, Values, change_setting, section
from scaisend.ids import lane_of
from scaisend.shape import Reader, finish
from scaisend.storage.database import Database, Txn

WRITE = "admin.settings"
SECTION = "user"
PROFILE = ("address", "address2", "city", "company", "country", "first_name", "last_name", "phone", "state", "website", "zip")
# No plan limits what is sent, so there is always as much left as fits into 32 bits.
CREDITS = 2**31 - 1
TLS: Mapping[str, object] = {"require_tls": False, "require_valid_cert": False, "version": 1.2}
TLS_VERSIONS = (1.1, 1.2, 1.3)
NOT_ENFORCED = "TLS is enforced for all tenants together: the operator sets SMTP_TLS_POLICY to required or verify."


class AccountApi:
    """The caller's tenant as an account."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        account, profile = (WRITE, "user.account.read"), (WRITE, "user.profile.read")
        return [
            get("/v3/user/account", self.account, permission=account, summary="Type of the account"),
            get("/v3/user/credits", self.credits, permission=account, summary="What may still be sent: nothing limits it"),
            get("/v3/user/profile", self.profile, permission=profile, summary="Profile of the account"),
            patch("/v3/user/profile", self.change_profile, permission=WRITE, summary="Change the profile of the account"),
            get("/v3/user/email", self.email, permission=profile, summary="Address of the account"),
            put("/v3/user/email", self.change_email, permission=WRITE, summary="Change the address of the account"),
            get("/v3/user/username", self.username, permission=profile, summary="Name and number of the account"),
            put("/v3/user/username", self.change_username, permission=WRITE, summary="Change the name of the account"),
            get("/v3/user/settings/enforced_tls", self.enforced_tls, permission=account, summary="Whether recipients must offer TLS"),
            patch("/v3/user/settings/enforced_tls", self.change_enforced_tls, permission=WRITE, summary="Refused where TLS is to be enforced: the operator does that"),
        ]

    async def account(self, call: Call) -> Reply:
        """Nothing is limited by a plan and no reputation is kept, so the best of both."""
        return json_reply({"type": "paid", "reputation": 100})

    async def credits(self, call: Call) -> Reply:
        """Nothing is used up, and nothing resets it."""
        return json_reply({
            "remain": CREDITS, "total": CREDITS, "overage": 0, "used": 0, "last_reset": None, "next_reset": None, "reset_frequency": None,
        })

    async def profile(self, call: Call) -> Reply:
        """What was set; the tenant's name as the company until another is."""
        found, settings = await self._database.read(_account, call.caller.tenant_id)
        return json_reply(_profile(found, settings.get("profile", {})))

    async def change_profile(self, call: Call) -> Reply:
        """The profile as it is now; what is not given stays."""
        faults: list[Fault] = []
        reader = Reader(call.json(), faults)
        given = {name: reader.text(name) or "" for name in PROFILE if reader.has(name)}
        finish(faults)
        found, _ = await self._database.read(_account, call.caller.tenant_id)
        return json_reply(_profile(found, await self._database.run(_change, call, "profile", given)))

    async def email(self, call: Call) -> Reply:
        """The address that was set, or an empty one."""
        _, settings = await self._database.read(_account, call.caller.tenant_id)
        return json_reply({"email": settings.get("account", {}).get("email", "")})

    async def change_email(self, call: Call) -> Reply:
        """The address is shown from now on; nothing is sent to it."""
        email = _text(call, "email", is_address=True)
        await self._database.run(_change, call, "account", {"email": email})
        return json_reply({"email": email})

    async def username(self, call: Call) -> Reply:
        """The name that was set, or the tenant's, and a number that stays."""
        found, settings = await self._database.read(_account, call.caller.tenant_id)
        name = settings.get("account", {}).get("username") or _name(found)
        return json_reply({"username": name, "user_id": user_id(call.caller.tenant_id)})

    async def change_username(self, call: Call) -> Reply:
        """The name is shown from now on; nobody logs in with it."""
        name = _text(call, "username")
        await self._database.run(_change, call, "account", {"username": name})
        return json_reply({"username": name})

    async def enforced_tls(self, call: Call) -> Reply:
        """Nothing is enforced for a tenant by itself."""
        return json_reply(TLS)

    async def change_enforced_tls(self, call: Call) -> Reply:
        """The setting, which stays as it is. Raises: Invalid when something is to be enforced."""
        faults: list[Fault] = []
        given = call.json()
        reader = Reader(given, faults)
        for name in ("require_tls", "require_valid_cert"):
            # What is not done must not look as if it were.
            if reader.has(name) and reader.flag(name, required=True):
                reader.fault("This cannot be enforced for one account.", name, NOT_ENFORCED)
        version = given.get("version") if isinstance(given, dict) else None
        if version is not None and (isinstance(version, bool) or version not in TLS_VERSIONS):
            reader.fault("The version must be 1.1, 1.2 or 1.3.", "version")
        finish(faults)
        return json_reply(TLS)


def user_id(tenant_id: str) -> int:
    """The number that SendGrid's shapes call `user_id`: the same for a tenant always, and no key to anything."""
    return lane_of(tenant_id)


def _account(txn: Txn, tenant_id: str) -> tuple[Tenant | None, Section]:
    return tenant(txn, tenant_id), section(txn, tenant_id, SECTION)


def _profile(found: Tenant | None, values: Values) -> dict[str, object]:
    return dict.fromkeys(PROFILE, "") | {"company": found.name if found else ""} | dict(values)


def _name(found: Tenant | None) -> str:
    return found.username if found else ""


def _text(call: Call, name: str, *, is_address: bool = False) -> str:
    """The one text that the body gives. Raises: Invalid."""
    faults: list[Fault] = []
    reader = Reader(call.json(), faults)
    value = reader.text(name, required=True, least=1) or ""
    if value and is_address and not is_valid(value):
        reader.fault("Does not contain a valid address.", name)
    finish(faults)
    return value


def _change(txn: Txn, call: Call, name: str, values: Values) -> Values:
    after = change_setting(txn, call.caller.tenant_id, SECTION, name, values, now_s=call.now_s)
    record_act(
        txn, call.caller.tenant_id, actor=call.caller.user_id or call.caller.credential_id, action=f"{SECTION}.change", resource=name,
        change=values, source=call.remote or None, request_id=call.request_id or None, happened_at=call.now_s,
    )
    return after
