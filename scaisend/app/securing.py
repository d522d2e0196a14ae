"""What TLS of outgoing mail runs on: the ladder, the policies that domains publish, and the reports that they ask for."""

import random
import time
from dataclasses import dataclass

from scaisend.app.assembly import Assembly
from scaisend.delivery.mta_sts_client import StsPolicies
from scaisend.delivery.tls_counts_worker import EVERY_S as COUNTED_EVERY_S
from scaisend.delivery.tls_counts_worker import TlsCounts
from scaisend.delivery.tls_ladder_client import Ladder
from scaisend.delivery.tls_policy import TlsPolicy
from scaisend.delivery.tls_report import Submitter
from scaisend.delivery.tls_report_worker import EVERY_S as REPORTED_EVERY_S
from scaisend.delivery.tls_report_worker import TlsReports
from scaisend.delivery.tls_result import TellTls
from scaisend.http.outgoing import Outgoing
from scaisend.http.trust import https_policy


@dataclass(frozen=True, slots=True)
class Securing:
    """What delivery is handed: the ladder, and who counts what came of TLS, when reports are sent."""

    ladder: Ladder
    tell: TellTls | None


def make_securing(assembly: Assembly) -> Securing:
    """The TLS of this process's deliveries; with TLS_REPORT_FROM its sessions are counted and the reports sent."""
    adapters, config = assembly.adapters, assembly.adapters.config
    outgoing = Outgoing(
        reactor=adapters.reactor, resolver=adapters.resolver, allow_private=config["WEBHOOK_TARGETS"] == "any",
        policy=https_policy(config["SMTP_TLS_CA_FILE"]),
    )
    tell = _counting(assembly, outgoing) if config["TLS_REPORT_FROM"] else None
    sts = StsPolicies(database=adapters.database, resolver=adapters.resolver, outgoing=outgoing, clock=time.time, tell=tell)
    policy = TlsPolicy(config["SMTP_TLS_POLICY"], domains=config["SMTP_TLS_POLICIES"], ca_file=config["SMTP_TLS_CA_FILE"])
    return Securing(Ladder(policy=policy, resolver=adapters.resolver, sts=sts, told=adapters.metrics.secured), tell)


def _counting(assembly: Assembly, outgoing: Outgoing) -> TellTls:
    adapters = assembly.adapters
    counts = TlsCounts(database=adapters.database, resolver=adapters.resolver, now_s=time.time)
    reports = TlsReports(
        database=adapters.database, resolver=adapters.resolver, outgoing=outgoing, sending=assembly.sending(),
        submitter=Submitter(adapters.config["SMTP_HELO_HOSTNAME"], adapters.config["TLS_REPORT_FROM"]), ids=adapters.ids, now_s=time.time,
        random=random.random,
    )
    assembly.built.workers.append(counts)
    assembly.sweep("tls-counts", counts.turn, COUNTED_EVERY_S)
    assembly.sweep("tls-reports", reports.turn, REPORTED_EVERY_S)
    return counts.tell
