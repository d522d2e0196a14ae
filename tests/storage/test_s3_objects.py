"""Objects in an S3 store: moto's server in a thread of this process, and Debian's Swift, which checks signatures."""

import atexit
import logging
from unittest import SkipTest
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer
from twisted.internet import reactor

from scaisend.faults import Unavailable
from scaisend.storage.s3_objects import S3Objects
from tests.base import ReactorTestCase
from tests.storage.contract_objects import ObjectsContract
from tests.world import swift
from tests.world.ports import free_port

_servers: list[ThreadedMotoServer] = []
_swifts: list[swift.Swift] = []


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


def swift_server() -> swift.Swift:
    """Swift with the bucket `mail`, which lives as long as the process. Raises: SkipTest."""
    if swift.why_not():
        raise SkipTest(swift.why_not())
    if not _swifts:
        server = swift.Swift()
        atexit.register(server.close)
        make_bucket(server, "mail")
        _swifts.append(server)
    return _swifts[0]


def make_bucket(server: swift.Swift, name: str) -> None:
    """The bucket exists."""
    boto3.client(
        "s3", endpoint_url=server.url, aws_access_key_id=swift.ACCESS_KEY, aws_secret_access_key=swift.SECRET_KEY, region_name=swift.REGION,
        config=Config(s3={"addressing_style": "path"}),
    ).create_bucket(Bucket=name)


class SwiftObjectsTests(ObjectsContract, ReactorTestCase):
    """The contract on a store that is no imitation, and signatures that are looked at."""

    timeout = 180

    async def open(self) -> None:
        self.objects = self.store()

    def store(self, *, secret_key: str = swift.SECRET_KEY, access_key: str = swift.ACCESS_KEY, region: str = swift.REGION) -> S3Objects:
        return S3Objects(
            endpoint_url=swift_server().url, access_key=access_key, secret_key=secret_key, bucket="mail", region=region, reactor=reactor,
            connect_timeout_s=2, read_timeout_s=20,
        )

    async def test_a_wrong_secret_is_refused(self) -> None:
        """Also another key's name: a store that refuses, not a missing object."""
        await self.objects.put("there", b"1")
        for wrong in ({"secret_key": "guessed"}, {"access_key": "test:nobody"}):
            objects = self.store(**wrong)
            self.addCleanup(objects.close)
            for call in (lambda store: store.get("there"), lambda store: store.put("there", b"2")):
                with self.assertRaises(Unavailable) as caught:
                    await call(objects)
                self.assertIn("SignatureDoesNotMatch", str(caught.exception))
        self.assertEqual(await self.objects.get("there"), b"1")

    async def test_a_large_object(self) -> None:
        """As large as the largest mail."""
        content = bytes(range(256)) * 160_000
        await self.objects.put("large", content)
        self.assertEqual(await self.objects.get("large"), content)
