"""Makes the calls against a running daemon, and writes what came of them as a page."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from werkzeug.routing import Map, Rule

from scaisend.app.unsupported_api import TABLE
from tests.compat.calls import CALLS, Calling, P
from tests.isolation.tokens import Tokens
from tests.world.installation import SENDER_DOMAIN, Installation
from tests.world.ports import free_port

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sendgrid-compatibility.md"
SOURCE = "127.0.0.1"
_NAME = re.compile(r"\{(\w+)\}(?!\})")


@dataclass(frozen=True)
class Outcome:
    """What came of a call; `reason` is why it is not offered, `is_noted` whether the audit log tells of it."""

    calling: Calling
    status: int
    answer: str
    reason: str | None
    is_noted: bool = False

    @property
    def is_good(self) -> bool:
        """As the client expects it, or clearly refused."""
        return self.status == self.calling.expected or (self.reason is not None and self.status == 404 and '"errors"' in self.answer)


def run_calls() -> list[Outcome]:
    """Every call in its order, on an installation of its own."""
    tokens = Tokens()
    installation = Installation(free_port(), DNS_RESOLVERS="127.0.0.1:9", SMTP_SOURCE_IPS=SOURCE, WEBHOOK_TARGETS="any", **tokens.settings)
    try:
        installation.command("destinations", "warmup", SOURCE)
        installation.start("all")
        return _run(installation, tokens)
    finally:
        installation.close()
        tokens.close()


def page(outcomes: Iterable[Outcome]) -> str:
    """The table."""
    rows = []
    for each in outcomes:
        verdict = "as expected" if each.status == each.calling.expected else f"not offered: {each.reason}" if each.reason else "**differs**"
        path = _NAME.sub(r":\1", each.calling.path.partition("?")[0].replace(P, ":p"))
        rows.append(f"| {each.calling.method} | `{path}` | {each.calling.expected} | {each.status} | {verdict} |")
    met = sum("| as expected |" in row for row in rows)
    return "\n".join([
        "# Compatibility with SendGrid's clients", "",
        "The calls that the suites of `sendgrid-python` and `@sendgrid/client` make, each against a running ScaiSend, with ids of things that exist.",
        "Subusers are the tenants of a partner: calls about them are made by its admin, all others with an API key.",
        "Left out are campaigns and contacts (`/v3/campaigns*`, `/v3/contactdb/*`, `/v3/marketing/*`): ScaiSend sends transactional mail. Written by",
        "`python -m tests.compat`; a test holds it to what the server answers.", "",
        f"{met} of {len(rows)} calls are answered as the clients expect. The others are refused with 404 in SendGrid's form of an error, with the reason",
        "in `help`. Where a list can only be empty here (teammates, alerts), it is answered as an empty list.", "",
        "| method | path | expected | answered | verdict |", "|---|---|---|---|---|", *rows, "",
    ])


def _run(installation: Installation, tokens: Tokens) -> list[Outcome]:
    ((tenant_id, partner_id),) = installation.ask("SELECT id, partner_id FROM tenants")
    seeds: dict[str, Any] = {
        "sender": installation.sender, "account": tenant_id, "from_domain": SENDER_DOMAIN, "ip": SOURCE, "hook": f"{installation.url('all')}/hook",
    }
    partner_token = tokens.of("partner-admin", role="partner_admin", partner_id=partner_id)
    reasons = Map([Rule(each.path, methods=each.methods.split(), endpoint=each.reason) for each in TABLE]).bind("")
    connection = HTTPConnection(urlsplit(installation.url("all")).netloc, timeout=60)
    outcomes = []
    for calling in CALLS:
        body = None if calling.body is None else json.dumps(_filled(calling.body, seeds))
        credential = partner_token if calling.by_partner else installation.api_key
        headers = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
        path = str(_filled(calling.path, seeds))
        connection.request(calling.method, path, body, headers)
        response = connection.getresponse()
        answer = response.read().decode()
        if response.status == calling.expected and calling.keep:
            seeds |= {name: json.loads(answer)[key] for name, key in calling.keep.items()}
        reason = reasons.match(path.partition("?")[0], calling.method)[0] if _matches(reasons, path, calling.method) else None
        noted = _last_act(connection, headers) == response.getheader("X-Request-Id")
        outcomes.append(Outcome(calling, response.status, answer, reason, is_noted=noted))
    connection.close()
    return outcomes


def _last_act(connection: HTTPConnection, headers: dict[str, str]) -> str | None:
    """The id of the request that the audit log's newest act came with."""
    connection.request("GET", "/api/admin/audit-log?limit=1", headers=headers)
    found = json.loads(connection.getresponse().read())["data"]
    return found[0]["request_id"] if found else None


def _matches(reasons: Any, path: str, method: str) -> bool:
    return bool(reasons.test(path.partition("?")[0], method))


def _filled(value: Any, seeds: dict[str, Any]) -> Any:
    """The value with the seeds in their places; a text that is one place alone becomes the seed itself."""
    if isinstance(value, dict):
        return {key: _filled(each, seeds) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, seeds) for each in value]
    if not isinstance(value, str) or "{{" in value:
        return value
    if (alone := _NAME.fullmatch(value)) is not None:
        return seeds.get(alone[1], value)
    return _NAME.sub(lambda found: str(seeds.get(found[1], found[0])), value)
