"""/api/admin/setup: whether a tenant's domains, and the installation as others see it, are set up well."""

from scaisend.app.checks import shape, worst
from scaisend.app.setup import Setup
from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get


class SetupApi:
    """The doctor's checks for an administrator of a tenant; what the installation stands on is for its operator alone."""

    def __init__(self, *, setup: Setup) -> None:
        self._setup = setup

    def routes(self) -> list[Route]:
        return [
            get("/api/admin/setup", self.show, permission="admin.settings", limit="writes", summary="What is not well with the tenant's domains and the instance's DNS"),
        ]

    async def show(self, call: Call) -> Reply:
        """`{"status": the worst, "instance": […], "domains": […]}`, each check with found, expected and cure."""
        instance = await self._setup.instance()
        domains = await self._setup.domains(call.caller.tenant_id)
        return json_reply({
            "status": worst([*instance, *domains]), "instance": [shape(each) for each in instance], "domains": [shape(each) for each in domains],
        })
