"""What an installation has once."""

import os
import stat
from threading import Barrier, Thread

from scaisend.app.config import Config, load
from scaisend.app.installation import make_data_dir, make_sealer, prepare_embedded, write_privately
from scaisend.faults import Invalid
from tests.base import PlainTestCase


class Installation(PlainTestCase):
    def config(self, **more: str) -> Config:
        return load({"SMTP_HELO_HOSTNAME": "mx.example.org", "DATA_DIR": os.path.join(self.mktemp(), "data")} | more, None)

    def test_the_data_directory_is_for_its_owner_alone(self) -> None:
        """It is made with its parents; nobody else may look inside."""
        path = make_data_dir(self.config())
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o700)

    def test_a_data_directory_that_cannot_be_made_is_refused(self) -> None:
        """The refusal names the variable and the path."""
        blocked = self.mktemp()
        with open(blocked, "w"):
            pass
        with self.assertRaises(Invalid) as caught:
            make_data_dir(self.config(DATA_DIR=f"{blocked}/data"))
        self.assertEqual(caught.exception.faults[0].field, "DATA_DIR")

    def test_the_secret_key_is_made_once(self) -> None:
        """The second start finds the first one's key, in a file of mode 600."""
        config = self.config()
        self.assertEqual(make_sealer(config).fingerprint(), make_sealer(config).fingerprint())
        path = os.path.join(config["DATA_DIR"], "secret_key")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(os.listdir(config["DATA_DIR"]), ["secret_key"])

    def test_processes_that_start_at_once_agree_on_the_key(self) -> None:
        """Whoever comes second takes the first one's key; nothing is written twice."""
        config = self.config()
        barrier = Barrier(8)
        found: list[str] = []

        def start() -> None:
            barrier.wait()
            found.append(make_sealer(config).fingerprint())

        threads = [Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(found), 8)
        self.assertEqual(len(set(found)), 1)

    def test_a_damaged_secret_file_refuses_the_start(self) -> None:
        """An empty file is no key: under it nothing that was sealed could be opened."""
        config = self.config()
        path = os.path.join(make_data_dir(config), "secret_key")
        for content in (b"", b"short\n", b"\xff" * 64):
            with open(path, "wb") as stream:
                stream.write(content)
            with self.assertRaises(Invalid):
                make_sealer(config)

    def test_a_given_secret_key_needs_no_file(self) -> None:
        """SECRET_KEY of the settings is used; DATA_DIR stays untouched."""
        config = self.config(SECRET_KEY="k" * 40)
        make_sealer(config)
        self.assertFalse(os.path.exists(config["DATA_DIR"]))

    def test_private_files_are_replaced_whole(self) -> None:
        """Mode 600 whatever it was before; a symbolic link stays one; nothing else is left beside it."""
        folder = self.mktemp()
        os.mkdir(folder)
        path, link = os.path.join(folder, "env"), os.path.join(folder, "link")
        with open(path, "w") as stream:
            stream.write("A=1\n")
        os.chmod(path, 0o644)
        os.symlink("env", link)
        write_privately(link, "A=2\n")
        self.assertTrue(os.path.islink(link))
        with open(path) as stream:
            self.assertEqual(stream.read(), "A=2\n")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(sorted(os.listdir(folder)), ["env", "link"])

    def test_a_file_that_cannot_be_written_is_refused(self) -> None:
        """The refusal says which."""
        with self.assertRaisesRegex(Invalid, "/nonexistent/.env cannot be written"):
            write_privately("/nonexistent/.env", "A=1\n")

    def test_root_leaves_a_file_to_its_owner(self) -> None:
        """A service that may read its settings may do so afterwards."""
        if os.geteuid() != 0:
            return  # only root can give files away, and only root need keep from it
        path = self.mktemp()
        with open(path, "w") as stream:
            stream.write("A=1\n")
        os.chown(path, 12345, 12346)
        write_privately(path, "A=2\n")
        found = os.stat(path)
        self.assertEqual((found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)), (12345, 12346, 0o600))

    def test_an_embedded_installation_gets_its_schema(self) -> None:
        """The file is there after the first start, and the second does no harm."""
        config = self.config()
        prepare_embedded(config)
        prepare_embedded(config)
        self.assertTrue(os.path.exists(config["DATABASE_URL"].removeprefix("sqlite:///")))

    def test_a_database_server_is_left_as_it_is(self) -> None:
        """Nothing is made and nothing is asked."""
        config = self.config(DATABASE_URL="mysql://u:p@127.0.0.1:1/n", SECRET_KEY="k" * 32)
        prepare_embedded(config)
        self.assertFalse(os.path.exists(config["DATA_DIR"]))
