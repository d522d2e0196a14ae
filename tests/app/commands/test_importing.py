"""`scaisend import sendgrid` on a source that is none."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.base import PlainTestCase
from tests.world.program import bare_environment, run_command


class _Elsewhere(BaseHTTPRequestHandler):
    """Answers everything with an object: JSON, and no list."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b'{"x":1}')

    def log_message(self, *given: object) -> None:
        pass


class AnotherServer(PlainTestCase):
    def test_it_is_told_with_the_argument(self) -> None:
        """Of every part: exit code 1 and one line that names --url."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        folder = Path(self.mktemp())
        folder.mkdir()
        environment = bare_environment(DATA_DIR=str(folder / "data"), SENDGRID_API_KEY="x")
        self.assertEqual(run_command(["init"], environment=environment, folder=folder)[0], 0)
        url = f"http://127.0.0.1:{server.server_port}"
        for part in ("groups", "templates", "domains"):
            code, _, errors = run_command(["import", "sendgrid", "--url", url, "--only", part], environment=environment, folder=folder)
            self.assertEqual((code, len(errors.splitlines())), (1, 1), errors)
            self.assertRegex(errors, "^scaisend: --url: /v3/[a-z/]+ answered no list")
