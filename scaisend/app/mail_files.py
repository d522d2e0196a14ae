"""Mails in files that only grow: one append and one sync for as many mails as there are, and whole files go when they are old.

A file `<id of its first mail>.mails` is a row of records: a line of JSON (id, mail_from, rcpt_to, from, subject, received_at,
size), `size` octets of mail, a line feed. A record with `deleted` instead names mails that are gone. A record cut short by a
crash ends its file; a started process always begins a new one.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.utils import parseaddr
from pathlib import Path
from typing import IO, Any

import orjson

SUFFIX = ".mails"
FILE_BYTES = 64 * 1024 * 1024
HEADER_BYTES = 64 * 1024
TEXT_LENGTH = 998


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail as it came in."""

    id: str
    mail_from: str
    rcpt_to: tuple[str, ...]
    received_at: float
    content: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored mail: its envelope, the address and subject that its header names, and where its octets are."""

    id: str
    mail_from: str
    rcpt_to: tuple[str, ...]
    from_address: str
    subject: str
    received_at: float
    size_bytes: int
    path: Path
    offset: int


class MailFiles:
    """The files of one directory, which is made. To be used by one thread at a time."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._file: IO[bytes] | None = None
        self._path = directory
        self._size = 0

    def load(self) -> list[Entry]:
        """All mails that are stored, oldest first."""
        entries: dict[str, Entry] = {}
        for path in sorted(self._directory.glob("*" + SUFFIX)):
            for record, offset in _records(path):
                for gone in record.get("deleted", ()):
                    entries.pop(gone, None)
                if "id" in record:
                    entries[record["id"]] = _entry(record, path, offset)
        return list(entries.values())

    def append(self, arrivals: Sequence[Arrival]) -> list[Entry]:
        """The mails are stored and synced. Raises: OSError, and then nothing of them is read again."""
        if self._file is None or self._size >= FILE_BYTES:
            self._begin(arrivals[0].id)
        offset, entries, pieces = self._size, [], []
        for arrival in arrivals:
            record = _record(arrival)
            line = orjson.dumps(record) + b"\n"
            offset += len(line)
            entries.append(_entry(record, self._path, offset))
            offset += len(arrival.content) + 1
            pieces += [line, arrival.content, b"\n"]
        self._write(b"".join(pieces))
        return entries

    def forget(self, ids: Sequence[str], at: str) -> None:
        """The mails are gone for the next `load`; `at` is a fresh id, for a file that has to be begun."""
        if self._file is None:
            self._begin(at)
        self._write(orjson.dumps({"deleted": list(ids), "size": 0}) + b"\n\n")

    def remove(self, path: Path) -> None:
        """The file is gone, unless it is the one that grows."""
        if path != self._path:
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """No mail is stored."""
        self.close()
        for path in self._directory.glob("*" + SUFFIX):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, first_id: str) -> None:
        self.close()
        self._path = self._directory / (first_id + SUFFIX)
        self._file = open(self._path, "xb", buffering=0)  # noqa: SIM115  # stays open as long as it grows
        self._size = 0
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _write(self, octets: bytes) -> None:
        assert self._file is not None
        rest = memoryview(octets)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fdatasync(self._file.fileno())
        except OSError:
            with suppress(OSError):
                self._file.truncate(self._size)
            self.close()
            raise
        self._size += len(octets)


def content_of(entry: Entry) -> bytes:
    """The mail, octet for octet."""
    with open(entry.path, "rb") as file:
        file.seek(entry.offset)
        return file.read(entry.size_bytes)


def _records(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Each whole record, and where its octets begin."""
    end = path.stat().st_size
    with open(path, "rb") as file:
        while line := file.readline():
            try:
                record = orjson.loads(line)
                offset = file.tell()
                after = offset + record["size"] + 1
            except (orjson.JSONDecodeError, KeyError, TypeError):
                return
            if after > end:
                return
            yield record, offset
            file.seek(after)


def _record(arrival: Arrival) -> dict[str, Any]:
    from_field, subject = _fields(arrival.content)
    return {
        "id": arrival.id, "mail_from": arrival.mail_from, "rcpt_to": arrival.rcpt_to, "from": _address(from_field), "subject": subject,
        "received_at": arrival.received_at, "size": len(arrival.content),
    }


def _entry(record: dict[str, Any], path: Path, offset: int) -> Entry:
    return Entry(
        record["id"], record["mail_from"], tuple(record["rcpt_to"]), record["from"], record["subject"], record["received_at"],
        record["size"], path, offset,
    )


def _fields(content: bytes) -> tuple[str, str]:
    """The texts of From and Subject, empty where there is none."""
    end = content.find(b"\r\n\r\n", 0, HEADER_BYTES)
    header = b"\r\n" + content[: end if end >= 0 else HEADER_BYTES] + b"\r\n"
    folded = header.lower()
    return _field(header, folded, b"\r\nfrom:"), _field(header, folded, b"\r\nsubject:")


def _field(header: bytes, folded: bytes, name: bytes) -> str:
    start = folded.find(name)
    if start < 0:
        return ""
    start += len(name)
    end = header.find(b"\r\n", start)
    while header[end + 2 : end + 3] in (b" ", b"\t"):
        end = header.find(b"\r\n", end + 2)
    value = header[start:end].replace(b"\r\n", b"").strip()
    return decoded(value.decode("utf-8", "replace"))[:TEXT_LENGTH]


def decoded(text: str) -> str:
    """A header field's text with its encoded words (RFC 2047) read; as it is where they cannot be."""
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (MessageError, LookupError, ValueError):
        return text


def _address(field: str) -> str:
    if field.endswith(">"):
        return field[field.rfind("<") + 1 : -1]
    return parseaddr(field)[1] or field
