"""Likely causes and cures, in words for whoever asks why a mail has not arrived: by reply rule, reason to wait, and state."""

from collections.abc import Mapping
from dataclasses import dataclass

from scaisend.messages import waiting


@dataclass(frozen=True, slots=True)
class Cause:
    """What is likely behind it, and what can be done."""

    cause: str
    cure: str


NOTHING = "nothing: it is tried again by itself"
OVERDUE = "_overdue"

# The rules that replies.toml and settle.py put on events.
OF_RULES: Mapping[str, Cause] = {
    "greylist": Cause("the host puts off senders that it does not know yet", "nothing: it takes the mail once its time has passed"),
    "throttled": Cause("the host wants less mail from this address for now", "send slower to this host, and warm new source addresses up"),
    "mailbox-rate": Cause("this mailbox gets more mail than its host allows in a time", "send this recipient less often"),
    "mailbox-full": Cause("the mailbox is full", "write to the recipient by another way; later mails are tried as usual"),
    "mailbox-disabled": Cause("the mailbox is closed or suspended", "take the address out of your lists"),
    "user-unknown": Cause("there is no such mailbox", "correct the address; it is suppressed as a bounce"),
    "domain-unknown": Cause("the host does not know the recipient's domain", "correct the address"),
    "bad-address": Cause("the host does not accept the form of the address", "correct the address"),
    "ambiguous-address": Cause("the address leads to several mailboxes", "ask the recipient for another address"),
    "no-mail-here": Cause("the recipient's domain takes no mail", "correct the address"),
    "recipient-preference": Cause("the recipient, or the host for it, refuses this sender", "ask the recipient to allow the sender"),
    "sender-refused": Cause("the host refuses the sender address or its domain", "send from a domain that exists and has MX or address records"),
    "authentication": Cause("SPF, DKIM or DMARC of the sender domain failed at the host", "run `scaisend doctor`, and publish the records that it names"),
    "reverse-dns": Cause("the source address has no fitting reverse DNS", "publish a PTR that leads back to the address and is the EHLO name: `scaisend doctor` names it"),
    "listed": Cause("the source address, or a name in the mail, is on a blocklist", "look with `scaisend doctor`, find the cause, ask the list to delist it"),
    "spam": Cause("the host takes the mail for spam", "look at the content and the links, and at complaints about the sender"),
    "virus": Cause("the host found something harmful in the mail", "look at the attachments and the links"),
    "content": Cause("the host does not accept the content or an attachment's type", "send it in another form, such as a link"),
    "policy": Cause("a rule of the host refuses mail from this sender", "read the reply: it often names a page that says how to be accepted"),
    "relay-denied": Cause("the host does not take mail for this domain", "correct the address, or the route in SMTP_ROUTES; the domain's MX may be wrong"),
    "too-large": Cause("the mail is larger than the host takes", "send large files as links"),
    "expired": Cause("a host behind the first one gave up", "send it again later"),
    "refused": Cause("the host refused it without a reason that is known here", "read the reply; `scaisend classify` says how it was understood"),
    "put-off": Cause("the host asked to try again later", NOTHING),
    "dns": Cause("the recipient's domain does not exist, or takes no mail", "correct the address"),
    "dns.nxdomain": Cause("the recipient's domain does not exist, as it seems", "look whether the address is spelled right; it is asked for once more"),
    "given-up": Cause("the host asked to try again later until all retries were used up", "read the last reply; raise SMTP_MAX_RETRIES if hosts need longer"),
    "lifetime": Cause("no verdict of the host came within SMTP_QUEUE_LIFETIME", "look at the attempts: DNS, connections or TLS of the host were in trouble"),
}

OF_GATES: Mapping[str, Cause] = {
    waiting.RENDERING: Cause("it has not been rendered yet", NOTHING),
    waiting.RENDERING + OVERDUE: Cause("no worker takes it up", "look whether a `scaisend worker` process runs, and at its log"),
    waiting.DELIVERY: Cause("its turn has not come yet", NOTHING),
    waiting.DELIVERY + OVERDUE: Cause("no sender takes it up", "look whether a `scaisend smtp` process runs, and at its log"),
    waiting.RETRY: OF_RULES["put-off"],
    waiting.GREYLISTED: OF_RULES["greylist"],
    waiting.DESTINATION_BACKOFF: Cause("the host answered 421 or took no connection lately", "`scaisend destinations show DOMAIN` tells its last reply and what was learned; it is asked again by itself"),
    waiting.DESTINATION_BUSY: Cause("more mail waits for this host than its connections carry", "`scaisend destinations show DOMAIN` tells its limits; raise SMTP_POOL_SIZE_PER_DOMAIN if the host allows more"),
    waiting.DESTINATION_PAUSED: Cause("an operator paused the host", "`scaisend destinations resume DOMAIN`; `show` tells who paused it and why"),
    waiting.DNS_TROUBLE: Cause("DNS of the recipient's domain does not answer, or says that it does not exist", "look it up on this host; DNS_RESOLVERS names other resolvers"),
    waiting.TLS_TROUBLE: Cause("the host offers no TLS that SMTP_TLS_POLICY accepts", "ask the host's owner to mend its certificate, or ask for less"),
    waiting.NO_CONNECTION: Cause("no host of the domain takes a connection", "`scaisend doctor --outbound HOST` says whether outbound port 25 is open"),
    waiting.SCHEDULED: Cause("its send_at lies ahead", "cancel the batch, or wait"),
    waiting.PAUSED: Cause("its batch is paused", "resume the batch"),
    waiting.IN_DOUBT: Cause("the connection or a process broke after the mail was sent and before the answer came", "nothing: SMTP_IN_DOUBT_POLICY decides once the wait is over"),
    waiting.HELD: Cause("it may have been delivered, or an operator holds it", "`scaisend queue requeue ID` sends it again, perhaps as a copy"),
    waiting.DELAYED: Cause("an operator put it off", "nothing; `scaisend bulk list` tells why, and `scaisend queue requeue ID` sends it now"),
    waiting.SHUTDOWN: Cause("a process stopped while it had it", "nothing: another process takes it"),
}

OF_STATES: Mapping[str, Cause] = {
    "delivered": Cause("the host took responsibility for it", "look into the spam folder; give the host's owner the reply of the last attempt"),
    "bounced": OF_RULES["refused"],
    "failed": Cause("it was given up on our side", "read the reason, mend it, then POST /v3/messages/{id}/retry"),
    "dropped": Cause("the address is on a suppression list, or left the mail's group", "`scaisend suppressions explain ADDRESS` says which and why"),
    "cancelled": Cause("it was cancelled before it was sent", "send it again if that was wrong"),
    "sandbox": Cause("it was sent in sandbox mode, which delivers nothing", "send it without mail_settings.sandbox_mode"),
    "sending": Cause("it is being sent at this moment", "ask again in a minute"),
}


def likely(status: str, gate: str | None, rule: str | None, *, is_overdue: bool) -> Cause:
    """The likely cause: of the last reply's rule where that is why it waits or ended, else of the gate, else of the state."""
    if gate is not None:
        if rule is not None and gate in (waiting.RETRY, waiting.DNS_TROUBLE) and rule in OF_RULES:
            return OF_RULES[rule]
        return OF_GATES.get(gate + OVERDUE if is_overdue else gate) or OF_GATES.get(gate) or Cause(waiting.REASONS.get(gate, gate), NOTHING)
    if rule is not None and status == "bounced" and rule in OF_RULES:
        return OF_RULES[rule]
    return OF_STATES[status]
