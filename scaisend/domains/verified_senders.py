"""Single addresses that a tenant may send from: what a request says of one, how it is shown, and the token that proves its mailbox.

The token is base64url of a JSON array and its HMAC: it names tenant, sender and address, so a link that was sent to one
address never verifies another.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from scaisend.address import is_valid
from scaisend.faults import Fault
from scaisend.sealing import keys_of
from scaisend.shape import Reader, finish

GOOD_FOR_S = 48 * 3_600
MOST_TOKEN = 1_000
# Fields and how long they may be; the first three are asked for when a sender is made.
FIELDS: Mapping[str, int] = {
    "nickname": 100, "from_email": 254, "reply_to": 254, "from_name": 255, "reply_to_name": 255, "address": 100, "address2": 100,
    "state": 2, "city": 150, "zip": 10, "country": 100,
}
NEEDED = ("nickname", "from_email", "reply_to")
ADDRESSES = ("from_email", "reply_to")
# Consumer domains whose DMARC policy lets receivers refuse (hard) or distrust (soft) their mail from elsewhere.
DISTRUSTED: Mapping[str, tuple[str, ...]] = {
    "soft_failures": ("gmail.com", "googlemail.com", "hotmail.com", "live.com", "msn.com", "outlook.com"),
    "hard_failures": ("aol.com", "icloud.com", "mac.com", "mail.ru", "me.com", "rocketmail.com", "yahoo.com", "ymail.com"),
}


@dataclass(frozen=True, slots=True)
class Proof:
    """What a token proves: mail to this address was read by somebody who followed its link."""

    tenant_id: str
    sender_id: int
    email: str


def read_sender(given: object, *, is_new: bool) -> dict[str, str]:
    """The fields that the body gives; what else it has is passed over. Raises: Invalid with every fault."""
    faults: list[Fault] = []
    reader = Reader(given, faults)
    read: dict[str, str] = {}
    for name, most in FIELDS.items():
        is_needed = is_new and name in NEEDED
        value = reader.text(name, required=is_needed, least=1 if name in NEEDED else 0, most=most)
        if value is None:
            continue
        if name in ADDRESSES and not is_valid(value):
            reader.fault("Does not contain a valid address.", name)
        read[name] = value
    finish(faults)
    return read


def shape(sender_id: int, from_email: str, profile: Mapping[str, object], *, is_verified: bool) -> dict[str, object]:
    """The sender as SendGrid shows one."""
    fields = {name: profile.get(name, "") for name in FIELDS} | {"from_email": from_email}
    return {"id": sender_id, **fields, "verified": is_verified, "locked": False}


def make_token(key: bytes, proof: Proof, now_s: float) -> str:
    """The token of a link, good for GOOD_FOR_S."""
    body = orjson.dumps([proof.tenant_id, proof.sender_id, proof.email, int(now_s) + GOOD_FOR_S])
    return urlsafe_b64encode(body).decode().rstrip("=") + "." + _signature(key, body)


def read_token(key: bytes, token: str, now_s: float) -> Proof | None:
    """What the token proves; None when it is not ours, altered, or too old."""
    text, _, signature = token.partition(".")
    if len(token) > MOST_TOKEN or not token.isascii():
        return None
    try:
        body = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    if not any(hmac.compare_digest(signature, _signature(each, body)) for each in keys_of(key)):
        return None
    tenant_id, sender_id, email, until = orjson.loads(body)
    return Proof(tenant_id, sender_id, email) if now_s <= until else None


def confirmation(*, sender: str, to: str, link: str) -> dict[str, object]:
    """The request that mails the link: nothing in it is of the asker's wording, and nothing is tracked."""
    text = (
        f"Somebody asked to send mail from {to} with this service.\n\nIf that was you, follow this link and confirm it:\n\n{link}\n\n"
        "The link is good for two days. If it was not you, do nothing: no mail will be sent from your address.\n"
    )
    off = {"enable": False}
    return {
        "personalizations": [{"to": [{"email": to}]}], "from": {"email": sender}, "subject": "Confirm that this address may send mail",
        "content": [{"type": "text/plain", "value": text}], "headers": {"Auto-Submitted": "auto-generated"},
        "tracking_settings": {"click_tracking": off, "open_tracking": off, "subscription_tracking": off, "ganalytics": off},
        "mail_settings": {"footer": off},
    }


def _signature(key: bytes, body: bytes) -> str:
    return urlsafe_b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode().rstrip("=")
