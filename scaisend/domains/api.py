"""/api/admin/domains: the tenant's sender domains."""

from scaisend.domains.domains import Doer, Domains
from scaisend.faults import Fault
from scaisend.http.call import Call
from scaisend.http.reply import Reply, data_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.shape import Reader, finish

READ = "domains.read"
WRITE = "domains.write"
PATH = "/api/admin/domains"
ONE = f"{PATH}/<domain_id>"


class DomainsApi:
    """The domains of the caller's tenant; `<domain_id>` is an id or the domain's name."""

    def __init__(self, *, domains: Domains) -> None:
        self._domains = domains

    def routes(self) -> list[Route]:
        return [
            get(PATH, self.show_all, permission=READ, summary="The tenant's sender domains"),
            post(PATH, self.add, permission=WRITE, summary="Add a sender domain and make its DKIM keys"),
            get(ONE, self.show, permission=READ, summary="One sender domain"),
            patch(ONE, self.change, permission=WRITE, summary="Make a domain the default, or no longer"),
            delete(ONE, self.remove, permission=WRITE, summary="Delete a sender domain and its keys"),
            get(f"{ONE}/dns-records", self.dns_records, permission=READ, summary="The DNS records to publish"),
            post(f"{ONE}/verify", self.verify, permission=WRITE, summary="Ask DNS what it has of the records"),
            post(f"{ONE}/rotate-dkim", self.rotate, permission=WRITE, summary="Make new DKIM keys, to be published"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """All domains by name."""
        return data_reply([self._domains.shown(each) for each in await self._domains.all(call.caller.tenant_id)])

    async def add(self, call: Call) -> Reply:
        """201 with the domain and the records to publish."""
        faults: list[Fault] = []
        name = Reader(call.json(), faults).text("domain", required=True, most=254)
        finish(faults)
        return data_reply(self._domains.shown(await self._domains.add(call.caller.tenant_id, name or "", _doer(call))), 201)

    async def show(self, call: Call) -> Reply:
        """One domain."""
        return data_reply(self._domains.shown(await self._domains.one(call.caller.tenant_id, call.path["domain_id"])))

    async def change(self, call: Call) -> Reply:
        """The domain as it is now; `is_default` is what can be changed."""
        faults: list[Fault] = []
        reader = Reader(call.json(), faults)
        reader.refuse_unknown(("is_default",))
        is_default = reader.flag("is_default", required=True)
        finish(faults)
        view = await self._domains.change(call.caller.tenant_id, call.path["domain_id"], is_default=bool(is_default), doer=_doer(call))
        return data_reply(self._domains.shown(view))

    async def remove(self, call: Call) -> Reply:
        """204."""
        await self._domains.delete(call.caller.tenant_id, call.path["domain_id"], _doer(call))
        return no_content()

    async def dns_records(self, call: Call) -> Reply:
        """The records alone; asks no DNS."""
        return data_reply(self._domains.records(await self._domains.one(call.caller.tenant_id, call.path["domain_id"])))

    async def verify(self, call: Call) -> Reply:
        """The domain after the check, whatever it found."""
        return data_reply(self._domains.shown(await self._domains.verify(call.caller.tenant_id, call.path["domain_id"], _doer(call))))

    async def rotate(self, call: Call) -> Reply:
        """The domain with its new keys."""
        return data_reply(self._domains.shown(await self._domains.rotate(call.caller.tenant_id, call.path["domain_id"], _doer(call))))


def _doer(call: Call) -> Doer:
    return Doer(call.caller.credential_id, call.now_s, call.remote or None, call.request_id or None)
