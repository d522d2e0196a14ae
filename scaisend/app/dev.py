"""The house of `scaisend dev`: a daemon with all roles, a catch-all MX, a tenant, a key and a verified domain that stay.

Everything is below one directory; a second process with the same directory is refused.
"""

import fcntl
import json
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from scaisend.app.adapters import Adapters, open_adapters
from scaisend.app.config import Config
from scaisend.app.daemon import Daemon, Places
from scaisend.app.dev_inbox import DevInbox
from scaisend.app.dev_inbox_api import DevInboxApi
from scaisend.app.installation import make_data_dir, prepare_embedded, write_privately
from scaisend.app.listening import free_port, listen_tcp
from scaisend.app.roles import ALL
from scaisend.app.setting_values import submission_places
from scaisend.delivery.mx import parse_routes
from scaisend.domains import store as domains_store
from scaisend.domains.dkim_keys import ED25519, RSA, make_key, published, selector_of
from scaisend.faults import ScaiSendError
from scaisend.identity.api_key import make_key as make_api_key
from scaisend.identity.people_store import init_installation, tenants
from scaisend.smtp.limits import Limits
from scaisend.smtp.receiver_factory import ReceiverFactory
from scaisend.smtp.session import Envelope, Session
from scaisend.smtp.verdict import Verdict
from scaisend.storage.database import Txn

FROM_DOMAIN = "dev.scaisend.test"
KEPT_FILE = "dev.json"
HEADER_BYTES = 16_384


class InUse(ScaiSendError):
    """Another process runs on the same directory."""


