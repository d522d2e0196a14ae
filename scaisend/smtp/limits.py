"""What one peer, and all of them, may use of the receiver."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the receiver; the defaults are for port 25 (RFC 5321 4.5.3).

    `commands` counts since the last accepted mail, `errors` too. A body has `body_grace_s` before `body_rate` (octets a
    second over the whole body) is asked of it. `held_bytes` bounds the mails that are with `Deliveries.message` at one time.
    """

    size_bytes: int = 50 * 1024 * 1024
    memory_bytes: int = 1024 * 1024
    held_bytes: int = 256 * 1024 * 1024
    backlog_bytes: int = 256 * 1024
    line_bytes: int = 2048
    recipients: int = 100
    commands: int = 500
    errors: int = 20
    connections: int = 1000
    connections_per_address: int = 50
    command_s: float = 300.0
    block_s: float = 180.0
    body_rate: float = 500.0
    body_grace_s: float = 60.0
    session_s: float = 3600.0
    closing_s: float = 10.0
