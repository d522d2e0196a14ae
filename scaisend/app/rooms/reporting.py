"""What applications are told: webhooks, the stream of events, statistics."""

import os
import time
from collections.abc import Collection

from twisted.internet.threads import deferToThread

from scaisend.app.adapters import Adapters
from scaisend.app.assembly import Assembly
from scaisend.app.own_mail import own_mail
from scaisend.faultpoints import reach
from scaisend.http.outgoing import Outgoing
from scaisend.http.route import Route
from scaisend.reporting.event_webhook_api import EventWebhookApi
from scaisend.reporting.events_api import EventsApi
from scaisend.reporting.forward_worker import ForwardWorker
from scaisend.reporting.oauth_client import OAuthClient
from scaisend.reporting.post_client import PostClient
from scaisend.reporting.statistics_api import StatisticsApi
from scaisend.reporting.statistics_worker import StatisticsWorker
from scaisend.reporting.sweep_worker import WebhookSweep
from scaisend.reporting.webhook_request import Targets
from scaisend.reporting.webhook_worker import WebhookWorker
from scaisend.reporting.webhooks_api import WebhooksApi
from scaisend.storage.queue import WEBHOOK_DELIVER

FAN_OUT_EVERY_S = 1.0
FORGET_EVERY_S = 3_600.0
COUNT_EVERY_S = 2.0
FORWARD_EVERY_S = 5.0


def webhook_targets(adapters: Adapters) -> Targets:
    """Which URLs webhooks may have."""
    is_free = adapters.config["WEBHOOK_TARGETS"] == "any"
    return Targets(allow_http=is_free, allow_private=is_free)


def routes(assembly: Assembly) -> list[Route]:
    """The doors of webhooks, of the stream of events and of statistics."""
    adapters = assembly.adapters
    database, ids, sealer, targets = adapters.database, adapters.ids, adapters.sealer, webhook_targets(adapters)
    pushing = assembly.pushing(WEBHOOK_DELIVER)
    return [
        *EventWebhookApi(database=database, ids=ids, sealer=sealer, posts=_posts(adapters), targets=targets).routes(),
        *WebhooksApi(database=database, ids=ids, sealer=sealer, random_bytes=os.urandom, targets=targets, pushing=pushing).routes(),
        *EventsApi(database=database).routes(),
        *StatisticsApi(database=database, in_thread=lambda fn: deferToThread(fn)).routes(),
    ]


def services(assembly: Assembly, roles: Collection[str]) -> None:
    """Workers post events to the webhooks that want them, mail those that tenants want mailed, and count them into the statistics."""
    if "worker" in roles:
        _add_webhooks(assembly)
        statistics = StatisticsWorker(database=assembly.adapters.database, now_s=time.time, reached=reach)
        assembly.sweep("statistics", statistics.turn, COUNT_EVERY_S)
        forwards = ForwardWorker(
            database=assembly.adapters.database, ids=assembly.adapters.ids, send=own_mail(assembly.adapters, assembly.sending()), now_s=time.time, reached=reach,
        )
        assembly.sweep("forwarding", forwards.turn, FORWARD_EVERY_S)


def _add_webhooks(assembly: Assembly) -> None:
    adapters = assembly.adapters
    sweep = WebhookSweep(
        database=adapters.database, queue=adapters.queue, pushing=assembly.pushing(WEBHOOK_DELIVER), ids=adapters.ids,
        worker_id=adapters.worker_id, now_s=time.time, reached=reach,
    )
    worker = WebhookWorker(
        database=adapters.database, pulling=adapters.pulling(WEBHOOK_DELIVER, sweep.due_ids), posts=_posts(adapters), ids=adapters.ids,
        reactor=adapters.reactor, now_s=time.time, metrics=adapters.metrics, reached=reach,
    )
    assembly.built.workers.append(worker)
    assembly.built.services.append(worker)
    assembly.sweep("webhook-outbox", sweep.fan_out, FAN_OUT_EVERY_S)
    assembly.sweep("webhook-sweep", sweep.turn)
    assembly.sweep("webhook-forgetting", sweep.forget, FORGET_EVERY_S)


def _posts(adapters: Adapters) -> PostClient:
    targets = webhook_targets(adapters)
    outgoing = Outgoing(
        repeats=True, reactor=adapters.reactor, resolver=adapters.resolver, allow_http=targets.allow_http, allow_private=targets.allow_private
    )
    return PostClient(outgoing=outgoing, oauth=OAuthClient(outgoing=outgoing, now_s=time.time), sealer=adapters.sealer, now_s=time.time)
