"""What an installation has once: its secret key, its schema, its fingerprint."""

import os
import secrets

from scaisend.app.config import Config
from scaisend.faults import Invalid
from scaisend.sealing import Sealer
from scaisend.storage.migrations.run import migrate

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
    """The sealer of SECRET_KEY; on SQLite one is made in DATA_DIR when none is set."""
    key = config["SECRET_KEY"] or _kept_secret(make_data_dir(config))
    return Sealer(key.encode(), os.urandom)


def _kept_secret(data_dir: str) -> str:
    path = os.path.join(data_dir, SECRET_FILE)
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read().strip()
    except FileNotFoundError:
        pass
    key = secrets.token_hex(32)
    write_privately(path, key + "\n")
    return key


def write_privately(path: str, text: str) -> None:
    """The file holds the text, mode 600, by a rename: a reader sees the old one or the new one."""
    temporary = f"{path}.{os.getpid()}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(temporary, path)
    directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def prepare_embedded(config: Config) -> None:
    """The SQLite file exists with the newest schema; a database server is left as it is."""
    if config.is_embedded:
        make_data_dir(config)
        migrate(config["DATABASE_URL"])
