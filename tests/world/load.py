"""Clients that send mail until they are done or the service is gone, and remember what they were promised."""

import http.client
import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One POST /v3/mail/send; `recipients` are all its addresses."""

    body: bytes
    recipients: tuple[str, ...]


@dataclass(slots=True)
class Promises:
    """What the clients were told: `accepted` (202), `unanswered` (cut off, or 5xx: may or may not exist), `refused` (4xx), `unsent`."""

    accepted: list[Request] = field(default_factory=list)
    unanswered: list[Request] = field(default_factory=list)
    refused: list[tuple[int, bytes]] = field(default_factory=list)
    unsent: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, other: "Promises") -> None:
        self.accepted += other.accepted
        self.unanswered += other.unanswered
        self.refused += other.refused


def make_requests(prefix: str, count: int, *, sender: str, domain: str = "recipients.test", text: str = "Hello") -> list[Request]:
    """`count` requests with 1, 2 or 3 messages of 1 or 2 recipients each, every address once: `prefix-….`."""
    requests = []
    for number in range(count):
        messages = [[f"{prefix}-{number}-{m}-{r}@{domain}" for r in range(1 + (number + m) % 2)] for m in range(1 + number % 3)]
        body = {
            "from": {"email": sender}, "subject": f"{prefix} {number}", "content": [{"type": "text/plain", "value": f"{text} {number}\n"}],
            "personalizations": [{"to": [{"email": each} for each in addresses]} for addresses in messages],
        }
        requests.append(Request(json.dumps(body).encode(), tuple(each for addresses in messages for each in addresses)))
    return requests


def send(urls: str | Sequence[str], key: str, requests: Iterable[Request], *, threads: int = 4, timeout_s: float = 60.0) -> Promises:
    """The requests were sent by several clients at once, over connections that stay; when the service is gone the rest is `unsent`."""
    promises = Promises()
    waiting = iter(list(requests))
    addresses = [urls] if isinstance(urls, str) else list(urls)
    clients = [
        threading.Thread(target=_client, args=(addresses[number % len(addresses)], key, waiting, promises, timeout_s)) for number in range(threads)
    ]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    promises.unsent += waiting
    return promises


def call(url: str, method: str, path: str, key: str, body: object = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of one request."""
    connection = _connect(url, 60.0)
    try:
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, content, {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _client(url: str, key: str, waiting: "Iterable[Request]", promises: Promises, timeout_s: float) -> None:
    connection: http.client.HTTPConnection | None = None
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    while True:
        with promises.lock:
            request = next(iter(waiting), None)
        if request is None:
            break
        try:
            if connection is None:
                connection = _connect(url, timeout_s)
                connection.connect()
        except OSError:
            with promises.lock:
                promises.unsent.append(request)
            return
        try:
            connection.request("POST", "/v3/mail/send", request.body, headers)
            response = connection.getresponse()
            status, body = response.status, response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            connection = None
            with promises.lock:
                promises.unanswered.append(request)
            continue
        with promises.lock:
            if status == 202:
                promises.accepted.append(request)
            elif status >= 500:
                promises.unanswered.append(request)
            else:
                promises.refused.append((status, body))
        if response.will_close:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()


def _connect(url: str, timeout_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout_s)
