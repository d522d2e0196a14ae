"""One event of each type, as the test button posts them."""

from scaisend.messages import event as events
from scaisend.reporting.envelope import Told
from scaisend.reporting.webhook import TOLD

_REPLY = {"attempt": 1, "source": "203.0.113.25", "host": "mx.example.com", "address": "198.51.100.7", "tls": "TLSv1.3 TLS_AES_256_GCM_SHA384"}
_READER = {"useragent": "Mozilla/5.0", "ip": "203.0.113.99"}
_DETAILS: dict[str, dict[str, object]] = {
    events.DEFERRED: {**_REPLY, "response": "451 4.7.1 try again later", "status": "4.7.1", "code": 451, "rule": "greylist"},
    events.DELIVERED: {**_REPLY, "response": "250 2.0.0 OK", "status": "2.0.0", "code": 250},
    events.BOUNCE: {**_REPLY, "response": "550 5.1.1 no such user", "status": "5.1.1", "code": 550, "bounce_type": "hard", "rule": "user-unknown"},
    events.BLOCKED: {**_REPLY, "response": "550 5.7.1 listed", "status": "5.7.1", "code": 550, "bounce_type": "block", "rule": "listed"},
    events.DROPPED: {"reason": "Bounced Address", "list": "bounces"},
    events.FAILED: {"reason": "could not be rendered"},
    events.OPEN: {**_READER, "machine": False, "content_type": "html"},
    events.CLICK: {**_READER, "url": "https://example.com/", "url_offset": {"index": 0, "type": "html"}},
    events.GROUP_UNSUBSCRIBE: {**_READER, "url": "https://example.com/", "asm_group_id": 1},
    events.GROUP_RESUBSCRIBE: {**_READER, "url": "https://example.com/", "asm_group_id": 1},
}


def samples(tenant_id: str, now: float) -> list[Told]:
    """One of each type that is told, of a mail that does not exist; their ids begin with `evt_sample_`."""
    return [
        Told(
            id=f"evt_sample_{kind}", tenant_id=tenant_id, type=kind, seq=seq, recipient_seq=seq, happened_at=now, detail=_DETAILS.get(kind, {}),
            message_id="msg_00000000000000000000000000", request_id="A" * 22, recipient_id=None, number=0, email="example@test.com",
            from_email="sender@example.com", categories=("cat facts",), custom_args={}, headers={}, asm_group_id=None, template_id=None,
            ip_pool=None, send_at=None,
        )
        for seq, kind in enumerate(TOLD, 1)
    ]
