"""The closed list of reasons why a recipient or a message waits."""

RENDERING = "rendering"
DELIVERY = "delivery"
RETRY = "retry"
GREYLISTED = "greylisted"
DESTINATION_BACKOFF = "destination_backoff"
DESTINATION_BUSY = "destination_busy"
DESTINATION_PAUSED = "destination_paused"
DNS_TROUBLE = "dns_trouble"
TLS_TROUBLE = "tls_trouble"
NO_CONNECTION = "no_connection"
SCHEDULED = "scheduled"
PAUSED = "paused"
IN_DOUBT = "in_doubt"
HELD = "held"
DELAYED = "delayed"
SHUTDOWN = "shutdown"

# Reasons that the state of the destination may be behind.
ABROAD = frozenset({DELIVERY, RETRY, GREYLISTED, DESTINATION_BACKOFF, DESTINATION_BUSY, DESTINATION_PAUSED, TLS_TROUBLE, NO_CONNECTION})

REASONS = {
    RENDERING: "waits for a worker to render it",
    DELIVERY: "waits for a free connection to its destination",
    RETRY: "the destination asked to try again later",
    GREYLISTED: "the destination greylists unknown senders; it is tried again when its hint has passed",
    DESTINATION_BACKOFF: "the destination does not take mail at the moment and is left alone for a while",
    DESTINATION_BUSY: "many mails wait for this destination; this one was put back",
    DESTINATION_PAUSED: "an operator paused the destination",
    DNS_TROUBLE: "the destination's MX records could not be looked up",
    TLS_TROUBLE: "the destination's TLS does not satisfy the policy",
    NO_CONNECTION: "no host of the destination could be reached",
    SCHEDULED: "send_at has not come yet",
    PAUSED: "its batch is paused",
    IN_DOUBT: "it may have been delivered; no answer was recorded",
    HELD: "held by policy or by an operator",
    DELAYED: "an operator put it off to a later moment",
    SHUTDOWN: "handed back when a process stopped",
}
