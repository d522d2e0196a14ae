"""Writes docs/transcript.md: a first install by docs/deployment.md, with what its commands printed and how long they took.

    python -m tests.packaging.transcript [DEBIAN]     as root, with debootstrap; some ten minutes

The host is a new Debian, made by debootstrap or taken from the folder DEBIAN, which stays as it is. It has processes, mounts and a network of its own, and an
address; at the other end of a virtual cable stand a name server and a mail host. Nothing of it remains.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.world.documented import TREE, blocks, zone_lines

PAGE = TREE / "docs" / "transcript.md"
# Addresses of the world outside, as only public ones are looked up by the doctor, and those of documents that stand for them.
HOST, NAMES, MAIL_HOST = "11.0.2.10", "11.0.2.53", "11.0.2.25"
ZONE = f"""
mail.example.org. IN A {HOST}
{'.'.join(reversed(HOST.split('.')))}.in-addr.arpa. IN PTR mail.example.org.
bounces.example.org. IN MX 10 mail.example.org.
bounces.example.org. IN TXT "v=spf1 a:mail.example.org -all"
example.com. IN NS ns.example.com.
ns.example.com. IN A {NAMES}
example.net. IN MX 10 mx.example.net.
mx.example.net. IN A {MAIL_HOST}
"""
BUILD = "make deb\n"
PUBLISH = "# publish the records that it prints; then, once DNS has them:\n"
MOST_LINES, MOST_OF_A_PACKAGE, FIRST_LINES, WIDEST = 80, 24, 8, 150
# systemd's part, which a host without it does not have: what the unit's file says is run as its user, with its rights to ports.
SERVICES = """#!/bin/bash
[ "$1 $2" = "enable --now" ] || exit 1
shift 2
for name; do
  unit=/lib/systemd/system/$name.service
  value() { sed -n "s/^$1=//p" "$unit"; }
  rights=$(value AmbientCapabilities | tr A-Z a-z | sed 's/^cap_/+/')
  (
    set -a; eval "$(value Environment)"; . $(value EnvironmentFile); set +a; cd $(value WorkingDirectory)
    eval "exec setpriv --reuid=$(value User) --regid=$(value Group) --init-groups ${rights:+--inh-caps=$rights --ambient-caps=$rights} $(value ExecStart)" \\
      </dev/null >>/var/log/$name.log 2>&1
  ) &
