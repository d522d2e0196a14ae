"""The certificate: its own, or from files that change."""

import os

from cryptography import x509

from scaisend.smtp.tls import ServerTls, make_certificate
from tests.base import PlainTestCase

NOW_S = 1_800_000_000.0


class CertificateTests(PlainTestCase):
    def written(self, name: str) -> tuple[str, str]:
        folder = self.mktemp()
        os.makedirs(folder)
        paths = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
        self.write(paths, make_certificate(name, NOW_S))
        return paths

    def write(self, paths: tuple[str, str], pair: tuple[bytes, bytes]) -> None:
        for path, content in zip(paths, pair, strict=True):
            with open(path + ".new", "wb") as new:
                new.write(content)
            os.replace(path + ".new", path)

    def test_own_certificate_names_the_host(self) -> None:
        """The self-made certificate is for the host, even for a name too long for a common name."""
        name = "mx." + "x" * 60 + ".example.test"
        certificate = x509.load_pem_x509_certificate(make_certificate(name, NOW_S)[0])
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(names.get_values_for_type(x509.DNSName), [name])

    def test_reload(self) -> None:
        """A renewed pair is used after `refresh`; nothing happens while the files stay."""
        paths = self.written("mx.example.test")
        tls = ServerTls.from_files(*paths)
        before = tls._context
        tls.refresh()
        self.assertIs(tls._context, before)
        self.write(paths, make_certificate("mx.example.test", NOW_S))
        tls.refresh()
        self.assertIsNot(tls._context, before)

    def test_bad_renewal(self) -> None:
        """A pair that does not fit, cannot be read or is gone leaves the old certificate in use and is logged."""
        paths = self.written("mx.example.test")
        tls = ServerTls.from_files(*paths)
        before = tls._context
        pair = make_certificate("mx.example.test", NOW_S)
        for bad in ((pair[0], make_certificate("x.test", NOW_S)[1]), (b"nonsense", pair[1]), (pair[0], b"")):
            self.write(paths, bad)
            tls.refresh()
            self.assertIs(tls._context, before)
        os.unlink(paths[0])
        tls.refresh()
        self.assertIs(tls._context, before)

    def test_bad_at_the_start(self) -> None:
        """A certificate that cannot be read stops the start."""
        self.assertRaises(OSError, ServerTls.from_files, "/nonexistent.pem", "/nonexistent.key")
