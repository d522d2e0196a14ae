import hashlib
import hmac
import json
import shutil
import subprocess
from pathlib import Path
from unittest import SkipTest

from sendgrid.helpers.eventwebhook import EventWebhook

from scaisend.reporting.envelope import bodies, flat
from scaisend.reporting.samples import samples
from scaisend.reporting.signature import (
    ECDSA_SIGNATURE,
    ECDSA_TIMESTAMP,
    HMAC_SIGNATURE,
    ecdsa_headers,
    hmac_headers,
    make_ecdsa_key,
    make_hmac_secret,
)
from tests.base import PlainTestCase
from tests.world.tenants import NOW

NODE = Path(__file__).parents[1] / "node"


def signed_samples() -> tuple[str, bytes, dict[str, str]]:
    """A public key, a body with every kind of event in it, and the headers that prove it."""
    key, public = make_ecdsa_key()
    (body,) = bodies([{**flat(each), "note": "grüße ✓ \u2028"} for each in samples("tnt_a", NOW)])
    return public, body, ecdsa_headers(key, body, NOW + 0.9)


class EcdsaTests(PlainTestCase):
    def test_sendgrids_python_verifies_it(self) -> None:
        """The official Python class takes our key and signature for the body with its CRLF, and for no other body, moment or key."""
        public, body, headers = signed_samples()
        self.assertTrue(body.endswith(b"]\r\n"))
        self.assertTrue(public.startswith("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"))
        signature, timestamp = headers[ECDSA_SIGNATURE], headers[ECDSA_TIMESTAMP]
        self.assertEqual(timestamp, str(int(NOW)))
        theirs = EventWebhook(public)
        self.assertTrue(theirs.verify_signature(body.decode(), signature, timestamp))
        self.assertFalse(theirs.verify_signature(body.decode().rstrip(), signature, timestamp))
        self.assertFalse(theirs.verify_signature(body.decode(), signature, str(int(NOW) + 1)))
        self.assertFalse(EventWebhook(make_ecdsa_key()[1]).verify_signature(body.decode(), signature, timestamp))

    def test_sendgrids_node_verifies_it(self) -> None:
        """@sendgrid/eventwebhook takes our key and signature, and refuses an altered body."""
        if shutil.which("node") is None or not (NODE / "node_modules" / "@sendgrid" / "eventwebhook").is_dir():
            raise SkipTest("NOT TESTED: node or @sendgrid/eventwebhook is not installed (make node)")
        public, body, headers = signed_samples()
        cases = [
            {"key": public, "body": text, "signature": headers[ECDSA_SIGNATURE], "timestamp": headers[ECDSA_TIMESTAMP]}
            for text in (body.decode(), body.decode() + " ")
        ]
        done = subprocess.run(["node", str(NODE / "verify.js")], input=json.dumps(cases), capture_output=True, text=True, timeout=60, check=True)
        self.assertEqual(json.loads(done.stdout), [True, False])


class HmacTests(PlainTestCase):
    def test_it_can_be_checked_with_any_library(self) -> None:
        """`v1` is HMAC-SHA256 of the timestamp, a dot and the body, under the secret as it is shown."""
        secret = make_hmac_secret(bytes(range(32)))
        header = hmac_headers(secret, b"[{}]\r\n", NOW)[HMAC_SIGNATURE]
        parts = dict(part.split("=", 1) for part in header.split(","))
        self.assertEqual(parts["v1"], hmac.new(secret.encode(), f"{parts['t']}.[{{}}]\r\n".encode(), hashlib.sha256).hexdigest())
        self.assertEqual(parts["t"], str(int(NOW)))
        self.assertNotEqual(header, hmac_headers(secret, b"[{}]\r\n", NOW + 1)[HMAC_SIGNATURE])
