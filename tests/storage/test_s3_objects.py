"""Objects in an S3 store: moto's server in a thread of this process."""

import atexit
import logging
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer
from twisted.internet import reactor

from scaisend.faults import Unavailable
from scaisend.storage.s3_objects import S3Objects
from tests.base import ReactorTestCase
from tests.storage.contract_objects import ObjectsContract
from tests.world.redis_server import free_port

_servers: list[ThreadedMotoServer] = []


def s3_server() -> str:
    """The URL of the server, which lives as long as the process."""
    if not _servers:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        atexit.register(server.stop)
        _servers.append(server)
        urlopen(Request(f"{s3_server()}/mail", method="PUT")).close()
    return "http://127.0.0.1:{1}".format(*_servers[0].get_host_and_port())


class S3ObjectsTests(ObjectsContract, ReactorTestCase):
    """The contract, and a store that is away."""

    async def open(self) -> None:
        url = s3_server()
        self.objects = self.store(url, "mail")

    def store(self, url: str, bucket: str) -> S3Objects:
        return S3Objects(
            endpoint_url=url, access_key="key", secret_key="secret", bucket=bucket, region="garage", reactor=reactor,
            connect_timeout_s=0.5, read_timeout_s=5,
        )

    async def test_server_away(self) -> None:
        """A server that cannot be reached is a store that is away."""
        objects = self.store(f"http://127.0.0.1:{free_port()}", "mail")
        self.addCleanup(objects.close)
        for call in (objects.get("a"), objects.put("a", b"1"), objects.exists("a"), objects.delete("a")):
            with self.assertRaises(Unavailable) as caught:
                await call
            self.assertEqual(caught.exception.dependency, "objects")

    async def test_bucket_missing(self) -> None:
        """A bucket that does not exist is a store that refuses, not a missing object."""
        objects = self.store(s3_server(), "none")
        self.addCleanup(objects.close)
        for call in (objects.get("a"), objects.put("a", b"1")):
            with self.assertRaises(Unavailable) as caught:
                await call
            self.assertIn("NoSuchBucket", str(caught.exception))
