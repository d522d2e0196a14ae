"""Whose certificates are believed by outgoing https: the system's authorities, and those of a file besides."""

import ssl
from pathlib import Path
from typing import Any, cast

from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.web import client

# Twisted's client is only half typed.
_client: Any = client
_END = "-----END CERTIFICATE-----"


def https_policy(ca_file: str | None) -> Any:
    """What `Outgoing` takes for its `policy`; `ca_file`: PEM file of authorities to trust besides the system's."""
    if ca_file is None:
        return _client.BrowserLikePolicyForHTTPS()
    files = [path for path in (ssl.get_default_verify_paths().cafile, ca_file) if path]
    return _client.BrowserLikePolicyForHTTPS(trustRoot=cast(Any, trustRootFromCertificates)([each for path in files for each in _certificates(path)]))


def _certificates(path: str) -> list[Certificate]:
    texts = Path(path).read_text("utf-8").split(_END)[:-1]
    return [Certificate.loadPEM((text[text.index("-----BEGIN"):] + _END + "\n").encode()) for text in texts]
