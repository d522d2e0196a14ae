"""Mail that comes back, and mail for parse hosts: its listener, its reading, its posts."""

import time
from collections.abc import Collection

from twisted.internet.threads import deferToThread

from scaisend.app.assembly import Assembly, receiver_tls
from scaisend.app.rooms.reporting import webhook_targets
from scaisend.http.outgoing import Outgoing
from scaisend.http.route import Route
from scaisend.inbound.kept_api import KeptMailsApi
from scaisend.inbound.parse_api import ParseApi
from scaisend.inbound.parse_post_worker import ParsePosts
from scaisend.inbound.parse_worker import ParseWorker
from scaisend.inbound.recipients import OurRecipients
from scaisend.inbound.smtp_server import InboundDeliveries
from scaisend.smtp.receiver_factory import ReceiverFactory
from scaisend.tracking.optout import unsubscribe_by_mail
from scaisend.tracking.personal import read_token


def routes(assembly: Assembly) -> list[Route]:
    """The doors of kept mails and of parse hosts."""
    adapters, config = assembly.adapters, assembly.adapters.config
    reserved = [host for host in (config["BOUNCE_DOMAIN"], config["FBL_DOMAIN"]) if host]
    return [
        *KeptMailsApi(database=adapters.database, objects=adapters.objects).routes(),
        *ParseApi(database=adapters.database, url_fault=webhook_targets(adapters).fault, reserved=reserved).routes(),
    ]


def services(assembly: Assembly, roles: Collection[str]) -> None:
    """Mails that came back are read and recorded where they are received; workers post those of parse hosts to their tenants' URLs."""
    if "smtp" in roles:
        _add_reading(assembly)
    if "worker" in roles:
        _add_parse_posts(assembly)


def receiver(assembly: Assembly) -> ReceiverFactory:
    """What listens for mail that comes back."""
    adapters, config = assembly.adapters, assembly.adapters.config
    opt_out_key = adapters.sealer.key_for("opt-out")
    deliveries = InboundDeliveries(
        recipients=OurRecipients(
            token_key=adapters.sealer.key_for("return-path"), bounce_domains=(config["BOUNCE_DOMAIN"],), fbl_domains=(config["FBL_DOMAIN"],),
            is_unsubscribe=lambda token: read_token(opt_out_key, token) is not None,
        ),
        database=adapters.database, objects=adapters.objects, ids=adapters.ids, now_s=time.time,
    )
    return ReceiverFactory(
        deliveries=deliveries, hostname=config["SMTP_HELO_HOSTNAME"], reactor=adapters.reactor, metrics=adapters.metrics, tls=receiver_tls(config),
    )


def _add_reading(assembly: Assembly) -> None:
    adapters, opt_out_key = assembly.adapters, assembly.adapters.sealer.key_for("opt-out")
    worker = ParseWorker(
        database=adapters.database, objects=adapters.objects, ids=adapters.ids, token_key=adapters.sealer.key_for("return-path"),
        now_s=time.time, in_thread=lambda fn: deferToThread(fn), metrics=adapters.metrics,
        unsubscribe=lambda txn, token, now: unsubscribe_by_mail(txn, adapters.ids, opt_out_key, token, now),
    )
    assembly.sweep("inbound-reading", worker.turn)


def _add_parse_posts(assembly: Assembly) -> None:
    adapters, targets = assembly.adapters, webhook_targets(assembly.adapters)
    outgoing = Outgoing(
        repeats=True, reactor=adapters.reactor, resolver=adapters.resolver, allow_http=targets.allow_http, allow_private=targets.allow_private
    )
    worker = ParsePosts(
        database=adapters.database, objects=adapters.objects, ids=adapters.ids, outgoing=outgoing, lookup=adapters.resolver.resolve,
        reactor=adapters.reactor, now_s=time.time, in_thread=lambda fn: deferToThread(fn), metrics=adapters.metrics,
    )
    assembly.built.workers.append(worker)
    assembly.sweep("inbound-parse", worker.turn)
