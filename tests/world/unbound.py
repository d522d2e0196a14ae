"""A validating resolver of the test's own: Unbound on a loopback port, with zones that are signed here and one that is not."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

import dns.dnssec
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

from tests.world.ports import free_port
from tests.world.smtp_peer import wait_for_port

_CONF = """
server:
    interface: 127.0.0.1@{port}
    port: {port}
    do-ip6: no
    access-control: 127.0.0.0/8 allow
    chroot: ""
    username: ""
    directory: "{home}"
    pidfile: "{home}/pid"
    use-syslog: no
    logfile: "{home}/log"
    verbosity: 1
    num-threads: 1
    module-config: "validator iterator"
    do-not-query-localhost: no
    cache-max-ttl: 0
    cache-max-negative-ttl: 0
    {anchors}
remote-control:
    control-enable: no
"""
_ZONE = """
auth-zone:
    name: "{name}"
    zonefile: "{path}"
    for-upstream: yes
    for-downstream: no
    fallback-enabled: no
"""
_HEAD = """
$TTL 60
@ IN SOA ns.{name} root.{name} 1 3600 600 86400 60
@ IN NS ns.{name}
ns IN A 127.0.0.1
"""


def why_not() -> str:
    """Why Unbound cannot be run here, or an empty text."""
    return "" if shutil.which("unbound") else "no Unbound on this host: install unbound"


class Unbound:
    """Answers for `sec.example` (signed), `plain.example` (not) and `bogus.example` (signed by a key that is not the zone's).

    Each is the text of a zone file, names relative to the zone.
    """

    def __init__(self, *, secure: str = "", plain: str = "", bogus: str = "") -> None:
        self.home = tempfile.mkdtemp(prefix="unbound-")
        self.port = free_port()
        zones, anchors = "", ""
        for name, text in (("sec.example.", secure), ("plain.example.", plain), ("bogus.example.", bogus)):
            zone = dns.zone.from_text(_HEAD.format(name=name) + text, origin=name, relativize=False)
            if name != "plain.example.":
                key = ec.generate_private_key(ec.SECP256R1())
                shown = dns.dnssec.make_dnskey(key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
                dns.dnssec.sign_zone(zone, keys=[(key, shown)], lifetime=86_400)
                if name == "bogus.example.":
                    shown = dns.dnssec.make_dnskey(ec.generate_private_key(ec.SECP256R1()).public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
                anchors += f'    trust-anchor: "{name} DNSKEY {shown.to_text()}"\n'
            path = f"{self.home}/{name}zone"
            zone.to_file(path, relativize=False, want_origin=False)
            zones += _ZONE.format(name=name, path=path)
        with open(f"{self.home}/conf", "w") as out:
            out.write(_CONF.format(port=self.port, home=self.home, anchors=anchors.strip()) + zones)
        self._process = subprocess.Popen(["unbound", "-d", "-c", f"{self.home}/conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            end = time.monotonic() + 20
            while self._process.poll() is None and time.monotonic() < end:
                time.sleep(0.02)
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