class DevHouse:
    """One development installation."""

    def __init__(self, config: Config, *, host: str, port: int, inbound_port: int, ready_file: str | None, is_quiet: bool) -> None:
        self._directory = Path(config["DATA_DIR"])
        self._host, self._port, self._ready_file, self._is_quiet = host, port or free_port(host), ready_file, is_quiet
        self._mx_port: Any = None
        self._inbox: DevInbox | None = None
        self._tenant_id = ""
        self.config = config.but(
            DATABASE_URL=f"sqlite:///{self._directory}/scaisend.db", REDIS_URL="", S3_ENDPOINT_URL="", SMTP_HELO_HOSTNAME="localhost",
            BOUNCE_DOMAIN=f"bounces.{FROM_DOMAIN}", FBL_DOMAIN=FROM_DOMAIN, INBOUND_SMTP_HOST="127.0.0.1", INBOUND_SMTP_PORT=inbound_port,
            OPS_LISTEN="127.0.0.1:0", WEBHOOK_TARGETS="any", SUBMISSION_LISTEN=submission_places("127.0.0.1:0"), SUBMISSION_PLAIN_AUTH="loopback", LOG_FORMAT=config["LOG_FORMAT"] or "text",
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else runs on the directory meanwhile. Raises: InUse."""
        make_data_dir(self.config)
        with open(self._directory / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InUse(f"another scaisend dev runs on {self._directory}: stop it, or choose another --data") from None
            yield

    def daemon(self, reactor: Any) -> Daemon:
        """The daemon with the inbox beside it; the MX listens already."""
        prepare_embedded(self.config)
        mail_directory = self._directory / "inbox"
        config = self.config.but(TRACKING_BASE_URL=f"http://{self._host}:{self._port}")
        adapters = open_adapters(config, reactor)
        self._inbox = inbox = DevInbox(directory=mail_directory, ids=adapters.ids, now_s=time.time, reactor=reactor)
        factory = ReceiverFactory(deliveries=inbox if self._is_quiet else Announcing(inbox), hostname="inbox.scaisend.test", reactor=reactor, limits=Limits(connections_per_address=1000, recipients=1000))
        self._mx_port = listen_tcp(reactor, "127.0.0.1", 0, factory)
        routed = config.but(SMTP_ROUTES=parse_routes(f"*=127.0.0.1:{self._mx_port.getHost().port}"))
        adapters = _with_config(adapters, routed)
        places = Places(http_host=self._host, http_port=self._port, inbound_host="127.0.0.1", inbound_port=config["INBOUND_SMTP_PORT"], ops=config["OPS_LISTEN"])
        inbox_api = DevInboxApi(inbox=inbox, public_record=lambda selector, domain: self._public_record(adapters, selector, domain))
        return Daemon(adapters, ALL, places, inbox_api.routes(), closing=self._close)

    async def _close(self) -> None:
        if self._mx_port is not None:
            await _as_deferred(self._mx_port.stopListening())
        if self._inbox is not None:
            await self._inbox.close()

    def started(self, daemon: Daemon) -> None:
        """Called when everything listens."""
        ensureDeferred(self._welcome(daemon))

    async def _welcome(self, daemon: Daemon) -> None:
        """The tenant, key and domain are there; the terminal and the ready file say how to use them."""
        try:
            kept = await self._kept(daemon.adapters)
        except Exception as error:
            daemon.fail(f"scaisend: the development tenant could not be made: {error}")
            return
        api_url = f"http://{self._host}:{daemon.http_port.getHost().port}"
        about = {
            "api_url": api_url, "api_key": kept["api_key"], "tenant_id": kept["tenant_id"], "from_domain": FROM_DOMAIN,
            "inbox_url": f"{api_url}/dev/inbox", "inbound_smtp_port": daemon.inbound_port.getHost().port,
            "submission_port": daemon.submission_ports[0].getHost().port,
        }
        self._greet(about)
        if self._ready_file:
            write_privately(self._ready_file, json.dumps(about, indent=2) + "\n")

    async def _kept(self, adapters: Adapters) -> dict[str, str]:
        """Key and tenant of this directory, made at the first start."""
        path = self._directory / KEPT_FILE
        if path.exists():
            kept: dict[str, str] = json.loads(path.read_text())
        else:
            kept = {"api_key": make_api_key(secrets.token_bytes(16))}
            write_privately(str(path), json.dumps(kept) + "\n")
        found = await adapters.database.run(tenants, most=1)
        kept["tenant_id"] = found[0].id if found else await self._make_tenant(adapters, kept["api_key"])
        self._tenant_id = kept["tenant_id"]
        return kept

    async def _make_tenant(self, adapters: Adapters, key: str) -> str:
        now, ids = time.time(), adapters.ids
        made = [(algorithm, make_key(algorithm, adapters.sealer)) for algorithm in (RSA, ED25519)]

        def make(txn: Txn) -> str:
            installed = init_installation(txn, ids, partner_name="Development", tenant_name="Development", key=key, now_s=now)
            tenant_id = installed.tenant.id
            keys = [(ids.new("dky", tenant_id), selector_of(tenant_id, algorithm, 1), new_key) for algorithm, new_key in made]
            domain = domains_store.add_domain(txn, tenant_id, domain_id=ids.new("dom", tenant_id), name=FROM_DOMAIN, keys=keys, now_s=now)
            seen = frozenset(each[0] for each in keys)
            check = domains_store.Check(result=(), seen=seen, verified=True, return_path_ready=False, checked_at=now)
            domains_store.save_check(txn, tenant_id, domain.id, check)
            return tenant_id

        return await adapters.database.run(make)

    async def _public_record(self, adapters: Adapters, selector: str, domain: str) -> str | None:
        """The DKIM record as DNS would tell it, of any domain of the development tenant."""
        return await adapters.database.read(_record, self._tenant_id, selector, domain)

    def _greet(self, about: dict[str, Any]) -> None:
        body = json.dumps({
            "personalizations": [{"to": [{"email": "you@example.com"}]}], "from": {"email": f"hello@{FROM_DOMAIN}"}, "subject": "Hello",
            "content": [{"type": "text/plain", "value": "It works."}],
        })
        print(
            f"\nScaiSend runs. Everything it sends ends in its own inbox.\n\n"
            f"  API      {about['api_url']}\n  API key  {about['api_key']}\n  from     anything@{FROM_DOMAIN}\n  SMTP     127.0.0.1:{about['submission_port']}, user apikey, the API key as password\n  inbox    {about['inbox_url']}\n\n"
            f"curl -s {about['api_url']}/v3/mail/send -H 'Authorization: Bearer {about['api_key']}' -H 'Content-Type: application/json' \\\n"
            f"  -d '{body}'\n",
            flush=True,
        )


class Announcing:
    """`Deliveries` that print a line for each mail the inbox kept."""

    def __init__(self, inbox: DevInbox) -> None:
        self._inbox = inbox
        self._parser = BytesHeaderParser(policy=policy.default)

    async def mail(self, session: Session, sender: str) -> Verdict | None:
        return await self._inbox.mail(session, sender)

    async def rcpt(self, session: Session, recipient: str) -> Verdict:
        return await self._inbox.rcpt(session, recipient)

    async def message(self, session: Session, envelope: Envelope, content: bytes) -> Verdict:
        verdict = await self._inbox.message(session, envelope, content)
        head = self._parser.parsebytes(content[:HEADER_BYTES])
        moment = time.strftime("%H:%M:%S")
        print(f"{moment} mail to {', '.join(envelope.recipients)} from {head['From']}: {head['Subject']}", file=sys.stdout, flush=True)
        return verdict


def _record(txn: Txn, tenant_id: str, selector: str, domain: str) -> str | None:
    found = domains_store.domain_named(txn, tenant_id, domain)
    keys = domains_store.keys_of(txn, tenant_id, [found.id])[found.id] if found else []
    return next((published(key.algorithm, key.public) for key in keys if key.selector == selector), None)


def _with_config(adapters: Adapters, config: Config) -> Adapters:
    return Adapters(**{name: getattr(adapters, name) for name in Adapters.__slots__} | {"config": config})


async def _as_deferred(stopped: "Deferred[object] | None") -> None:
    if stopped is not None:
        await stopped


