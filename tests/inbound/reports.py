"""Makers of mails that come back."""

from scaisend.tokens import return_path_token
from tests.world.tenants import NOW

KEY = b"k" * 32


def token_of(recipient_id: str, at: float = NOW, key: bytes = KEY) -> str:
    """The VERP token of a recipient."""
    message_id, _, number = recipient_id.rpartition(".")
    return return_path_token(key, message_id, int(number), at)


def dsn(
    recipient: str, *, action: str = "failed", status: str = "5.1.1", diagnostic: str = "smtp; 550 5.1.1 User unknown", original: str = "",
    original_recipient: str = "", subject: str = "Undelivered Mail Returned to Sender",
) -> bytes:
    """A delivery status notification (RFC 3464) with the header of the original."""
    told = f"Original-Recipient: rfc822;{original_recipient}\r\n" if original_recipient else ""
    return (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.net (Mail Delivery System)\r\nSubject: {subject}\r\nAuto-Submitted: auto-replied\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is the mail system at host mx.example.net.\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        f"{told}Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: {diagnostic}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{original}\r\n\r\n--b--\r\n"
    ).encode()


def arf(recipient: str, *, kind: str = "abuse", original_mail_from: str = "", original: str = "") -> bytes:
    """A feedback report (RFC 5965) with the original mail."""
    return (
        "From: <feedback@provider.test>\r\nSubject: FW: Your order\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is an email abuse report.\r\n\r\n"
        f"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: Provider/1.0\r\nVersion: 1\r\n"
        f"Original-Mail-From: <{original_mail_from}>\r\nOriginal-Rcpt-To: {recipient}\r\nSource-IP: 192.0.2.9\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{original or 'Subject: Your order'}\r\n\r\nHello\r\n--b--\r\n"
    ).encode()


VACATION = (
    b"Return-Path: <>\r\nFrom: Ann <ann@example.net>\r\nSubject: Out of office: Your order\r\nAuto-Submitted: auto-replied\r\n\r\n"
    b"I am away until Monday. Your message was not delivered to anybody else.\r\n"
)
