"""nginx before the API, with the sample of etc/ changed only in addresses."""

import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from unittest import SkipTest

from tests.world.ports import free_port

SAMPLE = Path(__file__).resolve().parents[2] / "etc" / "nginx.conf"
START_S = 60


class Nginx:
    """It listens on a loopback port and passes requests to the API processes at these ports."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        if program is None:
            raise SkipTest("nginx is not installed")
        folder.mkdir()
        self.port = free_port()
        sample = SAMPLE.read_text(encoding="utf-8")
        line = "    server 127.0.0.1:8000 max_fails=0;\n"
        assert line in sample
        sample = sample.replace(line, "".join(line.replace("8000", str(port)) for port in ports))
        # The one server of the sample that speaks TLS, in plain text; the one that redirects to it is left out.
        head, _, rest = sample.partition("server {\n    listen 80;")
        rest = rest.partition("\n}\n")[2]
        rest = re.sub(r"\n    (listen|ssl_\w+) .*", "", rest).replace("server {", f"server {{\n    listen 127.0.0.1:{self.port};", 1)
        (folder / "nginx.conf").write_text(
            f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n"
            + "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            + head + rest + "}\n"
        )
        self._log = folder / "error.log"
        with open(folder / "start.log", "wb") as complaints:
            self._process = subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-p", str(folder)], stderr=complaints)
        until = time.monotonic() + START_S
        while not (folder / "pid").exists():
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError((folder / "start.log").read_text())
            time.sleep(0.02)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it complained of."""
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        """It has ended."""
        self._process.terminate()
        self._process.wait(START_S)
