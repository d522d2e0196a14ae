"""Who makes a request: what the door knows and every handler is handed."""

from dataclasses import dataclass, field

# The credential of mails that this service writes itself.
SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Caller:
    """One authenticated caller of exactly one tenant.

    `permissions` are ours (identity/permissions.py), `scopes` the names the key was made with (SendGrid's or ours).
    `epoch` is the identity epoch under which this verdict was reached: a transaction that finds another value in
    `epochs.identity` authenticates `key_hash` again before it commits.
    """

    tenant_id: str
    partner_id: str
    credential_id: str
    permissions: frozenset[str]
    scopes: tuple[str, ...] = ()
    is_test: bool = False
    epoch: int = 0
    key_hash: bytes = field(default=b"", repr=False)
    user_id: str | None = None
    role: str | None = None

    def may(self, permission: str) -> bool:
        return permission in self.permissions
