"""Which addresses and URLs of others' choosing may be called: only such as are on the public Internet."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

# From the special-purpose registries of IANA (RFC 6890), and what else must not be reached through us.
_NETWORKS: tuple[tuple[IPv4Network | IPv6Network, str], ...] = tuple(
    (ip_network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "anycast"),
        ("192.52.193.0/24", "anycast"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "anycast"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "this host"),
        ("::1/128", "loopback"),
        ("64:ff9b:1::/48", "private translation"),
        ("100::/64", "discard"),
        ("2001::/23", "protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
# Networks whose addresses carry an IPv4 address, and how far from the right it ends (in bits).
_CARRIERS = (
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("::ffff:0:0:0/96"), 0),
    (IPv6Network("::/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("2002::/16"), 80),
)


def blocked(address: str) -> str | None:
    """Why this address must not be called, or None. An IPv4 address inside an IPv6 one is judged as itself.

    A text that is no address is blocked too, and so are forms with a zone (`fe80::1%eth0`).
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "not an address"
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        return "link-local"
    return _reason(parsed) or _reason_inside(parsed)


def _reason(address: IPv4Address | IPv6Address) -> str | None:
    return next((reason for network, reason in _NETWORKS if network.version == address.version and address in network), None)


def _reason_inside(address: IPv4Address | IPv6Address) -> str | None:
    for network, shift in _CARRIERS:
        if address.version == 6 and address in network:
            return _reason(IPv4Address((int(address) >> shift) & 0xFFFFFFFF))
    return None


def url_fault(url: str, *, allow_http: bool = False, allow_private: bool = False) -> str | None:
    """What is wrong with a URL that is to be called, or None. Its name may still resolve to a blocked address."""
    if len(url) > 2048 or any(not "!" <= letter <= "~" for letter in url):
        return "must be at most 2048 printable ASCII characters, others percent-encoded"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in (("http", "https") if allow_http else ("https",)):
        return "must begin with https://"
    if not host or port == 0 or "\\" in parts.netloc or "%" in parts.netloc:
        return "has no host"
    if "@" in parts.netloc:
        return "must not carry a user name or password"
    if allow_private:
        return None
    return _host_fault(host)


def _host_fault(host: str) -> str | None:
    try:
        ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        if last in ("localhost", "local", "internal", "localdomain"):
            return "names a host of the local network"
        # 2130706433, 0x7f.1 and their like are addresses to some resolvers.
        return "is not a host name" if not last or last[0].isdigit() else None
    reason = blocked(host)
    return f"names an address that may not be called ({reason})" if reason else None
