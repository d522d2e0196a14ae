"""Objects in a bucket of any S3-compatible store.

The client is made at the first use, in a thread: importing and making it takes half a second. Objects are deleted one by
one, because some stores refuse the bulk request as boto3 sends it.
"""

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThread, deferToThreadPool
from twisted.python.threadpool import ThreadPool

from scaisend.faults import NotFound, Unavailable
from scaisend.storage.objects import checked_key

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 8
MISSING = ("404", "NoSuchKey", "NotFound")


class S3Objects:
    """Objects in `bucket` at `endpoint_url` (None: AWS itself), which must exist."""

    def __init__(
        self, *, endpoint_url: str | None, access_key: str, secret_key: str, bucket: str, region: str,
        reactor: IReactorFromThreads, connect_timeout_s: float = 3, read_timeout_s: float = 20,
    ) -> None:
        self._endpoint_url = endpoint_url
        self._access_key = access_key
        self._secret_key = secret_key
        self._bucket = bucket
        self._region = region
        self._reactor = reactor
        self._timeouts_s = connect_timeout_s, read_timeout_s
        self._pool = ThreadPool(0, THREADS, "objects")
        self._pool.start()
        self._making = threading.Lock()
        self._made: Any = None  # boto3 makes its client classes at run time

    async def put(self, key: str, content: bytes) -> None:
        await self._run(self._put, checked_key(key), content)

    async def get(self, key: str) -> bytes:
        return await self._run(self._get, checked_key(key))

    async def delete(self, key: str) -> None:
        await self._run(self._delete, checked_key(key))

    async def exists(self, key: str) -> bool:
        return await self._run(self._exists, checked_key(key))

    async def close(self) -> None:
        await deferToThread(self._pool.stop)

    async def _run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await deferToThreadPool(self._reactor, self._pool, fn, *args, **kwargs)

    def _put(self, key: str, content: bytes) -> None:
        self._call("put_object", Key=key, Body=content)

    def _get(self, key: str) -> bytes:
        answer = self._call("get_object", Key=key)
        if answer is None:
            raise NotFound("no such object")
        try:
            content: bytes = answer["Body"].read()
        except Exception as error:
            raise Unavailable("objects") from error
        return content

    def _delete(self, key: str) -> None:
        self._call("delete_object", Key=key)

    def _exists(self, key: str) -> bool:
        return self._call("head_object", Key=key) is not None

    def _call(self, operation: str, **parameters: object) -> Any:
        """The answer, or None when the object does not exist. Raises: Unavailable("objects")."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client(), operation)(Bucket=self._bucket, **parameters)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in MISSING and operation != "put_object":
                return None
            raise Unavailable("objects", f"the object store refused: {code}") from error
        except (BotoCoreError, OSError) as error:
            raise Unavailable("objects") from error

    def _client(self) -> Any:
        with self._making:
            if self._made is None:
                boto3: Any = import_module("boto3")
                connect_s, read_s = self._timeouts_s
                self._made = boto3.session.Session().client(
                    "s3", endpoint_url=self._endpoint_url, region_name=self._region or None,
                    aws_access_key_id=self._access_key, aws_secret_access_key=self._secret_key,
                    config=import_module("botocore.config").Config(
                        signature_version="s3v4", s3={"addressing_style": "path"}, connect_timeout=connect_s,
                        read_timeout=read_s, retries={"total_max_attempts": 2, "mode": "standard"},
                        request_checksum_calculation="when_required", response_checksum_validation="when_required",
                        max_pool_connections=THREADS,
                    ),
                )
            return self._made
