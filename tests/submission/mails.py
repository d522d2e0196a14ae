"""Mails as clients hand them in, and the send request that becomes of them."""

import json
from base64 import b64encode
from email.message import EmailMessage, Message
from email.policy import SMTP
from typing import Any

from scaisend.sending.request import SendRequest, read_send_request
from scaisend.submission.message import read_submission

NOW = 1_800_000_000.0


def mail(text: str = "It is on its way.\r\n", to: str = "Jane <jane@example.com>", **headers: str) -> bytes:
    """A plain mail; header names are written with `_` for `-`, an empty value leaves the field out."""
    fields = {"From": "The Shop <shop@example.org>", "To": to, "Subject": "Your order", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return ("".join(f"{name}: {value}\r\n" for name, value in fields.items() if value) + "\r\n" + text).encode()


def octets(message: Message) -> bytes:
    return message.as_bytes(policy=SMTP)


def request_of(content: bytes, *recipients: str, sender: str = "bounce@example.org") -> dict[str, Any]:
    """The JSON of the request."""
    made: dict[str, Any] = json.loads(read_submission(content, sender, recipients or ("jane@example.com",)).request)
    return made


def checked(content: bytes, *recipients: str) -> SendRequest:
    """The request as sending/ reads it. Raises: Invalid."""
    return read_send_request(read_submission(content, "bounce@example.org", recipients or ("jane@example.com",)).request, now_s=NOW)


def rich_mail() -> EmailMessage:
    """Text, HTML with an image shown in it, and a file with a name beyond ASCII."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Größe <shop@example.org>", "jane@example.com", "Bestätigung " + "lang " * 30
    message.set_content("Grüße\n\n.punkt\n")
    message.add_alternative('<p>Grüße <img src="cid:logo"></p>\n', subtype="html")
    message.get_payload()[1].add_related(b"\x89PNG\x00\r\n\n", "image", "png", cid="<logo>", filename="logo.png")  # type: ignore[index,union-attr]
    message.add_attachment(b"%PDF\x00\xff" * 50, maintype="application", subtype="pdf", filename="Rechnung für Jané.pdf")
    message.add_attachment("a;b\n", subtype="csv", filename="list.csv")
    return message


def b64(content: bytes) -> str:
    return b64encode(content).decode()
