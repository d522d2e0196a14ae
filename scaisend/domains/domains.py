"""What can be done with a tenant's domains: the API and the command line both do it through this."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from scaisend.address import a_labels
from scaisend.dns import Resolver
from scaisend.domains import store
from scaisend.domains.dkim_keys import ALGORITHMS, NewKey, make_key, number_in, selector_of
from scaisend.domains.records import Hosts, keep_until, shown_records, wanted_records, zone_line
from scaisend.domains.sharing_store import (
    follow_check_across_tenants,
    follow_keys_across_tenants,
    has_owner_across_tenants,
    keep_as_own,
)
from scaisend.domains.store import ACTIVE, PENDING, Check, Domain, DomainKey
from scaisend.domains.verify import Verification, verify
from scaisend.domains.whitelabel_store import set_addresses, set_default
from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.identity.audit_store import record_act
from scaisend.ids import IdMaker
from scaisend.sealing import Sealer
from scaisend.storage.database import Database, Txn


@dataclass(frozen=True, slots=True)
class Doer:
    """Who does it, and when, for the audit log: a credential or `cli`, the address and request it came with."""

    actor: str
    at: float
    source: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class DomainView:
    """A domain with its keys."""

    domain: Domain
    keys: tuple[DomainKey, ...]


class InThread(Protocol):
    """Runs a function that takes long in a thread."""

    def __call__(self, fn: Callable[[], list[NewKey]]) -> Awaitable[list[NewKey]]: ...


class Domains:
    """Adds, shows, verifies, rotates and deletes domains. `resolver` should remember nothing, so that a check sees DNS as it is."""

    def __init__(
        self, *, database: Database, resolver: Resolver, sealer: Sealer, ids: IdMaker, in_thread: InThread, hosts: Hosts
    ) -> None:
        self._database = database
        self._resolver = resolver
        self._sealer = sealer
        self._ids = ids
        self._in_thread = in_thread
        self._hosts = hosts

    async def all(self, tenant_id: str) -> list[DomainView]:
        """The tenant's domains by name."""
        return await self._database.run(_views, tenant_id)

    async def one(self, tenant_id: str, domain: str) -> DomainView:
        """The domain of that id or name. Raises: NotFound."""
        return await self._database.run(_view, tenant_id, domain)

    async def add(self, tenant_id: str, name: str, doer: Doer) -> DomainView:
        """The new domain, with an RSA and an Ed25519 key. Raises: Invalid for no domain name, Conflict when it is there."""
        name = read_name(name)
        keys = self._named(tenant_id, await self._new_keys(ALGORITHMS), 1)
        return await self._database.run(_add, tenant_id, self._ids.new("dom", tenant_id), name, keys, doer)

    async def change(self, tenant_id: str, domain: str, *, is_default: bool, doer: Doer) -> DomainView:
        """The domain is the tenant's only default, or no default any more. Raises: NotFound."""
        return await self._database.run(_change, tenant_id, domain, is_default, doer)

    async def set_addresses(self, tenant_id: str, domain: str, change: Callable[[tuple[str, ...]], tuple[str, ...]], doer: Doer) -> DomainView:
        """The domain's source addresses are what `change` makes of them. Raises: NotFound, and what `change` raises."""
        return await self._database.run(_set_addresses, tenant_id, domain, change, doer)

    async def delete(self, tenant_id: str, domain: str, doer: Doer) -> None:
        """The domain is gone, and mail from it is refused. Raises: NotFound."""
        await self._database.run(_delete, tenant_id, domain, doer)

    async def verify(self, tenant_id: str, domain: str, doer: Doer) -> DomainView:
        """The domain as DNS has it now, and those associated from it; keys that were seen sign from now on. Raises: NotFound."""
        view = await self.one(tenant_id, domain)
        wanted = wanted_records(view.domain.domain, view.keys, self._hosts)
        found = await verify(self._resolver.resolve, view.domain.domain, wanted=wanted, keys=view.keys, hosts=self._hosts)
        return await self._database.run(_save, tenant_id, view.domain, found, doer)

    async def rotate(self, tenant_id: str, domain: str, doer: Doer) -> DomainView:
        """New keys, to be published, for each kind that signs; the old ones sign until the new are seen. Associated domains have them too.

        Raises: NotFound, Conflict while an earlier key was not seen yet, or where the keys are another tenant's.
        """
        view = await self.one(tenant_id, domain)
        kinds = sorted({key.algorithm for key in view.keys if key.status == ACTIVE}, reverse=True)
        if not kinds or any(key.status == PENDING and key.algorithm in kinds for key in view.keys):
            raise Conflict("a key of this domain still waits to be seen in DNS", help="publish its record and verify the domain first")
        number = 1 + max([number_in(key.selector) for key in view.keys])
        keys = self._named(tenant_id, await self._new_keys(kinds), number)
        return await self._database.run(_rotate, tenant_id, self._ids, view.domain.id, keys, doer)

    def shown(self, view: DomainView) -> dict[str, object]:
        """The domain as JSON has it."""
        domain = view.domain
        return {
            "id": domain.id, "domain": domain.domain, "verified": domain.verified, "is_default": domain.is_default,
            "return_path_ready": domain.return_path_ready, "checked_at": _iso(domain.checked_at), "verified_at": _iso(domain.verified_at),
            "created_at": _iso(domain.created_at), "dns_records": self.records(view),
            "dkim_keys": [
                {"selector": key.selector, "algorithm": key.algorithm, "status": key.status, "keep_record_until": _iso(keep_until(key.retired_at))}
                for key in view.keys
            ],
        }

    def records(self, view: DomainView) -> list[dict[str, object]]:
        """The records to publish, with what the last verification found."""
        return shown_records(wanted_records(view.domain.domain, view.keys, self._hosts), view.domain.check_result)

    def zone_lines(self, view: DomainView) -> list[str]:
        """The records to publish as lines of a zone file."""
        return [zone_line(each) for each in wanted_records(view.domain.domain, view.keys, self._hosts)]

    async def _new_keys(self, algorithms: Sequence[str]) -> list[NewKey]:
        return await self._in_thread(lambda: [make_key(each, self._sealer) for each in algorithms])

    def _named(self, tenant_id: str, keys: Sequence[NewKey], number: int) -> list[tuple[str, str, NewKey]]:
        return [(self._ids.new("dky", tenant_id), selector_of(tenant_id, key.algorithm, number), key) for key in keys]


