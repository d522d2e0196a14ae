"""Inbound parse: the worker that posts mails of parse hosts, put together."""

import time

from twisted.internet.threads import deferToThread

from scaisend.app.adapters import Adapters
from scaisend.app.assembly import Built
from scaisend.app.telling import webhook_targets
from scaisend.http.outgoing import Outgoing
from scaisend.inbound.parse_post_worker import ParsePosts
from scaisend.storage.sweeping import Sweeping


def add_parse_posts(adapters: Adapters, built: Built) -> None:
    """Mails of parse hosts are posted to their tenants' URLs."""
    targets = webhook_targets(adapters)
    outgoing = Outgoing(
        repeats=True, reactor=adapters.reactor, resolver=adapters.resolver, allow_http=targets.allow_http, allow_private=targets.allow_private
    )
    worker = ParsePosts(
        database=adapters.database, objects=adapters.objects, ids=adapters.ids, outgoing=outgoing, lookup=adapters.resolver.resolve,
        reactor=adapters.reactor, now_s=time.time, in_thread=lambda fn: deferToThread(fn), metrics=adapters.metrics,
    )
    sweeping = Sweeping("inbound-parse", worker.turn, interval_s=3.0 if adapters.has_queue_server else 1.0, reactor=adapters.reactor)
    built.measures.sweeps.append(sweeping)
    built.workers.append(worker)
    built.services.append(sweeping)
