"""Where a process listens."""

import os
import socket
import stat
import tempfile

from twisted.internet import reactor
from twisted.internet.protocol import Factory

from scaisend.app.listening import Busy, forget_dead_sockets, listen_at, listen_tcp, place_of
from tests.base import ReactorTestCase


class Listening(ReactorTestCase):
    def open(self, port):
        self.addCleanup(port.stopListening)
        return port

    def folder(self) -> str:
        """A short path: a socket's is at most 107 bytes."""
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        return made.name

    def dead_socket(self, path: str) -> None:
        """What a killed process leaves."""
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(path)

    def test_a_busy_port_is_refused_in_a_sentence(self) -> None:
        """The place, the system's reason, and the cure."""
        port = self.open(listen_tcp(reactor, "127.0.0.1", 0, Factory()))
        with self.assertRaises(Busy) as caught:
            listen_at(reactor, place_of(port), Factory())
        self.assertEqual(str(caught.exception), f"cannot listen on {place_of(port)}: Address already in use; stop what listens there or choose another port")

    def test_an_address_of_another_host_is_refused(self) -> None:
        """Not only busy ports: whatever the system refuses is told."""
        with self.assertRaisesRegex(Busy, r"192\.0\.2\.1:0: Cannot assign requested address"):
            listen_tcp(reactor, "192.0.2.1", 0, Factory())

    def test_replicas_share_a_port_only_when_all_ask_for_it(self) -> None:
        """With reuse_port a second listener takes the same port; without it, it is refused."""
        port = self.open(listen_tcp(reactor, "127.0.0.1", 0, Factory(), reuse_port=True))
        number = port.getHost().port
        self.open(listen_tcp(reactor, "127.0.0.1", number, Factory(), reuse_port=True))
        with self.assertRaises(Busy):
            listen_tcp(reactor, "127.0.0.1", number, Factory())

    def test_ipv6(self) -> None:
        """An IPv6 place is told in brackets, as it is written."""
        try:
            port = self.open(listen_at(reactor, "[::1]:0", Factory()))
        except Busy:
            self.assertFalse(os.path.exists("/proc/net/if_inet6"), "IPv6 is there and was refused")
            return
        self.assertRegex(place_of(port), r"^\[::1\]:\d+$")

    def test_a_unix_socket_is_for_its_owner(self):
        """Mode 600; the file goes with the listener."""
        path = f"{self.folder()}/ops.sock"
        port = listen_at(reactor, f"unix:{path}", Factory())
        self.assertEqual(place_of(port), f"unix:{path}")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        return port.stopListening().addCallback(lambda _: self.assertFalse(os.path.exists(path)))

    def test_a_socket_left_by_a_killed_process_is_replaced(self) -> None:
        """A file that nobody listens on does not stop a start."""
        path = f"{self.folder()}/ops.sock"
        self.dead_socket(path)
        self.assertTrue(os.path.exists(path))
        self.open(listen_at(reactor, f"unix:{path}", Factory()))

    def test_a_living_socket_is_never_taken_away(self) -> None:
        """The second process is refused and the first keeps its file."""
        path = f"{self.folder()}/ops.sock"
        self.open(listen_at(reactor, f"unix:{path}", Factory()))
        with self.assertRaisesRegex(Busy, "Address already in use"):
            listen_at(reactor, f"unix:{path}", Factory())
        self.assertTrue(os.path.exists(path))

    def test_a_file_that_is_no_socket_is_left_alone(self) -> None:
        """A mistaken path destroys nothing."""
        path = f"{self.folder()}/precious"
        with open(path, "w") as stream:
            stream.write("data")
        with self.assertRaises(Busy):
            listen_at(reactor, f"unix:{path}", Factory())
        with open(path) as stream:
            self.assertEqual(stream.read(), "data")

    def test_leftovers_of_other_processes_are_swept(self) -> None:
        """Of the sockets that a pattern names only the dead ones go."""
        folder = self.folder()
        self.dead_socket(f"{folder}/ops-smtp-1.sock")
        self.dead_socket(f"{folder}/other.sock")
        self.open(listen_at(reactor, f"unix:{folder}/ops-smtp-2.sock", Factory()))
        forget_dead_sockets(f"{folder}/ops-*.sock")
        self.assertEqual(sorted(os.listdir(folder)), ["ops-smtp-2.sock", "other.sock"])

    def test_a_path_that_is_too_long_is_told(self) -> None:
        """The system's limit is a sentence, not a traceback."""
        with self.assertRaisesRegex(Busy, "too long"):
            listen_at(reactor, f"unix:{self.folder()}/{'x' * 120}", Factory())
