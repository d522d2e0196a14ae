"""TLS reports: what a day's sessions came to, as the JSON that a domain asked for, and the mail that carries it (RFC 8460).

    _smtp._tls.example.com. TXT "v=TLSRPTv1; rua=mailto:tls@example.com,https://reports.example.com/v1/tls"
"""

import gzip
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import orjson

from scaisend.delivery.tls_result import TlsResult

DAY_S = 86_400
MOST_PLACES = 4
MEDIA_TYPE = "application/tlsrpt+gzip"

_FIELD = re.compile(r"\s*([A-Za-z]+)\s*=\s*(.*?)\s*", re.DOTALL).fullmatch


@dataclass(frozen=True, slots=True)
class Submitter:
    """Who reports: `host` is the name of this installation's mail hosts, `address` where its mails come from and answers may go."""

    host: str
    address: str


@dataclass(frozen=True, slots=True)
class Report:
    """A finished report; `content` is the JSON, packed."""

    id: str
    domain: str
    filename: str
    content: bytes


def places(records: Iterable[object]) -> tuple[str, ...]:
    """Where the reports of a domain go by its TXT records at `_smtp._tls`: mailto and https URIs; none when it asks for none."""
    found = [each for each in map(str, records) if re.match(r"v\s*=\s*TLSRPTv1\s*(;|$)", each)]
    if len(found) != 1:
        return ()
    fields = {match[1].lower(): match[2] for match in map(_FIELD, found[0].split(";")) if match}
    uris = [each.strip() for each in fields.get("rua", "").split(",")]
    return tuple([each for each in uris if _is_place(each)][:MOST_PLACES])


def mail_address(place: str) -> str | None:
    """The address of a mailto URI, without what else it says; None for another URI."""
    parts = urlsplit(place)
    return unquote(parts.path) if parts.scheme.lower() == "mailto" else None


def report(submitter: Submitter, domain: str, day: int, results: Sequence[tuple[TlsResult, int]]) -> Report:
    """The report of a day (days since 1970) to a domain: the same results make the same bytes."""
    begin, end = day * DAY_S, (day + 1) * DAY_S - 1
    id_ = f"{datetime.fromtimestamp(begin, UTC):%Y-%m-%d}.{domain}@{submitter.host}"
    told = {
        "organization-name": submitter.host, "date-range": {"start-datetime": _moment(begin), "end-datetime": _moment(end)},
        "contact-info": submitter.address, "report-id": id_, "policies": [_policy(domain, group) for group in _groups(results)],
    }
    packed = gzip.compress(orjson.dumps(told, option=orjson.OPT_INDENT_2), mtime=0)
    return Report(id_, domain, f"{submitter.host}!{domain}!{begin}!{end}!1.json.gz", packed)


def mail(submitter: Submitter, told: Report, to: str, encoded: str) -> bytes:
    """The report as the body of a POST /v3/mail/send; `encoded` is its content in base64 (RFC 8460 5.3).

    It is to arrive even where the TLS that it reports on is broken (RFC 8460 3, RFC 8689 5).
    """
    return orjson.dumps({
        "personalizations": [{"to": [{"email": to}]}], "from": {"email": submitter.address},
        "subject": f"Report Domain: {told.domain} Submitter: {submitter.host} Report-ID: <{told.id}>",
        "headers": {"TLS-Report-Domain": told.domain, "TLS-Report-Submitter": submitter.host, "TLS-Required": "No"},
        "content": [{"type": "text/plain", "value": f"This is an aggregate TLS report from {submitter.host} for {told.domain}.\n"}],
        "attachments": [{"content": encoded, "type": MEDIA_TYPE, "filename": told.filename}],
        "tracking_settings": {"open_tracking": {"enable": False}, "click_tracking": {"enable": False}},
        "mail_settings": {"bypass_list_management": {"enable": True}},
    })


def _groups(results: Sequence[tuple[TlsResult, int]]) -> list[list[tuple[TlsResult, int]]]:
    """The results by their policy; a failure to get a policy belongs to one without lines."""
    groups: dict[tuple[str, tuple[str, ...], str], list[tuple[TlsResult, int]]] = {}
    for result, sessions in sorted(results, key=lambda each: (each[0].kind, each[0].policy, each[0].host, each[0].failure or "")):
        groups.setdefault((result.kind, result.policy, result.host if result.kind == "tlsa" else ""), []).append((result, sessions))
    return list(groups.values())


def _policy(domain: str, group: Sequence[tuple[TlsResult, int]]) -> Mapping[str, object]:
    first = group[0][0]
    policy: dict[str, object] = {"policy-type": first.kind, "policy-domain": first.host if first.kind == "tlsa" else domain}
    if first.policy:
        policy["policy-string"] = list(first.policy)
    patterns = [line[4:] for line in first.policy if line.startswith("mx: ")]
    if patterns:
        policy["mx-host"] = patterns
    failed = [(result, sessions) for result, sessions in group if result.failure]
    shape: dict[str, object] = {
        "policy": policy,
        "summary": {
            "total-successful-session-count": sum(sessions for result, sessions in group if not result.failure),
            "total-failure-session-count": sum(sessions for _, sessions in failed),
        },
    }
    if failed:
        shape["failure-details"] = [_failure(result, sessions) for result, sessions in failed]
    return shape


def _failure(result: TlsResult, sessions: int) -> Mapping[str, object]:
    found = {
        "result-type": result.failure, "sending-mta-ip": result.source, "receiving-mx-hostname": result.host, "receiving-ip": result.address,
        "failed-session-count": sessions, "failure-reason-code": result.text or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _is_place(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    if parts.scheme.lower() == "mailto":
        address = unquote(parts.path)
        return address.count("@") == 1 and address.isprintable() and "," not in address and 3 <= len(address) <= 254
    return parts.scheme.lower() == "https" and bool(parts.netloc) and len(uri) <= 2000