def read_name(text: str) -> str:
    """The domain name as A-labels. Raises: Invalid."""
    name = text.strip().rstrip(".")
    try:
        return a_labels(name)
    except ValueError as error:
        cure = "give the part right of the @ alone" if "@" in name or "/" in name else "give a name such as example.com"
        raise Invalid(str(error), "domain", cure) from None


def _views(txn: Txn, tenant_id: str) -> list[DomainView]:
    found = store.domains(txn, tenant_id)
    keys = store.keys_of(txn, tenant_id, [each.id for each in found])
    return [DomainView(each, tuple(keys[each.id])) for each in found]


def _find(txn: Txn, tenant_id: str, domain: str) -> Domain:
    found = store.domain(txn, tenant_id, domain)
    if found is None and not domain.startswith("dom_"):
        try:
            found = store.domain_named(txn, tenant_id, a_labels(domain.rstrip(".")))
        except ValueError:
            found = None
    if found is None:
        raise NotFound("there is no such domain")
    return found


def _with_keys(txn: Txn, domain: Domain) -> DomainView:
    return DomainView(domain, tuple(store.keys_of(txn, domain.tenant_id, [domain.id])[domain.id]))


def _view(txn: Txn, tenant_id: str, domain: str) -> DomainView:
    return _with_keys(txn, _find(txn, tenant_id, domain))


def _add(
    txn: Txn, tenant_id: str, domain_id: str, name: str, keys: Sequence[tuple[str, str, NewKey]], doer: Doer
) -> DomainView:
    made = store.add_domain(txn, tenant_id, domain_id=domain_id, name=name, keys=keys, now_s=doer.at)
    _note(txn, made, "domain.create", doer, {"domain": name})
    return _with_keys(txn, made)


