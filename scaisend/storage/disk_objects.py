"""Objects as files below one directory.

An object is written under a temporary name, synced, renamed to its own, and its directories are synced: after `put` it
survives a power cut. What a killed process left under a temporary name is removed at the next start.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThread, deferToThreadPool
from twisted.python.threadpool import ThreadPool

from scaisend.faults import NotFound, Unavailable
from scaisend.storage.objects import checked_key

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 4
TEMPORARY = ".new-"
LEFT_OVER_AFTER_S = 3_600


class DiskObjects:
    """Objects below `directory`, which is made, readable by its owner only."""

    def __init__(self, *, directory: Path, reactor: IReactorFromThreads) -> None:
        self._directory = directory
        self._reactor = reactor
        self._pool = ThreadPool(0, THREADS, "objects")
        self._pool.start()
        self._pool.callInThread(_remove_left_over, directory, time.time() - LEFT_OVER_AFTER_S)

    async def put(self, key: str, content: bytes) -> None:
        await self._run(_write, self._directory, checked_key(key), content)

    async def get(self, key: str) -> bytes:
        return await self._run(_read, self._directory, checked_key(key))

    async def delete(self, key: str) -> None:
        await self._run(_remove, self._directory, checked_key(key))

    async def exists(self, key: str) -> bool:
        return await self._run(_is_there, self._directory, checked_key(key))

    async def close(self) -> None:
        await deferToThread(self._pool.stop)

    async def _run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await deferToThreadPool(self._reactor, self._pool, fn, *args, **kwargs)
        except OSError as error:
            raise Unavailable("objects", f"the object store cannot be used: {error.strerror}") from error


def _write(directory: Path, key: str, content: bytes) -> None:
    target = directory / key
    new_directories = _make_directories(target.parent, directory)
    temporary = target.with_name(f"{TEMPORARY}{os.getpid()}-{os.urandom(6).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb", buffering=0) as file:
            written = 0
            while written < len(content):
                written += file.write(memoryview(content)[written:])
            os.fsync(descriptor)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    for each in (target.parent, *new_directories):
        _sync_directory(each)


def _make_directories(wanted: Path, top: Path) -> list[Path]:
    """`wanted` exists; the directories above it that got a new entry, to be synced."""
    grown = []
    here = wanted
    while not here.is_dir():
        grown.append(here.parent)
        if here == top:
            break
        here = here.parent
    wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    return grown


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(directory: Path, key: str) -> bytes:
    try:
        return (directory / key).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFound("no such object") from None


def _remove(directory: Path, key: str) -> None:
    target = directory / key
    if target.is_file():
        target.unlink(missing_ok=True)
        _sync_directory(target.parent)


def _is_there(directory: Path, key: str) -> bool:
    return (directory / key).is_file()


def _remove_left_over(directory: Path, before: float) -> None:
    for each in directory.rglob(f"{TEMPORARY}*"):
        try:
            if each.stat().st_mtime < before:
                each.unlink()
        except OSError:
            continue
