"""The table of settings: variable, default, parser, sentence. `load` reads the environment and reports every fault at once."""

import ipaddress
import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from scaisend.app.setting_values import (
    a_choice,
    a_count,
    a_database_url,
    a_file_or_none,
    a_limit,
    a_listener,
    a_name,
    a_path,
    a_port,
    a_port_or_off,
    a_queue_url,
    a_secret_key,
    a_shell_listener,
    an_address,
    an_email_or_none,
    networks,
    resolvers,
    routes,
    seconds,
    secret_keys,
    sources,
    submission_places,
    text,
    tls_policies,
    url,
)
from scaisend.app.settings_file import DEFAULT_FILE, read_settings_file
from scaisend.delivery.tls_policy import POLICIES
from scaisend.faults import Fault, Invalid


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable: its default as it would be written, how it is read, one sentence, and whether it is a secret."""

    variable: str
    default: str
    parse: Callable[[str], Any]
    sentence: str
    is_secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting("DATABASE_URL", "", a_database_url, "SQLite file in DATA_DIR when empty; mysql://user:password@host/name for MySQL 8.0+ or MariaDB 10.6+", True),
    Setting("DATABASE_READ_URL", "", a_database_url, "a read replica for message and statistics reads", True),
    Setting("DATA_DIR", "./scaisend-data", a_path, "SQLite file, objects and generated secrets of the embedded mode"),
    Setting("DATABASE_POOL_SIZE", "4", a_count(1, 32), "threads and connections of the pool"),
    Setting("REDIS_URL", "", a_queue_url, "redis://, rediss://, redis+sentinel:// or rediss+sentinel://; an in-process queue when empty", True),
    Setting("S3_ENDPOINT_URL", "", url, "S3-compatible store (with S3_BUCKET); files in DATA_DIR when empty"),
    Setting("S3_ACCESS_KEY", "", text, "access key of the object store", True),
    Setting("S3_SECRET_KEY", "", text, "secret key of the object store", True),
    Setting("S3_BUCKET", "", text, "bucket of the object store"),
    Setting("S3_REGION", "us-east-1", text, "region that requests are signed for"),
    Setting("SCAIKEY_API_URL", "", url, "OpenID Connect identity provider; local identity when empty"),
    Setting("SCAIKEY_CLIENT_ID", "", text, "client id at the identity provider"),
    Setting("SCAIKEY_CLIENT_SECRET", "", text, "client secret at the identity provider", True),
    Setting("SCAIKEY_WEBHOOK_SECRET", "", text, "secret that signs the identity provider's events", True),
    Setting("SCAIKEY_JWKS_URL", "", url, "keys of the identity provider; found by discovery when empty"),
    Setting("SCAIKEY_ISSUER", "", text, "issuer that a token must name; found by discovery when empty"),
    Setting("SCAIKEY_AUDIENCE", "", text, "audience that a token must name; the client id when empty"),
    Setting("SCAIKEY_SCOPES", "openid profile email", text, "scopes that a login asks for; with offline_access where the provider gives refresh tokens for it alone"),
    Setting("SMTP_HELO_HOSTNAME", "", a_name, "name in EHLO, must match the PTR; the host's FQDN when empty"),
    Setting("SMTP_POOL_SIZE_PER_DOMAIN", "5", a_count(1, 100), "connections per destination"),
    Setting("SMTP_SHAPING", "on", a_choice("on", "off"), "whether connections and rate to each destination follow what its replies ask for: on or off"),
    Setting("SMTP_SHAPING_STEP", "60", seconds(1, 3_600), "seconds without complaint after which a learned limit rises by a step"),
    Setting("SMTP_CONNECT_TIMEOUT", "30", seconds(1, 600), "seconds for a connection"),
    Setting("SMTP_COMMAND_TIMEOUT", "60", seconds(1, 3600), "seconds for each command but the final dot, which waits at least 600"),
    Setting("SMTP_MAX_RETRIES", "5", a_count(0, 100), "retries after a 4xx given to a recipient"),
    Setting("SMTP_RETRY_BASE_DELAY", "60", seconds(1, 86_400), "seconds before the first retry; doubles, with jitter"),
    Setting("SMTP_QUEUE_LIFETIME", "259200", seconds(60, 2_592_000), "seconds until a mail that never got a verdict is given up"),
    Setting("SMTP_PORT", "25", a_port, "port that MXs are contacted on"),
    Setting("SMTP_IN_DOUBT_WAIT", "900", seconds(1, 604_800), "seconds a mail in doubt is held before the policy decides"),
    Setting("SMTP_IN_DOUBT_POLICY", "retry", a_choice("retry", "hold"), "what then: `retry` may make a copy, `hold` waits for an operator"),
    Setting("SMTP_SOURCE_IPS", "", sources, "source addresses to bind: address=helo-name,…"),
    Setting("SMTP_TLS_POLICY", "opportunistic", a_choice(*POLICIES), "least TLS to MXs: none, opportunistic, dane, mta-sts, required or verify (docs/tls.md)"),
    Setting("SMTP_TLS_POLICIES", "", tls_policies, "other policies for single recipient domains: domain=policy,…"),
    Setting("SMTP_TLS_CA_FILE", "", a_file_or_none, "authorities (PEM) to trust besides the system's, for MXs and for MTA-STS policies"),
    Setting("TLS_REPORT_FROM", "", an_email_or_none, "address that daily TLS reports (RFC 8460) are sent from, of a verified domain; none are sent when empty"),
    Setting("SMTP_ROUTES", "", routes, "static routes: domain=host:port,*=host:port"),
    Setting("DNS_RESOLVERS", "", resolvers, "nameservers host:port,…; the system's when empty"),
    Setting("MX_CACHE_TTL", "300", seconds(1, 86_400), "longest time a DNS answer is kept"),
    Setting("INBOUND_SMTP_HOST", "0.0.0.0", an_address, "address that returning mail is received on"),
    Setting("INBOUND_SMTP_PORT", "", a_port_or_off, "port for it: 25, or 8025 on embedded defaults; `off` for extra senders"),
    Setting("INBOUND_SMTP_CERT", "", a_file_or_none, "certificate (PEM) for STARTTLS on it, read again when it changes; self-signed when empty"),
    Setting("INBOUND_SMTP_KEY", "", a_file_or_none, "private key (PEM) of the certificate"),
    Setting("SUBMISSION_LISTEN", "", submission_places, "where mail is handed in by SMTP: host:port,… or tls:host:port for TLS from the start (465); off when empty"),
    Setting("SUBMISSION_CERT", "", a_file_or_none, "certificate (PEM) of these listeners; that of INBOUND_SMTP_CERT when empty"),
    Setting("SUBMISSION_KEY", "", a_file_or_none, "private key (PEM) of the certificate"),
    Setting("SUBMISSION_PLAIN_AUTH", "never", a_choice("never", "loopback"), "AUTH without TLS: `never`, or to clients on this host (`loopback`)"),
    Setting("OPS_LISTEN", "", a_listener, "metrics, health and queues of this process: host:port, unix:path or `off`; port 0 takes a free one"),
    Setting("MANHOLE_LISTEN", "", a_shell_listener, "SSH shell of the operator: host:port or unix:path; off when empty"),
    Setting("MANHOLE_KEYS", "", a_file_or_none, "authorized_keys file for the shell"),
    Setting("BOUNCE_DOMAIN", "", a_name, "domain of the return path; SMTP_HELO_HOSTNAME when empty"),
    Setting("FBL_DOMAIN", "", a_name, "domain of abuse@ and fbl@; BOUNCE_DOMAIN when empty"),
    Setting("TRACKING_BASE_URL", "http://localhost:8000", url, "public URL of links, pixels and images"),
    Setting("ADMIN_URL", "http://localhost:8000", url, "public URL of the console"),
    Setting("TRUSTED_PROXIES", "", networks, "addresses and networks of proxies whose X-Forwarded-For is believed, besides this host's"),
    Setting("SECRET_KEY", "", a_secret_key, "root of token signing and of the sealing of secrets; at least 32 characters; generated on SQLite when empty", True),
    Setting("SECRET_KEY_PREVIOUS", "", secret_keys, "other secret keys that are accepted beside SECRET_KEY, separated by commas: see docs/security.md", True),
    Setting("RATE_LIMIT_MAIL_SEND", "10000/s", a_limit, "mail/send per tenant: N/s, N/min or off"),
    Setting("RATE_LIMIT_MESSAGES", "100/s", a_limit, "GET messages per credential"),
    Setting("RATE_LIMIT_WRITES", "10/min", a_limit, "POST webhooks and api_keys per tenant"),
    Setting("RATE_LIMIT_DEFAULT", "1000/s", a_limit, "everything else per credential"),
    Setting("WEBHOOK_TARGETS", "public", a_choice("public", "any"), "where webhooks may be: public https alone, or `any` address and http (development)"),
    Setting("WORK_LEASE", "40", seconds(10, 600), "seconds after which another process takes over the work of one that died"),
    Setting("LOG_LEVEL", "info", a_choice("debug", "info", "warn", "error", "critical"), "least level that is logged"),
    Setting("LOG_FORMAT", "", a_choice("", "text", "json"), "text or json; text on a terminal, json else"),
)
_LOGIN = re.compile(r"//[^/@]*@")


class Config(Mapping[str, Any]):
    """The parsed settings by variable; `warnings` about how they are written; `doubts`: what daemons do with them and an operator will regret."""

    def __init__(self, values: Mapping[str, Any], warnings: tuple[str, ...] = (), doubts: tuple[str, ...] = ()) -> None:
        self._values = dict(values)
        self.warnings = warnings
        self.doubts = doubts

    def __getitem__(self, variable: str) -> Any:
        return self._values[variable]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def but(self, **changes: Any) -> "Config":
        """The same with some values changed; dev uses it."""
        return Config({**self._values, **changes}, self.warnings, self.doubts)

    @property
    def is_embedded(self) -> bool:
        """Whether the database is the SQLite file of this machine."""
        return str(self["DATABASE_URL"]).startswith("sqlite")

    @property
    def links_work(self) -> bool:
        """Whether recipients can follow links to TRACKING_BASE_URL; on SQLite, where one tries things out, any will do."""
        return self.is_embedded or _is_public(self["TRACKING_BASE_URL"])


def load(environ: Mapping[str, str], env_file: str | None = DEFAULT_FILE, *, needs_secret_key: bool = True, may_lack_file: bool = False) -> Config:
    """The settings of the environment over those of the file; an empty value counts as none.

    Without `needs_secret_key` a database server may be used before there is a SECRET_KEY; with `may_lack_file` the file may be made later.

    Raises: Invalid with a fault for each variable whose value cannot be used, secrets are never repeated; and as `read_settings_file`.
    """
    file = read_settings_file(env_file, [setting.variable for setting in SETTINGS], may_lack=may_lack_file)
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for setting in SETTINGS:
        raw = environ.get(setting.variable) or file.values.get(setting.variable) or setting.default
        try:
            values[setting.variable] = setting.parse(raw.strip())
        except ValueError as error:
            shown = "the value" if setting.is_secret else repr(_LOGIN.sub("//…@", raw))
            faults.append(Fault(f"{setting.variable}: {shown} {error}", setting.variable, setting.sentence))
    faults += [fault for fault in _contradictions(values) if needs_secret_key or fault.field != "SECRET_KEY"]
    if faults:
        raise Invalid(faults)
    _complete(values)
    return Config(values, file.warnings, tuple(_doubts(values)))


def check_login(config: Config) -> None:
    """People can log in, if there is an identity provider. Raises: Invalid when this service is no client of it yet."""
    if config["SCAIKEY_API_URL"] and not config["SCAIKEY_CLIENT_ID"]:
        raise Invalid(
            "SCAIKEY_CLIENT_ID: must be set when SCAIKEY_API_URL is; `scaisend register` writes it and SCAIKEY_CLIENT_SECRET into .env",
            "SCAIKEY_CLIENT_ID",
        )


def _contradictions(values: Mapping[str, Any]) -> list[Fault]:
    """What is wrong between settings; those that could not be read are absent and are not judged again."""
    faults = []
    if values.get("DATABASE_URL") and not values["DATABASE_URL"].startswith("sqlite") and values.get("SECRET_KEY") == "":
        faults.append(Fault("SECRET_KEY: must be set when DATABASE_URL is a server; `scaisend init` writes one into .env", "SECRET_KEY"))
    for listener in ("INBOUND_SMTP", "SUBMISSION"):
        if bool(values[f"{listener}_CERT"]) != bool(values[f"{listener}_KEY"]):
            faults.append(Fault(f"{listener}_CERT, {listener}_KEY: both or neither", f"{listener}_CERT"))
    s3 = [name for name in ("S3_ENDPOINT_URL", "S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY") if values.get(name) == ""]
    if 0 < len(s3) < 4:
        faults.append(Fault(f"{', '.join(s3)}: must be set too when another S3_ variable is", s3[0]))
    return faults


def _complete(values: dict[str, Any]) -> None:
    """Fills in what follows from other settings."""
    if not values["DATABASE_URL"]:
        values["DATABASE_URL"] = "sqlite:///" + os.path.join(values["DATA_DIR"], "scaisend.db")
    values["SMTP_HELO_HOSTNAME"] = values["SMTP_HELO_HOSTNAME"] or socket.getfqdn()
    values["BOUNCE_DOMAIN"] = values["BOUNCE_DOMAIN"] or values["SMTP_HELO_HOSTNAME"]
    values["FBL_DOMAIN"] = values["FBL_DOMAIN"] or values["BOUNCE_DOMAIN"]
    port = values["INBOUND_SMTP_PORT"]
    if port == "":
        port = 8025 if values["DATABASE_URL"].startswith("sqlite") else 25
    values["INBOUND_SMTP_PORT"] = None if port == "off" else port


def _doubts(values: Mapping[str, Any]) -> list[str]:
    """Settings that work, and that an operator will regret."""
    doubts = []
    if not values["DATABASE_URL"].startswith("sqlite"):
        address = values["TRACKING_BASE_URL"]
        if not _is_public(address):
            doubts.append(
                f"TRACKING_BASE_URL is {address}: recipients cannot follow such links; set the public https URL. Until then opens and clicks are "
                "not tracked, and mails that ask for tracking or for unsubscribe links are refused with 503"
            )
        if not values["S3_ENDPOINT_URL"]:
            doubts.append("objects are on this machine's disk (S3_ENDPOINT_URL is empty): attachments of other machines' processes cannot be read")
    return doubts


def _is_public(address: str) -> bool:
    return address.startswith("https://") and not _is_loopback(urlsplit(address).hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