def _change(txn: Txn, tenant_id: str, domain: str, is_default: bool, doer: Doer) -> DomainView:
    found = _find(txn, tenant_id, domain)
    if found.is_default != is_default:
        set_default(txn, tenant_id, found.id, is_default)
        _note(txn, found, "domain.default", doer, {"is_default": is_default})
    return _with_keys(txn, _find(txn, tenant_id, found.id))


def _set_addresses(
    txn: Txn, tenant_id: str, domain: str, change: Callable[[tuple[str, ...]], tuple[str, ...]], doer: Doer
) -> DomainView:
    found = store.lock_domain(txn, tenant_id, _find(txn, tenant_id, domain).id)
    if found is None:
        raise NotFound("there is no such domain")
    after = change(found.addresses)
    if after != found.addresses:
        set_addresses(txn, tenant_id, found.id, after)
        _note(txn, found, "domain.addresses", doer, {"before": list(found.addresses), "after": list(after)})
    return _with_keys(txn, _find(txn, tenant_id, found.id))


def _delete(txn: Txn, tenant_id: str, domain: str, doer: Doer) -> None:
    found = _find(txn, tenant_id, domain)
    store.delete_domain(txn, tenant_id, found.id)
    _note(txn, found, "domain.delete", doer, {"domain": found.domain})


def _save(txn: Txn, tenant_id: str, before: Domain, found: Verification, doer: Doer) -> DomainView:
    check = Check(
        result=found.result(), seen=found.seen, checked_at=doer.at,
        verified=bool(found.seen) or (found.dkim_in_trouble and before.verified),
        return_path_ready=found.return_path_ready or (found.return_path_in_trouble and before.return_path_ready),
    )
    after = store.save_check(txn, tenant_id, before.id, check)
    if after is None:
        raise NotFound("there is no such domain")
    _note_verified(txn, before, after, doer)
    view = _with_keys(txn, after)
    seen = frozenset([key.selector for key in view.keys if key.id in found.seen])
    for its_before, its_after in follow_check_across_tenants(txn, after.id, check, seen):
        _note_verified(txn, its_before, its_after, _owner(doer))
    return view


def _note_verified(txn: Txn, before: Domain, after: Domain, doer: Doer) -> None:
    if after.verified != before.verified:
        _note(txn, after, "domain.verify", doer, {"before": {"verified": before.verified}, "after": {"verified": after.verified}})


def _owner(doer: Doer) -> Doer:
    """What another tenant, whose domain follows, is told of who did it: no credential and no address."""
    return Doer("owner", doer.at)


def _rotate(
    txn: Txn, tenant_id: str, ids: IdMaker, domain_id: str, keys: Sequence[tuple[str, str, NewKey]], doer: Doer
) -> DomainView:
    domain = store.lock_domain(txn, tenant_id, domain_id)
    if domain is None:
        raise NotFound("there is no such domain")
    if domain.associated_from is not None:
        if has_owner_across_tenants(txn, domain.associated_from):
            raise Conflict("the keys of this domain are its owner's", help="rotate them there: they change here with them")
        keep_as_own(txn, tenant_id, domain_id)
        domain = replace(domain, associated_from=None)
    kinds = {key.algorithm for _, _, key in keys}
    if any(key.status == PENDING and key.algorithm in kinds for key in store.keys_of(txn, tenant_id, [domain_id])[domain_id]):
        raise Conflict("a key of this domain still waits to be seen in DNS", help="publish its record and verify the domain first")
    store.add_keys(txn, tenant_id, domain_id=domain_id, keys=keys, now_s=doer.at)
    selectors: dict[str, object] = {"selectors": [selector for _, selector, _ in keys]}
    _note(txn, domain, "domain.rotate_dkim", doer, selectors)
    for each in follow_keys_across_tenants(txn, ids, domain_id, keys, now_s=doer.at):
        _note(txn, each, "domain.rotate_dkim", _owner(doer), selectors)
    return _with_keys(txn, domain)


def _note(txn: Txn, domain: Domain, action: str, doer: Doer, change: dict[str, object]) -> None:
    record_act(
        txn, domain.tenant_id, actor=doer.actor, action=action, resource=domain.id, change=change, source=doer.source,
        request_id=doer.request_id, happened_at=doer.at,
    )


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
