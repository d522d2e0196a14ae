"""What the doctor says: for each thing checked what was found, what was expected, and how to mend it. All of it is judged from values."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from scaisend.app.refusals import said_by
from scaisend.storage.server_facts import ServerFacts

OK, WARNING, FAILED, AWAY = "ok", "warning", "failed", "away"
# The worst first.
STATES = (AWAY, FAILED, WARNING, OK)
NEWEST_NEEDED = {"mysql": (8, 0), "mariadb": (10, 6), "sqlite": (3, 35)}
CLOCK_WARNING_S = 2.0
CLOCK_FAILED_S = 30.0
EXPIRY_WARNING_S = 21 * 86_400.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing checked: `name` says which kind of thing, `subject` which one; `expected` and `cure` are empty where all is well."""

    name: str
    subject: str
    status: str
    found: str
    expected: str = ""
    cure: str = ""


def worst(checks: Iterable[Check]) -> str:
    """The worst state among them; ok when there are none."""
    states = {each.status for each in checks}
    return next((state for state in STATES if state in states), OK)


def exit_code(checks: Iterable[Check]) -> int:
    """0 when nothing is broken, 1 when something failed, 3 when a dependency is away."""
    return {AWAY: 3, FAILED: 1}.get(worst(checks), 0)


def broken(checks: Iterable[Check]) -> int:
    """How many failed or are away."""
    return sum(1 for each in checks if each.status in (FAILED, AWAY))


def shape(check: Check) -> dict[str, str]:
    """The check as JSON has it."""
    return {
        "check": check.name, "subject": check.subject, "status": check.status, "found": check.found, "expected": check.expected, "cure": check.cure,
    }


def lines_of(check: Check) -> list[str]:
    """The check for people; the expectation and the cure below where something is not well."""
    first = f"[{check.status}] {check.name} {check.subject}: {check.found or 'nothing'}"
    more = [("expected", check.expected), ("mend", check.cure)] if check.status != OK else []
    return [first, *[f"    {word}: {text}" for word, text in more if text]]


def server_checks(facts: ServerFacts, now_s: float) -> list[Check]:
    """The database server's version, charset and clock."""
    needed = NEWEST_NEEDED[facts.kind]
    found = tuple(int(part) for part in re.findall(r"\d+", facts.version)[:2])
    shown = ".".join(map(str, needed))
    version = Check("database.version", facts.kind, OK, facts.version)
    if found < needed:
        version = Check("database.version", facts.kind, FAILED, facts.version, f"{shown} or later", f"upgrade {facts.kind} to {shown} or later")
    charset = Check("database.charset", facts.kind, OK, facts.charset)
    if facts.charset.lower() not in ("utf8mb4", "utf-8"):
        cure = "ALTER DATABASE … CHARACTER SET utf8mb4; tables that are there keep what `scaisend migrate` gave them"
        charset = Check("database.charset", facts.kind, WARNING, facts.charset, "utf8mb4", cure)
    skew = facts.now_at - now_s
    state = OK if abs(skew) <= CLOCK_WARNING_S else WARNING if abs(skew) <= CLOCK_FAILED_S else FAILED
    clock = Check(
        "database.clock", facts.kind, state, f"{skew:+.1f} s against this host",
        *(() if state == OK else (f"within {CLOCK_WARNING_S:g} s", "let both hosts keep time by NTP, such as chrony")),
    )
    return [version, charset, clock]


def certificate_check(chain_pem: bytes, host: str, now_s: float) -> Check:
    """The certificate of a listener: its names and until when it is good."""
    try:
        certificate = x509.load_pem_x509_certificates(chain_pem)[0]
    except ValueError as error:
        return Check("tls.certificate", host, FAILED, f"no PEM certificate: {error}", "a certificate chain in PEM", "set INBOUND_SMTP_CERT to the chain's file")
    left_s = certificate.not_valid_after_utc.timestamp() - now_s
    until = datetime.fromtimestamp(certificate.not_valid_after_utc.timestamp(), UTC).strftime("%Y-%m-%d %H:%M UTC")
    names = names_in(certificate)
    found = f"for {', '.join(names) or 'no name'}, until {until}"
    if left_s <= 0 or certificate.not_valid_before_utc.timestamp() > now_s:
        return Check("tls.certificate", host, FAILED, found, "a certificate that is valid now", "renew it; the file is read again by itself")
    if not any(covers(name, host) for name in names):
        return Check("tls.certificate", host, WARNING, found, f"a certificate for {host}", f"order one that names {host}: MTA-STS and DANE need it")
    if left_s < EXPIRY_WARNING_S:
        return Check("tls.certificate", host, WARNING, found, f"more than {EXPIRY_WARNING_S / 86_400:g} days left", "look why it was not renewed")
    return Check("tls.certificate", host, OK, found)


def names_in(certificate: x509.Certificate) -> list[str]:
    """The DNS names of the certificate, lower case."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in names]


def covers(name: str, host: str) -> bool:
    """Whether a certificate's name, which may begin with `*.`, stands for the host (RFC 9525 6.3)."""
    host = host.lower()
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:])


def setting_checks(warnings: Sequence[str]) -> list[Check]:
    """What the settings' table doubts."""
    return [Check("settings", each.partition(" ")[0].rstrip(":"), WARNING, each, "", "see docs/settings.md") for each in warnings] or [Check("settings", "all", OK, "no doubts")]


def away_check(name: str, subject: str, error: BaseException, cure: str) -> Check:
    """A dependency that did not answer, with what it said instead."""
    return Check(name, subject, AWAY, (str(error) or type(error).__name__) + said_by(error), "an answer", cure)
