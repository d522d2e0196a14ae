"""Which recipients are ours: return paths with a token of ours, the mailboxes that must exist, and nothing else.

    bounces+<token>@      BOUNCE_DOMAIN, or the return-path host of a sender domain    RFC 5321 4.4; tokens.py
    unsubscribe+<token>@  BOUNCE_DOMAIN                                                RFC 2369 3.2
    postmaster@           all of our hosts, and without a domain                       RFC 5321 4.5.1
    abuse@ fbl@           all of our hosts                                             RFC 2142 2
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scaisend.smtp.verdict import Verdict
from scaisend.tokens import ReturnPath, read_return_path

ROLES = ("postmaster", "abuse", "fbl")
RETURN_PATH_LABEL = "bounces."
NO_SUCH_USER = Verdict(550, "5.1.1", "no such user here")
RELAY_DENIED = Verdict(550, "5.7.1", "relay access denied")


@dataclass(frozen=True, slots=True)
class OurRecipient:
    """One address that is ours.

    `return_path` is what its token named. With `sender_domain` it is ours only if a tenant owns that domain.
    """

    return_path: ReturnPath | None = None
    sender_domain: str | None = None


class OurRecipients:
    """Judges addresses. `is_unsubscribe` tells whether the token of an `unsubscribe+` address is one of ours."""

    def __init__(
        self, *, token_key: bytes, bounce_domains: Iterable[str], fbl_domains: Iterable[str] = (),
        is_unsubscribe: Callable[[str], bool] = lambda token: False,
    ) -> None:
        self._token_key = token_key
        self._hosts = frozenset(host.lower() for host in (*bounce_domains, *fbl_domains))
        self._is_unsubscribe = is_unsubscribe

    def judge(self, address: str, now_s: float) -> OurRecipient | Verdict:
        """What the address is to us, or why it is refused. Case does not matter."""
        local, at, host = address.lower().rpartition("@")
        if not at:
            return OurRecipient() if host == "postmaster" else RELAY_DENIED
        if host in self._hosts:
            return self._judge_local(local, None, now_s) or NO_SUCH_USER
        if host.startswith(RETURN_PATH_LABEL):
            return self._judge_local(local, host.removeprefix(RETURN_PATH_LABEL), now_s) or RELAY_DENIED
        return RELAY_DENIED

    def _judge_local(self, local: str, sender_domain: str | None, now_s: float) -> OurRecipient | None:
        if local in ROLES:
            return OurRecipient(None, sender_domain)
        word, _, token = local.partition("+")
        if word == "bounces":
            return_path = read_return_path(self._token_key, token, now_s)
            return OurRecipient(return_path, sender_domain) if return_path else None
        if word == "unsubscribe" and sender_domain is None and self._is_unsubscribe(token):
            return OurRecipient()
        return None
