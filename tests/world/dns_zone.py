"""A DNS server on loopback, UDP and TCP, that answers from a zone's text and misbehaves when it is told to."""

import struct
from collections import Counter
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone
from twisted.internet import reactor
from twisted.internet.defer import gatherResults, maybeDeferred
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol

HEAD = """
$TTL 3600
@ IN SOA ns.test. root.test. 1 3600 600 86400 60
@ IN NS ns.test.
"""


class DnsZone(DatagramProtocol):
    """Answers for everything below the root from `text`, a zone file with names relative to the root.

    `behaviour` maps a lower-case name without the final dot (or "*") to `drop`, `servfail`, `truncate`, `refuse`, `secure` or a
    delay in seconds. `asked` counts questions as (name, kind); `by_tcp` those that came over TCP.
    """

    def __init__(self, text: str = "", *, interface: str = "127.0.0.1", port: int = 0) -> None:
        self.behaviour: dict[str, str | float] = {}
        self.asked: Counter[tuple[str, str]] = Counter()
        self.by_tcp = 0
        self.load(text)
        factory = Factory.forProtocol(_TcpSide)
        factory.zone = self  # type: ignore[attr-defined]
        self._interface = interface
        self._tcp = reactor.listenTCP(port, factory, interface=interface)
        self.port = self._tcp.getHost().port
        self._udp = reactor.listenUDP(self.port, self, interface=interface)

    @property
    def address(self) -> tuple[str, int]:
        return self._interface, self.port

    def load(self, text: str) -> None:
        """The zone holds `text` and nothing else."""
        self._zone = dns.zone.from_text(HEAD + text, origin=dns.name.root, relativize=False, check_origin=False)

    async def close(self) -> None:
        await gatherResults([maybeDeferred(each.stopListening) for each in (self._udp, self._tcp)])

    def datagramReceived(self, data: bytes, source: Any) -> None:
        self.answer(data, lambda wire: self._udp.write(wire, source), is_tcp=False)

    def answer(self, data: bytes, send: Any, *, is_tcp: bool) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked[name, dns.rdatatype.to_text(question.rdtype)] += 1
        self.by_tcp += is_tcp
        behaviour = self.behaviour.get(name, self.behaviour.get("*"))
        if behaviour == "drop":
            return
        response = dns.message.make_response(query, recursion_available=True)
        if behaviour in ("servfail", "refuse"):
            response.set_rcode(dns.rcode.SERVFAIL if behaviour == "servfail" else dns.rcode.REFUSED)
        elif behaviour == "truncate" and not is_tcp:
            response.flags |= dns.flags.TC
        else:
            self._fill(response, question.name, question.rdtype)
        if behaviour == "secure":
            response.flags |= dns.flags.AD
        if isinstance(behaviour, (int, float)):
            reactor.callLater(behaviour, send, response.to_wire())
        else:
            send(response.to_wire(max_size=65535))

    def _fill(self, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> None:
        for _ in range(10):
            node = self._zone.get_node(name)
            found = node.get_rdataset(1, kind) if node is not None else None
            alias = node.get_rdataset(1, dns.rdatatype.CNAME) if node is not None and found is None else None
            for each in (found, alias):
                if each is not None:
                    response.answer.append(dns.rrset.from_rdata_list(name, each.ttl, list(each)))
            if alias is None:
                break
            name = alias[0].target
        if found is None:
            below = any(each.is_subdomain(name) for each in self._zone.nodes)
            if node is None and not below:
                response.set_rcode(dns.rcode.NXDOMAIN)
            soa = self._zone.find_rdataset(dns.name.root, dns.rdatatype.SOA)
            response.authority.append(dns.rrset.from_rdata_list(dns.name.root, soa.ttl, list(soa)))


class _TcpSide(Protocol):
    """Questions with a length in front (RFC 1035 4.2.2)."""

    def connectionMade(self) -> None:
        self._buffer = b""

    def dataReceived(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 2 and len(self._buffer) >= 2 + (size := struct.unpack("!H", self._buffer[:2])[0]):
            question, self._buffer = self._buffer[2 : 2 + size], self._buffer[2 + size :]
            self.factory.zone.answer(question, self._send, is_tcp=True)

    def _send(self, wire: bytes) -> None:
        self.transport.write(struct.pack("!H", len(wire)) + wire)
