"""Bodies of send requests, and what is said of them."""

import json

from scaisend.faults import Fault, Invalid
from scaisend.sending.request import SendRequest, read_send_request

NOW = 1_800_000_000.0
HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"
DYNAMIC = "d-" + "0123456789abcdef" * 2
LEGACY = "d6a1c7b2-0b5e-4c6a-9d3a-0123456789ab"
ABSENT = object()


def body(**fields: object) -> bytes:
    """A good request with `fields` in place of its own; ABSENT ones are left out."""
    request = {
        "personalizations": [{"to": [{"email": "jane@example.com", "name": "Jane"}]}],
        "from": {"email": "shop@example.org", "name": "The Shop"},
        "subject": "Your order",
        "content": [{"type": "text/plain", "value": "It is on its way."}],
        **fields,
    }
    return json.dumps({name: value for name, value in request.items() if value is not ABSENT}).encode()


def personal(**fields: object) -> bytes:
    """A good request whose only personalization has these fields besides its recipient."""
    return body(personalizations=[{"to": [{"email": "jane@example.com"}], **fields}])


def read(given: bytes) -> SendRequest:
    return read_send_request(given, now_s=NOW)


def faults_of(given: bytes) -> list[Fault]:
    """The faults of a body that has some."""
    try:
        read_send_request(given, now_s=NOW)
    except Invalid as error:
        return list(error.faults)
    raise AssertionError("it has no faults")


def fault(message: str, field: str | None, anchor: str | None = None) -> Fault:
    """A fault as SendGrid tells it; `anchor` is the end of its help."""
    return Fault(message, field, None if anchor is None else HELP + anchor)
