"""What an installation has once: its secret key, its schema, its fingerprint."""

import os
import secrets
from contextlib import suppress

from scaisend.app.config import Config
from scaisend.app.setting_values import SECRET_KEY_LETTERS
from scaisend.faults import Fault, Invalid
from scaisend.sealing import Sealer
from scaisend.storage.migrations.run import migrate
from scaisend.storage.url import SqliteAddress, parse_database_url

SECRET_FILE = "secret_key"


def make_data_dir(config: Config) -> str:
    """The data directory exists, readable by its owner only. Raises: Invalid when it cannot be made or written."""
    path: str = config["DATA_DIR"]
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError as error:
        raise Invalid(f"DATA_DIR: {path} cannot be made ({error.strerror})", "DATA_DIR") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise Invalid(f"DATA_DIR: {path} is not writable for this user", "DATA_DIR")
    return path


def make_sealer(config: Config) -> Sealer:
    """The sealer of SECRET_KEY, and of SECRET_KEY_PREVIOUS beside it; on SQLite one is made in DATA_DIR when none is set."""
    key = config["SECRET_KEY"] or _kept_secret(make_data_dir(config))
    return Sealer(key.encode(), os.urandom, [each.encode() for each in config["SECRET_KEY_PREVIOUS"]])


def _kept_secret(data_dir: str) -> str:
    """The key in DATA_DIR; two processes that start at once agree on one. Raises: Invalid when the file holds none."""
    path = os.path.join(data_dir, SECRET_FILE)
    if not os.path.exists(path):
        write_privately(path, secrets.token_hex(32) + "\n", replace=False)
    try:
        with open(path, encoding="ascii") as stream:
            key = stream.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read ({type(error).__name__}): it holds the SECRET_KEY of this installation", "SECRET_KEY") from None
    if len(key) < SECRET_KEY_LETTERS:
        raise Invalid(f"{path} does not hold a SECRET_KEY: put the former file back", "SECRET_KEY")
    return key


def write_privately(path: str, text: str, *, replace: bool = True) -> None:
    """The file holds the text, mode 600: a reader sees the old file or the whole new one; a symbolic link stays one, and so does its owner.

    Without `replace` a file that is there stays as it is. Raises: Invalid when it cannot be written.
    """
    path = os.path.realpath(path)
    temporary = f"{path}.{secrets.token_hex(4)}.new"
    try:
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                if replace:
                    _keep_owner(path, stream.fileno())
                os.fsync(stream.fileno())
            if replace:
                os.replace(temporary, path)
            else:
                with suppress(FileExistsError):
                    os.link(temporary, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
        _sync_directory(os.path.dirname(path))
    except OSError as error:
        raise Invalid(f"{path} cannot be written ({error.strerror})") from None


def _keep_owner(path: str, descriptor: int) -> None:
    """Root rewrites the file of another user: it stays that user's."""
    with suppress(FileNotFoundError):
        before = os.stat(path)
        if os.geteuid() == 0 and before.st_uid != 0:
            os.fchown(descriptor, before.st_uid, before.st_gid)


def _sync_directory(path: str) -> None:
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def require_embedded(config: Config) -> None:
    """The SQLite file, where the database is one, is there; nothing is made.

    Raises: Invalid; a command in the wrong directory must not answer that all is well.
    """
    if config.is_embedded:
        address = parse_database_url(config["DATABASE_URL"])
        if isinstance(address, SqliteAddress) and not os.path.exists(address.path):
            raise Invalid([Fault(
                f"there is no installation here: {address.path} does not exist", None,
                "run it where the installation's .env is, or name that file with --env-file; `scaisend init` makes a new installation",
            )])


def prepare_embedded(config: Config) -> None:
    """The SQLite file exists with the newest schema; a database server is left as it is."""
    if config.is_embedded:
        make_data_dir(config)
        migrate(config["DATABASE_URL"])