done
"""
SECRETS = re.compile(r"(sg_live_)[0-9a-f]{32}|(?<=p=)[A-Za-z0-9+/=]{40,}")
NOISE = re.compile(
    r"^(W: scaisend: |running with root|Get|Hit|Ign|Fetched|Need to get|debconf: |WARNING: apt|\(Reading database \.\.\.( \d+%)?$|Selecting |Preparing |Unpacking |"
    r"Setting up (?!mariadb-server|redis-server|scaisend)|Processing triggers |invoke-rc\.d: |update-alternatives: )"
)


@dataclass(frozen=True, slots=True)
class Ran:
    """Commands that were run, what they printed, and in how many seconds."""

    commands: str
    output: str
    seconds: float


@dataclass(slots=True)
class Section:
    """A part of the page: what is said before, and what was run."""

    heading: str
    said: str = ""
    ran: list[Ran] = field(default_factory=list)
    after: str = ""


def expected() -> str:
    """The commands of the page, in their order, as the documents have them."""
    named = ("The package", "Database", "Settings", "Schema, first tenant, first key", "Three services", "A sender domain")
    return BUILD + "".join(block for heading in named for block in blocks(heading))


class Shell:
    """A shell of the host that keeps its variables. `network` is the name of a network namespace; without one it has the machine's."""

    def __init__(self, root: Path, network: str = "") -> None:
        self._root = root
        self._process = subprocess.Popen(
            [
                *(["ip", "netns", "exec", network] if network else []), "unshare", "--pid", "--fork", "--kill-child", "--mount", f"--mount-proc={root}/proc",
                "chroot", str(root), "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
                "DEBIAN_FRONTEND=noninteractive", "/bin/bash",
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
        )
        self.run("cd /root; set -e")

    def run(self, commands: str) -> Ran:
        """Raises: AssertionError when one of them fails."""
        assert self._process.stdin is not None and self._process.stdout is not None
        (self._root / "tmp/commands").write_text(commands, encoding="utf-8")
        began = time.monotonic()
        lines: list[str] = []
        self._process.stdin.write(". /tmp/commands </dev/null; echo; echo END OF COMMANDS\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line == "END OF COMMANDS\n":
                return Ran(commands, "".join(lines).rstrip("\n"), time.monotonic() - began)
            lines.append(line)
        raise AssertionError(f"the commands failed:\n{commands}\n{''.join(lines)}\n{self._logs()}")

    def _logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in sorted((self._root / "var/log").glob("scaisend-*.log")))

    def close(self) -> None:
        """All that it started has ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


class World:
    """The name server and the mail host, in a network of their own."""

    def __init__(self, network: str) -> None:
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", network, sys.executable, "-m", "tests.packaging.outside", NAMES, MAIL_HOST],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=TREE,
        )
        self.publish("")

    def _ask(self, order: dict[str, str]) -> list[dict[str, str]]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        found: list[dict[str, str]] = json.loads(self._process.stdout.readline())
        return found

    def publish(self, lines: str) -> None:
        """DNS has these records beside those of the instance."""
        self._ask({"zone": ZONE + lines})

    def mails(self) -> list[dict[str, str]]:
        """What the mail host took: `recipient`, `content`."""
        return self._ask({})

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def command(*words: str | Path) -> None:
    subprocess.run([str(each) for each in words], check=True, stdout=subprocess.DEVNULL)


def a_host(stack: ExitStack, debian: Path | None) -> Path:
    """The root of a new Debian, of which nothing stays when `stack` is left."""
    work = Path(tempfile.mkdtemp(prefix="scaisend-host-"))
    stack.callback(shutil.rmtree, work, ignore_errors=True)
    layers, root = work / "layers", work / "root"
    for each in (layers, root):
        each.mkdir()
    command("mount", "-t", "tmpfs", "tmpfs", layers)
    stack.callback(command, "umount", "--lazy", layers)
    if debian is None:
        debian = layers / "debian"
        command("debootstrap", "--variant=minbase", "bookworm", debian)
    for name in ("upper", "work"):
        (layers / name).mkdir()
    command("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={debian},upperdir={layers}/upper,workdir={layers}/work", root)
    stack.callback(command, "umount", "--recursive", "--lazy", root)
    command("mount", "--rbind", "--make-rslave", "/dev", root / "dev")
    for path, text in (("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n"), ("usr/local/bin/systemctl", SERVICES)):
        (root / path).write_text(text)
        (root / path).chmod(0o755)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    return root


def networks(stack: ExitStack) -> tuple[str, str]:
    """The host's network and that of the world, joined by a cable."""
    host, outside = (f"scaisend-{name}-{os.getpid()}" for name in ("host", "outside"))
    for name in (host, outside):
        command("ip", "netns", "add", name)
        stack.callback(command, "ip", "netns", "delete", name)
        command("ip", "-n", name, "link", "set", "lo", "up")
    command("ip", "-n", host, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", outside)
    for name, addresses in ((host, (HOST,)), (outside, (NAMES, MAIL_HOST))):
        for address in addresses:
            command("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        command("ip", "-n", name, "link", "set", "eth0", "up")
    return host, outside


def build() -> Ran:
    """The package of this checkout is in dist/."""
    began = time.monotonic()
    done = subprocess.run(["make", "deb"], cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise AssertionError(done.stdout)
    return Ran(BUILD, done.stdout, time.monotonic() - began)


def install(debian: Path | None) -> list[Section]:
    """What happened, section by section."""
    sections = [Section("The package"), Section("Database"), Section("Settings"), Section("Schema, first tenant, first key"), Section("Three services")]
    sections[0].ran.append(build())
    with ExitStack() as stack:
        root = a_host(stack, debian)
        for package in (TREE / "dist").glob("scaisend_*.deb"):
            shutil.copy(package, root / "root")
        shell = Shell(root)
        try:
            sections[0].ran += [shell.run(each) for each in blocks("The package")]
        finally:
            shell.close()
        host, outside = networks(stack)
        world = World(outside)
        stack.callback(world.close)
        (root / "etc/resolv.conf").write_text(f"nameserver {NAMES}\n")
        shell = Shell(root, host)
        stack.callback(shell.close)
        shell.run("{ service mariadb start; service redis-server start; } >/dev/null 2>&1")
        for section in sections[1:]:
            section.ran += [shell.run(each) for each in blocks(section.heading)]
        return [*sections, a_domain(shell, world)]


def a_domain(shell: Shell, world: World) -> Section:
    """The last section, in which records are published and a mail arrives."""
    section = Section("A sender domain")
    (block,) = blocks(section.heading)
    before, comment, after = block.partition(PUBLISH)
    section.ran.append(shell.run(before))
    shown = json.loads(shell.run("cd /etc/scaisend; runuser -u scaisend -- scaisend domains list --json 2>/dev/null").output)
    world.publish(zone_lines(shown[0]["dns_records"]))
    section.ran.append(shell.run(comment + after))
    (mail,) = world.mails()
    assert mail["recipient"] == "you@example.net", mail
    section.after = f"And `mx.example.net` has it:\n\n```text\n{shortened(neutral(mail['content']))}\n```\n"
    return section


def neutral(text: str) -> str:
    """Without secrets, places of the machine and its addresses."""
    text = SECRETS.sub(lambda found: (found[1] or "") + "…", text.replace("\r\n", "\n"))
    for mine, theirs in ((HOST, "192.0.2.10"), (NAMES, "192.0.2.53"), (MAIL_HOST, "192.0.2.25"), (f"{TREE}/", ""), (str(TREE), ".")):
        text = text.replace(mine, theirs)
    text = text.replace(".".join(reversed(HOST.split("."))), "10.2.0.192")
    return re.sub(r"/tmp/tmp\.\w+/", "", text)


def shortened(text: str, most: int = MOST_LINES) -> str:
    """At most so many lines and none of NOISE; how many are left out is said."""
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for line in lines if not NOISE.match(line)]
    if len(kept) > most:
        kept = [*kept[:FIRST_LINES], *kept[FIRST_LINES - most :]]
    if len(kept) < len(lines):
        kept.insert(min(FIRST_LINES, len(kept) // 2), f"[… {len(lines) - len(kept)} lines …]")
    return "\n".join(line if len(line) <= WIDEST else f"{line[:WIDEST - 1]}…" for line in kept).strip("\n")


def lines_of(sections: Sequence[Section], day: str) -> Iterator[str]:
    """The page."""
    total = sum(each.seconds for section in sections for each in section.ran)
    built = sections[0].ran[0].seconds
    yield f"""# A first install

What somebody sees who follows [deployment.md](deployment.md) on a new Debian 12: its commands, in its order, with what they printed and how long they took. It was written by
`python -m tests.packaging.transcript` on {day}, on a machine of two cores that had other work: {built:.0f} seconds to build the package, {total - built:.0f} from there to the first mail's arrival.

The host was a minimal Debian in namespaces of its own. It had no systemd, so `systemctl enable --now` was a script that ran what the units say, as their user, and MariaDB and Redis were started by
`service`. Its only cable led to a name server with the records of section 2 and to a mail host, `mx.example.net`. Secrets, keys and addresses are replaced, long outputs shortened (`[… lines …]`).
"""
    for section in sections:
        yield f"## {section.heading}\n"
        for ran in section.ran:
            yield f"```sh\n{ran.commands.rstrip()}\n```\n"
            output = shortened(neutral(ran.output), MOST_OF_A_PACKAGE if section is sections[0] else MOST_LINES)
            if output:
                yield f"```text\n{output}\n```\n"
            yield f"*{ran.seconds:.1f} s*\n"
        if section.after:
            yield section.after


def main() -> None:
    sections = install(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    PAGE.write_text("\n".join(lines_of(sections, time.strftime("%Y-%m-%d"))), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(TREE)}")


if __name__ == "__main__":
    main()
