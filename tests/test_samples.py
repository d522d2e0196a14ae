"""What stands in etc/ and debian/ for operators: read by the programs it is for, and in step with the tables."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from unittest import SkipTest

import kubernetes_validate
import yaml

from scaisend.app.commands import COMMANDS
from scaisend.app.config import SETTINGS
from scaisend.app.logs import FIELDS
from scaisend.app.metrics import Metrics
from tests.base import PlainTestCase

ROOT = Path(__file__).resolve().parents[1]
ETC = ROOT / "etc"
PROMTOOL = ROOT / "build" / "promtool" / "usr" / "bin" / "promtool"
ROLES = {"api": "serve", "worker": "worker", "smtp": "smtp"}
# What is set in these places and is no setting of the program.
FOREIGN = {"API_HOST", "API_PORT", "NODE_ADDRESS", "PATH", "DATABASE_PASSWORD"}
NAME = re.compile(r"\bscaisend_\w+")
LABELLED = re.compile(r"(scaisend_\w+?)(?:_bucket)?\{([^}]*)\}")


def documents(path: Path) -> list[Any]:
    """The YAML documents of the file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def exposed() -> set[str]:
    """The names that /metrics shows, as Prometheus knows them."""
    metrics = Metrics()
    found = set()
    for line in metrics.text().decode().splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            found |= {name} if kind != "histogram" else {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    return found


def expressions() -> dict[str, str]:
    """Alert or panel → what it asks Prometheus."""
    asked = {
        rule["alert"]: rule["expr"] for document in documents(ETC / "alerts.yml") for group in document["groups"] for rule in group["rules"]
    }
    for panel in json.loads((ETC / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]:
        asked |= {f"{panel['title']} {target['refId']}": target["expr"] for target in panel["targets"]}
    return asked


class Monitoring(PlainTestCase):
    def test_every_metric_that_is_asked_for_exists(self) -> None:
        """An alert on a name that nothing exposes would stay silent for ever."""
        known = exposed()
        strangers = {where: sorted(set(NAME.findall(text)) - known) for where, text in expressions().items()}
        self.assertEqual({where: names for where, names in strangers.items() if names}, {})

    def test_the_page_names_what_there_is(self) -> None:
        """docs/monitoring.md speaks of metrics that docs/metrics.md has, and of each alert, as what it is, and of no other."""
        page, metrics = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("monitoring.md", "metrics.md"))
        named, known = set(NAME.findall(page)), set(NAME.findall(metrics))
        self.assertTrue(named)
        self.assertEqual(sorted(named - known), [])
        rules = {
            rule["alert"]: rule["labels"]["severity"] for document in documents(ETC / "alerts.yml") for group in document["groups"] for rule in group["rules"]
        }
        self.assertEqual(dict(re.findall(r"(?m)^\| `(ScaiSend\w+)` \| (\w+) \|", page)), rules)

    def test_the_page_names_the_log_s_fields(self) -> None:
        """What a JSON line has, docs/monitoring.md explains."""
        page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
        section = page.partition("## The log")[2]
        explained = {name for row in re.findall(r"(?m)^\| (`.*?`) \|", section) for name in re.findall(r"`(\w+)`", row)}
        self.assertEqual(explained, {"at", "level", "from", "text", "failure", *FIELDS})

    def test_every_label_that_is_asked_for_exists(self) -> None:
        """The same for labels."""
        from scaisend.app.metrics import COUNTERS, GAUGES

        labels = {f"{name}_total": row[1] for name, row in COUNTERS.items()} | {name: row[1] for name, row in GAUGES.items()}
        for where, text in expressions().items():
            for name, selectors in LABELLED.findall(text):
                for label in re.findall(r"(\w+)\s*[=!]~?\"", selectors.replace('=~"', '="')):
                    self.assertIn(label, labels[name], f"{where}: {name}")

    def test_the_five_alerts_that_every_operator_needs(self) -> None:
        """API errors, depth and age of the queues, bounces, spam reports."""
        self.assertLessEqual(
            {"ScaiSendApiErrors", "ScaiSendQueueDepth", "ScaiSendQueueAge", "ScaiSendBounceRate", "ScaiSendSpamReports"}, set(expressions())
        )

    def test_prometheus_takes_the_rules_and_they_fire(self) -> None:
        """Prometheus's own checker reads the rules and the scrape settings, and runs alerts-test.yml."""
        if not PROMTOOL.exists() and os.environ.get("CI") != "true":
            raise SkipTest("promtool is NOT INSTALLED (scripts/need-servers): Prometheus did not read the rules")
        for command in (["check", "rules", "alerts.yml"], ["check", "config", "prometheus.yml"], ["test", "rules", "alerts-test.yml"]):
            done = subprocess.run([PROMTOOL, *command], cwd=ETC, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Containers(PlainTestCase):
    def test_kubernetes_takes_the_manifests(self) -> None:
        """Each document fits the schema of its kind, unknown fields refused; there is a deployment for each role."""
        found = [each for path in sorted((ETC / "kubernetes").glob("*.yml")) for each in documents(path)]
        for each in found:
            kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
        deployments = {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in found if each["kind"] == "Deployment"}
        self.assertEqual({name: spec["containers"][0]["args"][0] for name, spec in deployments.items()}, {f"scaisend-{k}": v for k, v in ROLES.items()})
        self.assertEqual([name for name, spec in deployments.items() if spec.get("hostNetwork")], ["scaisend-smtp"])
        for spec in deployments.values():
            self.assertLess({"readinessProbe", "livenessProbe"}, set(spec["containers"][0]))
            self.assertGreater(spec["terminationGracePeriodSeconds"], 30)

    def test_settings_in_samples_are_settings(self) -> None:
        """A variable that the program does not know would be set in vain."""
        known = {setting.variable for setting in SETTINGS} | FOREIGN
        named: set[str] = set()
        for document in documents(ETC / "kubernetes" / "settings.yml"):
            named |= set(document.get("data", {})) | set(document.get("stringData", {}))
        compose = documents(ETC / "docker" / "compose.yml")[0]
        for name in (*ROLES, "migrate"):
            named |= set(compose["services"][name]["environment"])
        for unit in (ROOT / "debian").glob("*.service"):
            for line in re.findall(r"^Environment=(.*)", unit.read_text(), re.M):
                named |= {word.partition("=")[0] for word in line.split()}
        self.assertEqual(named - known, set())

    def test_compose_runs_every_role(self) -> None:
        """Each service of ours runs a command that exists, after the schema is there."""
        services = documents(ETC / "docker" / "compose.yml")[0]["services"]
        for role, command in ROLES.items():
            self.assertEqual(services[role]["command"][0], command)
            self.assertIn(command, COMMANDS)
            self.assertEqual(services[role]["depends_on"], {"migrate": {"condition": "service_completed_successfully"}})

    def test_the_dockerfile_copies_what_is_there(self) -> None:
        """It cannot be built everywhere, so at least its sources exist and it does not end as root."""
        lines = (ETC / "docker" / "Dockerfile").read_text().splitlines()
        for line in lines:
            if line.startswith("COPY ") and "--from" not in line:
                for source in line.split()[1:-1]:
                    self.assertTrue((ROOT / source).exists(), line)
        self.assertTrue([line for line in lines if line.startswith("USER ")][-1].split()[1].isdigit())


class Debian(PlainTestCase):
    def test_the_lock_holds_what_the_program_asks_for(self) -> None:
        """Each dependency, at the version the tests ran with, and never without a hash; after a change `scripts/lock-packages` is run."""
        lock = (ROOT / "debian" / "requirements.lock").read_text()
        locked = {plain(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+) \\$", lock, re.M)}
        self.assertEqual(len(locked), len(re.findall(r"^\S", lock, re.M)), "a line without a hash")
        held = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split() if "==" in line)
        tested = {plain(name): version for name, version in held.items()}
        self.assertEqual({name: (version, tested.get(name)) for name, version in locked.items() if tested.get(name) != version}, {})
        asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
        self.assertEqual({plain(re.match(r"[\w.-]+", each)[0]) for each in asked} - set(locked), set())  # type: ignore[index]

    def test_a_unit_for_each_role(self) -> None:
        """It runs the role's command with the settings of /etc/scaisend/.env after its servers; only smtp may bind low ports."""
        for role, command in ROLES.items():
            unit = (ROOT / "debian" / f"scaisend.scaisend-{role}.service").read_text()
            self.assertRegex(unit, rf"ExecStart=/opt/scaisend/\.venv/bin/scaisend {command}\b")
            for line in ("EnvironmentFile=/etc/scaisend/.env", "Restart=always", "NoNewPrivileges=yes", "User=scaisend"):
                self.assertIn(f"\n{line}\n", unit)
            after = re.search(r"^After=(.*)", unit, re.M)[1].split()  # type: ignore[index]
            self.assertLessEqual({"network-online.target", "mysql.service", "mariadb.service", "redis-server.service"}, set(after))
            self.assertEqual("AmbientCapabilities=CAP_NET_BIND_SERVICE" in unit, role == "smtp")


def plain(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
