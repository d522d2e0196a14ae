"""From one version to the next while mail comes in: the older program on the newer schema, both side by side, each process in turn."""

import io
import subprocess
import tarfile
import threading
from pathlib import Path

from tests.base import PlainTestCase
from tests.world.counting_sink import CountingSink
from tests.world.installation import Installation
from tests.world.load import Promises, make_requests, send
from tests.world.mariadb import private_mariadb
from tests.world.nginx import Nginx
from tests.world.program import wait_until
from tests.world.reckoning import reckon
from tests.world.redis_server import redis_server

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = "scaisend/storage/migrations/versions"
# Programs from before this name was in the file cut off connections that a proxy keeps.
SINCE = ("close_listener", "scaisend/app/listening.py")
CLIENTS = 4


def previous_version(folder: Path) -> Path:
    """The program as it was before the newest migration, unpacked from the history; where that is not possible, as in the last commit."""
    newest = max(path.name for path in (ROOT / VERSIONS).glob("r*.py"))
    added = _git("log", "--diff-filter=A", "--format=%H", "--", f"{VERSIONS}/{newest}").stdout.decode().split()
    for commit in (*(f"{each}^" for each in added[-1:]), "HEAD"):
        if _git("grep", "-q", SINCE[0], commit, "--", SINCE[1]).returncode:
            continue
        archive = _git("archive", commit, "scaisend", "twisted")
        if archive.returncode == 0:
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
                packed.extractall(folder, filter="data")
            return folder
    raise AssertionError("the repository has no history to take an older version from")


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, timeout=60)


class Load:
    """Clients that send through the proxy until they are told to stop."""

    def __init__(self, url: str, house: Installation) -> None:
        self.promises = Promises()
        self._url, self._house, self._round = url, house, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._round += 1
            requests = make_requests(f"r{self._round}", 40, sender=self._house.sender)
            sent = send(self._url, self._house.api_key, requests, threads=CLIENTS)
            self.promises.add(sent)
            self.promises.unsent += sent.unsent

    @property
    def count(self) -> int:
        return len(self.promises.accepted)

    def stop(self) -> Promises:
        self._stop.set()
        self._thread.join(60)
        return self.promises


class UpgradeTests(PlainTestCase):
    def test_no_request_fails_and_no_mail_is_lost(self) -> None:
        """The schema first, then each process in turn, the two APIs behind nginx: every request is answered 202, every mail goes out once."""
        sink = CountingSink()
        self.addCleanup(sink.close)
        old = previous_version(Path(self.mktemp()).resolve())
        house = Installation(sink.port, mariadb=private_mariadb(), redis=redis_server(), PYTHONPATH=str(old))
        self.addCleanup(house.close)
        names = {"api": "api", "api2": "api", "worker": "worker", "smtp": "smtp"}
        for name, role in names.items():
            house.start(name, role)
        proxy = Nginx(house.folder / "nginx", [house.port("api"), house.port("api2")])
        self.addCleanup(proxy.close)
        load = Load(proxy.url, house)
        self._wait_for_more(load)
        house.command_environment["PYTHONPATH"] = ""
        house.command("migrate")
        self._wait_for_more(load)  # the older program on the newer schema
        for name, role in names.items():
            house.stop(name)
            house.start(name, role)
            self._wait_for_more(load)  # both side by side
        promises = load.stop()
        self.assertEqual(promises.refused, [])
        self.assertEqual((len(promises.unanswered), len(promises.unsent)), (0, 0), proxy.log[-2000:])
        house.settled()
        found = reckon(promises, house.recipients(), sink.copies)
        self.assertEqual((list(found.wrong[:10]), found.copies, found.resent), ([], 0, 0), house.logs())
        self.assertEqual(house.alarms(), [])
        house.audit()

    def _wait_for_more(self, load: Load) -> None:
        """Mail went on being accepted."""
        wanted = load.count + 120
        wait_until(lambda: load.count >= wanted, 60, lambda: f"nothing is accepted any more: {load.promises.refused[-3:]} {len(load.promises.unanswered)}")
