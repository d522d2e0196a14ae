"""A real Exim of the test's own: a private instance on a loopback port. Needs root and scripts/need-servers, which unpacks the program.

Debian's exim4 and postfix exclude each other as packages, so the program stands in build/exim; its configuration and queue in a scratch folder.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.world.ports import free_port
from tests.world.smtp_peer import wait_for_port

PROGRAM = Path(__file__).parents[2] / "build" / "exim" / "usr" / "sbin" / "exim4"

_CONFIG = """
primary_hostname = exim.test
qualify_domain = exim.test
spool_directory = {home}/spool
log_file_path = {home}/log/%slog
pid_file_path = {home}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
exim_path = {program}
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
never_users =
keep_environment =
chunking_advertise_hosts = *
dsn_advertise_hosts = *
ignore_bounce_errors_after = 0s
acl_smtp_rcpt = rcpt

begin acl
rcpt:
  accept domains = {taken}
  deny message = relay not permitted

begin routers
{routers}
begin transports
{transports}
begin retry
* * F,1h,1s
"""
_ROUTER = """
to_{port}:
  driver = manualroute
  domains = {domain}
  route_list = * 127.0.0.1
  transport = to_{port}
  self = send
"""
_TRANSPORT = """
to_{port}:
  driver = smtp
  port = {port}
  allow_localhost
  hosts_avoid_tls = *
  hosts_try_dane =
"""


def why_not():
    """Why Exim cannot be run here, or an empty text."""
    if os.getuid() != 0:
        return "an Exim of the test's own needs root"
    return "" if PROGRAM.exists() else "no Exim in build/exim: run scripts/need-servers"


class Exim:
    """Takes mail for the domains of `routes`, domain → loopback port behind it, and reports itself what is refused there."""

    def __init__(self, routes):
        self.home = tempfile.mkdtemp(prefix="exim-")
        self.port = free_port()
        os.chmod(self.home, 0o755)
        for name in ("spool", "log"):
            os.mkdir(f"{self.home}/{name}")
            shutil.chown(f"{self.home}/{name}", "Debian-exim", "Debian-exim")
        self._config = f"{self.home}/exim.conf"
        with open(self._config, "w") as out:
            out.write(_CONFIG.format(
                home=self.home, port=self.port, program=PROGRAM, taken=":".join(routes),
                routers="".join(_ROUTER.format(domain=domain, port=port) for domain, port in routes.items()),
                transports="".join(_TRANSPORT.format(port=port) for port in routes.values()),
            ))
        self._daemon = subprocess.Popen(
            [PROGRAM, "-C", self._config, "-bdf", "-q1s"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        wait_for_port(self.port)

    def log(self):
        """What it wrote so far, for a failure's text."""
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in sorted(Path(self.home, "log").glob("*log")))

    def stop(self):
        """Neither it nor a delivery that it began is left."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._daemon.pid, number)
            except ProcessLookupError:
                break
            end = time.monotonic() + 20
            while self._daemon.poll() is None and time.monotonic() < end:
                time.sleep(0.02)
        self._daemon.wait(5)
        shutil.rmtree(self.home, ignore_errors=True)
