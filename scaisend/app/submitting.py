"""The submission listeners: where SUBMISSION_LISTEN says, with the keys of the API and on its road."""

import time
from dataclasses import dataclass
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.protocols.tls import TLSMemoryBIOFactory

from scaisend.app.adapters import Adapters
from scaisend.app.assembly import Assembly, receiver_tls
from scaisend.app.listening import listen_tcp
from scaisend.smtp.auth import AuthRules
from scaisend.smtp.receiver_factory import ReceiverFactory
from scaisend.submission.smtp_server import LIMITS, Submissions


@dataclass(frozen=True, slots=True)
class SubmissionListeners:
    """The open ports, in the order of the setting, and what drains them."""

    ports: tuple[Any, ...]
    receiver: ReceiverFactory


def listen_for_submission(assembly: Assembly, adapters: Adapters) -> SubmissionListeners | None:
    """Mail may be handed in at every place of SUBMISSION_LISTEN; None where there is none. Raises: Busy."""
    config, reactor = adapters.config, adapters.reactor
    places = config["SUBMISSION_LISTEN"]
    if not places:
        return None
    submissions = Submissions(
        sending=assembly.sending(), identity=assembly.identity(), limiter=adapters.limiter, limit=config["RATE_LIMIT_MAIL_SEND"],
        now_s=time.time, in_thread=lambda fn: deferToThread(fn),
    )
    tls = receiver_tls(config, "SUBMISSION")
    receiver = ReceiverFactory(
        deliveries=submissions, hostname=config["SMTP_HELO_HOSTNAME"], reactor=reactor, limits=LIMITS, tls=tls, metrics=adapters.metrics,
        auth=AuthRules(submissions.authenticate, is_plain_on_loopback=config["SUBMISSION_PLAIN_AUTH"] == "loopback"),
    )
    ports = []
    for place in places:
        factory: Any = receiver
        if place.is_tls:
            factory = TLSMemoryBIOFactory(tls, isClient=False, wrappedFactory=receiver)  # type: ignore[arg-type]  # zope interfaces
        ports.append(listen_tcp(reactor, place.host, place.port, factory, reuse_port=True))
    return SubmissionListeners(tuple(ports), receiver)
