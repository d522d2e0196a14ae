"""A real Postfix smtpd of the test's own: a private instance on a loopback port, its mail kept in a maildir. Needs root and Debian's postfix."""

import atexit
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time

from tests.world.ports import free_port
from tests.world.smtp_peer import wait_for_port

DAEMONS = "/usr/lib/postfix/sbin"

_MAIN = """
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.test
mydestination = in.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = box.test
virtual_mailbox_base = {home}/box
virtual_mailbox_maps = static:mail/
virtual_minimum_uid = 1
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
local_transport = virtual
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = {tls}
smtpd_tls_cert_file = {home}/cert.pem
smtpd_tls_key_file = {home}/key.pem
maillog_file = {home}/log/mail
maillog_file_prefixes = {home}
smtputf8_enable = yes
message_size_limit = 1000000
notify_classes =
biff = no
"""
_MASTER = """
127.0.0.1:{port} inet n - n - 20 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


def why_not():
    """Why Postfix cannot be run here, or an empty text."""
    if os.getuid() != 0:
        return "a Postfix of the test's own needs root"
    return "" if os.path.exists(f"{DAEMONS}/master") else "no Postfix on this host: install postfix"


@functools.cache
def shared(tls):
    """One instance with this TLS level for all tests of the process, stopped when it ends."""
    postfix = Postfix(tls=tls)
    atexit.register(postfix.stop)
    return postfix


class Postfix:
    """Takes mail for any user at box.test. `tls`: smtpd_tls_security_level; its certificate is self-signed, for mx.test and 127.0.0.1,
    or what `certificate` (authority.py) says."""

    def __init__(self, *, tls="none", settings="", certificate=None):
        self.home = tempfile.mkdtemp(prefix="postfix-")
        self.port = free_port()
        for name in ("etc", "spool", "data", "log", "box"):
            os.mkdir(f"{self.home}/{name}")
        os.chmod(self.home, 0o755)
        shutil.chown(f"{self.home}/data", "postfix")
        os.chown(f"{self.home}/box", 65534, 65534)
        self.ca_file = f"{self.home}/cert.pem"
        if certificate is None:
            make_certificate(self.home, "mx.test")
        else:
            certificate.write(self.home)
        with open(f"{self.home}/etc/main.cf", "w") as out:
            out.write(_MAIN.format(home=self.home, daemons=DAEMONS, tls=tls) + settings)
        with open(f"{self.home}/etc/master.cf", "w") as out:
            out.write(_MASTER.format(port=self.port))
        for name in ("dynamicmaps.cf", "postfix-files"):
            found = next((path for path in (f"/etc/postfix/{name}", f"/usr/share/postfix/{name}") if os.path.exists(path)), None)
            if found:
                shutil.copy(found, f"{self.home}/etc/{name}")
        subprocess.run(["postfix", "-c", f"{self.home}/etc", "start"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        wait_for_port(self.port)

    def mails(self, count, limit_s=10.0):
        """The mails delivered so far, at least `count`, or what is there after the limit."""
        folder = f"{self.home}/box/mail/new"
        end = time.monotonic() + limit_s
        while time.monotonic() < end and (not os.path.isdir(folder) or len(os.listdir(folder)) < count):
            time.sleep(0.05)
        found = []
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            with open(f"{folder}/{name}", "rb") as kept:
                found.append(kept.read())
        return found

    def stop(self):
        with open(f"{self.home}/spool/pid/master.pid") as kept:
            pid = int(kept.read())
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 20
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
            time.sleep(0.02)
        shutil.rmtree(self.home, ignore_errors=True)


def make_certificate(folder, name):
    """A self-signed certificate (cert.pem) and its key (key.pem) for this name and 127.0.0.1."""
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
            "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem",
        ],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
    )
