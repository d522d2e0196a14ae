"""Debian's OpenStack Swift with its S3 door, private to the test: proxy, account, container and object server and memcached on loopback ports.

Requests are signed by AWS' scheme, and tempauth checks the signatures: a wrong secret is refused, which moto does not do.
"""

import http.client
import os
import shutil
import signal
import subprocess
import tempfile
import time

from tests.world.ports import free_port

ACCESS_KEY = "test:tester"
SECRET_KEY = "testing"
REGION = "us-east-1"

_SWIFT = """
[swift-hash]
swift_hash_path_suffix = a
swift_hash_path_prefix = b
[storage-policy:0]
name = one
default = yes
"""
_SERVER = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {home}
devices = {home}/devices
mount_check = false
log_level = ERROR
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
_PROXY = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {home}
log_level = ERROR
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats s3api tempauth slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache_port}
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


def why_not() -> str:
    """Why Swift cannot be run here, or an empty text."""
    missing = [f"swift-{name}" for name in ("proxy", "account", "container", "object") if shutil.which(f"swift-{name}-server") is None]
    missing += [] if shutil.which("memcached") else ["memcached"]
    return f"no Swift on this host: install {' '.join(missing)}" if missing else ""


class Swift:
    """One copy of everything on this disk; `url` is its S3 endpoint."""

    def __init__(self) -> None:
        self.home = tempfile.mkdtemp(prefix="swift-")
        os.makedirs(f"{self.home}/devices/d1")
        self._write("swift.conf", _SWIFT)
        user = "root" if os.getuid() == 0 else os.environ.get("USER", "nobody")
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        for kind in ("account", "container", "object"):
            port = free_port()
            for words in (("create", "4", "1", "1"), ("add", f"r1z1-127.0.0.1:{port}/d1", "1"), ("rebalance",)):
                subprocess.run(
                    ["swift-ring-builder", f"{self.home}/{kind}.builder", *words], check=words[0] != "rebalance", stdout=subprocess.DEVNULL, timeout=60,
                )
            self._write(f"{kind}.conf", _SERVER.format(port=port, home=self.home, kind=kind, user=user))
        self.port, cache_port = free_port(), free_port()
        self._write("proxy.conf", _PROXY.format(port=self.port, cache_port=cache_port, home=self.home, user=user))
        self._processes["cache"] = subprocess.Popen(["memcached", "-l", "127.0.0.1", "-p", str(cache_port), "-m", "16", "-u", user], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for kind in ("account", "container", "object", "proxy"):
            self._start(kind)
        self._wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill_proxy(self) -> None:
        """The store is away: its door is closed."""
        self._processes["proxy"].kill()
        self._processes["proxy"].wait(10)

    def start_proxy(self) -> None:
        """It is back, with all that it held."""
        self._start("proxy")
        self._wait()

    def close(self) -> None:
        for each in self._processes.values():
            if each.poll() is None:
                each.send_signal(signal.SIGKILL)
            each.wait(10)
        shutil.rmtree(self.home, ignore_errors=True)

    def _write(self, name: str, text: str) -> None:
        with open(f"{self.home}/{name}", "w") as out:
            out.write(text)

    def _start(self, kind: str) -> None:
        with open(f"{self.home}/{kind}.log", "ab") as log:
            self._processes[kind] = subprocess.Popen([f"swift-{kind}-server", f"{self.home}/{kind}.conf", "-v"], stdout=log, stderr=log)

    def _wait(self, limit_s: float = 60.0) -> None:
        end = time.monotonic() + limit_s
        while not self._is_healthy():
            if time.monotonic() > end:
                with open(f"{self.home}/proxy.log") as log:
                    raise AssertionError(f"Swift does not start: {log.read()[-2000:]}")
            time.sleep(0.1)

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/healthcheck")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
