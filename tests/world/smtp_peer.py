"""Mail hosts of the outside: a scripted one in this reactor, and Postfix's smtp-sink as a process of its own.

The scripted host keeps what it was sent, byte for byte. Its script says what to answer to the nth command of a kind; a command without
one gets the usual answer. `DROP` closes the connection; after `SILENT` the session hangs until its `speak` is called.
"""

import os
import shutil
import socket
import subprocess
import time

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

from tests.world.ports import free_port

DROP = b"(drop)"
SILENT = b"(silent)"
USUAL = {
    "GREETING": b"220 mx.test ESMTP", "HELO": b"250 mx.test", "MAIL": b"250 2.1.0 Ok", "RCPT": b"250 2.1.5 Ok", "DATA": b"354 go on",
    "DOT": b"250 2.0.0 Ok: queued", "RSET": b"250 2.0.0 Ok", "QUIT": b"221 2.0.0 Bye", "NOOP": b"250 Ok", "BDAT": b"250 2.0.0 Ok: queued",
}


class SmtpPeer(Factory):
    """A host on a loopback port. `script`: command → answers in order of occurrence over all connections."""

    noisy = False

    def __init__(self, script=None, extensions=("PIPELINING", "8BITMIME", "SIZE 10485760", "ENHANCEDSTATUSCODES"), address="127.0.0.1", usual=None, port=0):
        self.script = {command: list(answers) for command, answers in (script or {}).items()}
        self.extensions = extensions
        self.usual = {**USUAL, **(usual or {})}
        self.commands = []
        self.mails = []
        self.connections = 0
        self.sources = []
        self.open = set()
        self.port_object = reactor.listenTCP(port, self, interface=address)

    @property
    def port(self):
        return self.port_object.getHost().port

    def buildProtocol(self, address):
        self.connections += 1
        self.sources.append(address.host)
        return _Session(self)

    def answer(self, command):
        scripted = self.script.get(command)
        if scripted:
            return scripted.pop(0)
        if command == "EHLO":
            lines = [b"mx.test", *(each.encode() for each in self.extensions)]
            return b"\r\n".join(b"250" + (b" " if line is lines[-1] else b"-") + line for line in lines)
        return self.usual.get(command, b"500 5.5.2 what?")

    async def stop(self):
        for session in list(self.open):
            session.transport.abortConnection()
        await self.port_object.stopListening()


class _Session(Protocol):
    def __init__(self, peer):
        self.peer, self.buffer, self.in_data, self.chunk, self.stuck = peer, b"", False, 0, False

    def connectionMade(self):
        self.peer.open.add(self)
        self.transport.setTcpNoDelay(True)
        self._reply("GREETING")

    def connectionLost(self, reason):
        self.peer.open.discard(self)

    def dataReceived(self, data):
        self.buffer += data
        while not self.transport.disconnecting and not self.stuck and self._step():
            pass

    def speak(self, answer):
        """The hanging session answers, and goes on."""
        self.stuck = False
        self.transport.write(answer + b"\r\n")
        self.dataReceived(b"")

    def _step(self):
        if self.chunk:
            if len(self.buffer) < self.chunk:
                return False
            self.peer.mails.append(self.buffer[: self.chunk])
            self.buffer, self.chunk = self.buffer[self.chunk:], 0
            self._reply("BDAT")
            return True
        if self.in_data:
            end = 0 if self.buffer.startswith(b".\r\n") else self.buffer.find(b"\r\n.\r\n") + 2
            if end == 1:
                return False
            body, self.buffer, self.in_data = self.buffer[:end], self.buffer[end + 3:], False
            lines = [line[1:] if line.startswith(b".") else line for line in body.split(b"\r\n")]
            self.peer.mails.append(b"\r\n".join(lines))
            self._reply("DOT")
            return True
        line, found, rest = self.buffer.partition(b"\r\n")
        if not found:
            return False
        self.buffer = rest
        self.peer.commands.append(line.decode("utf-8", "replace"))
        verb = line.split(b" ")[0].split(b":")[0].decode("ascii", "replace").upper()
        if verb == "BDAT":
            self.chunk = int(line.split()[1])
            return True
        answer = self._reply(verb)
        self.in_data = verb == "DATA" and answer.startswith(b"354")
        if verb == "QUIT":
            self.transport.loseConnection()
        return True

    def _reply(self, verb):
        answer = self.peer.answer(verb)
        if answer == DROP:
            self.transport.abortConnection()
            self.buffer = b""
            self.transport.disconnecting = True
        elif answer == SILENT:
            self.stuck = True
        else:
            self.transport.write(answer + b"\r\n")
            if answer.startswith(b"421"):
                self.transport.loseConnection()
        return answer



def has_smtp_sink():
    return _exe() is not None


def _exe():
    return next((path for path in ("/usr/sbin/smtp-sink", "/usr/lib/postfix/sbin/smtp-sink") if os.path.exists(path)), shutil.which("smtp-sink"))


class SmtpSink:
    """smtp-sink with these flags on a free loopback port; `count` are the mails it has taken."""

    def __init__(self, *flags, directory):
        self.port = free_port()
        self._counter = os.path.join(directory, f"sink-{self.port}")
        self._output = open(self._counter, "wb+", buffering=0)  # noqa: SIM115
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        command = [_exe(), *user, "-c", *flags, f"127.0.0.1:{self.port}", "100"]
        self.process = subprocess.Popen(command, stdout=self._output, stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    @property
    def count(self):
        size = os.fstat(self._output.fileno()).st_size
        seen = os.pread(self._output.fileno(), 200, max(0, size - 200)).decode("ascii", "replace").split("\r")
        numbers = [each.split("mesg=")[1].split()[0] for each in seen if "mesg=" in each]
        return int(numbers[-1]) if numbers else 0

    def stop(self):
        self.process.terminate()
        self.process.wait(5)
        self._output.close()


def wait_for_port(port, address="127.0.0.1", limit_s=10.0):
    """Something listens on the port. Raises: TimeoutError."""
    end = time.monotonic() + limit_s
    while True:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise TimeoutError(f"nothing listens on {address}:{port}") from None
            time.sleep(0.02)
