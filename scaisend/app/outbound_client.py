"""Whether hosts can be reached on the port that mail is delivered to: many networks close it."""

from typing import Any, cast

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from scaisend.app.checks import FAILED, OK, WARNING, Check

PATIENCE_S = 10.0
LONGEST_GREETING = 512


class _Greeted(Protocol):
    """Fires `greeting` with the first line that the host says, and takes its leave."""

    transport: Any

    def __init__(self) -> None:
        self.greeting: Deferred[str] = Deferred()
        self._said = b""

    def dataReceived(self, data: bytes) -> None:
        self._said += data
        if (b"\n" in self._said or len(self._said) > LONGEST_GREETING) and not self.greeting.called:
            self.greeting.callback(self._said[:LONGEST_GREETING].partition(b"\n")[0].decode("utf-8", "replace").strip())
            self.transport.write(b"QUIT\r\n")
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.greeting.called:
            self.greeting.errback(ConnectionDone("it closed the connection without a word"))


async def outbound_check(reactor: Any, address: str, port: int, source: str | None, *, patience_s: float = PATIENCE_S) -> Check:
    """Whether the host at the address greets us, from the source address or from any."""
    endpoint = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
    subject = f"{address} port {port} from {source or 'any address'}"
    greeted = _Greeted()
    try:
        await cast(Any, connectProtocol)(endpoint(reactor, address, port, patience_s, None if source is None else (source, 0)), greeted)
        greeted.greeting.addTimeout(patience_s, reactor)
        said = await greeted.greeting
    except (ConnectError, ConnectionDone, TimeoutError, OSError) as error:
        greeted.greeting.addErrback(lambda failure: None)
        if greeted.transport is not None:
            greeted.transport.abortConnection()
        cure = "let the network's owner open outbound port 25, or route mail through a host that may send (SMTP_ROUTES)"
        return Check("outbound", subject, FAILED, str(error).strip() or type(error).__name__, "a greeting that begins with 220", cure)
    if said.startswith("220"):
        return Check("outbound", subject, OK, said)
    return Check("outbound", subject, WARNING, said, "a greeting that begins with 220", "ask the host's owner why it refuses this address; try another host")
