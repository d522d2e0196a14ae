"""Which client a request comes from, when proxies stand before us (X-Forwarded-For)."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

# Proxies on this host; "" is a unix socket.
OURS = ("127.0.0.0/8", "::1/128", "")
LONGEST = 64
MOST_KEPT = 1_000


class Proxies:
    """The proxies that are believed: addresses and networks.

    Each proxy adds the address it was called from at the end, so the list is read from there as long as its teller is believed;
    what stands before came from the client, who may write anything.
    """

    def __init__(self, believed: Iterable[str] = ()) -> None:
        given = [*OURS, *believed]
        self._networks = [ip_network(each, strict=False) for each in given if each]
        self._verdicts: dict[str, bool] = {"": "" in given}

    def client(self, peer: str, forwarded: str) -> str:
        """The address of the client: the peer itself, or what the header's believed part begins with."""
        for each in reversed(forwarded.split(",")):
            if not self._is_believed(peer):
                break
            peer = each.strip()[:LONGEST] or peer
        return peer

    def _is_believed(self, peer: str) -> bool:
        verdict = self._verdicts.get(peer)
        if verdict is None:
            if len(self._verdicts) >= MOST_KEPT:
                self._verdicts = {"": self._verdicts[""]}
            verdict = self._verdicts[peer] = self._judge(peer)
        return verdict

    def _judge(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks if network.version == address.version)
