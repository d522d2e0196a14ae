"""What telling applications runs on: the services and doors of reporting/, put together as assembly.py does for the others."""

import os
import time
from collections.abc import Awaitable, Callable

from twisted.internet.threads import deferToThread

from scaisend.app.adapters import Adapters
from scaisend.app.assembly import Built
from scaisend.faultpoints import reach
from scaisend.http.outgoing import Outgoing
from scaisend.http.route import Route
from scaisend.reporting.event_webhook_api import EventWebhookApi
from scaisend.reporting.events_api import EventsApi
from scaisend.reporting.oauth_client import OAuthClient
from scaisend.reporting.post_client import PostClient
from scaisend.reporting.statistics_api import StatisticsApi
from scaisend.reporting.statistics_worker import StatisticsWorker
from scaisend.reporting.sweep_worker import WebhookSweep
from scaisend.reporting.webhook_request import Targets
from scaisend.reporting.webhook_worker import WebhookWorker
from scaisend.reporting.webhooks_api import WebhooksApi
from scaisend.storage.pushing import Pushing
from scaisend.storage.queue import WEBHOOK_DELIVER
from scaisend.storage.sweeping import Sweeping

FAN_OUT_EVERY_S = 1.0
SWEEP_EVERY_S = 1.0
FORGET_EVERY_S = 3_600.0
COUNT_EVERY_S = 2.0


def webhook_targets(adapters: Adapters) -> Targets:
    """Which URLs webhooks may have."""
    is_free = adapters.config["WEBHOOK_TARGETS"] == "any"
    return Targets(allow_http=is_free, allow_private=is_free)


def reporting_routes(adapters: Adapters, built: Built) -> list[Route]:
    """The doors of webhooks, of the stream of events and of statistics."""
    database, ids, sealer, targets = adapters.database, adapters.ids, adapters.sealer, webhook_targets(adapters)
    pushing = _pushing(adapters, built)
    return [
        *EventWebhookApi(database=database, ids=ids, sealer=sealer, posts=_posts(adapters), targets=targets).routes(),
        *WebhooksApi(database=database, ids=ids, sealer=sealer, random_bytes=os.urandom, targets=targets, pushing=pushing).routes(),
        *EventsApi(database=database).routes(),
        *StatisticsApi(database=database, in_thread=lambda fn: deferToThread(fn)).routes(),
    ]


def add_webhooks(adapters: Adapters, built: Built) -> WebhookWorker:
    """Events that webhooks want are posted to them."""
    sweep = WebhookSweep(
        database=adapters.database, queue=adapters.queue, pushing=_pushing(adapters, built), ids=adapters.ids, worker_id=adapters.worker_id,
        now_s=time.time, reached=reach,
    )
    worker = WebhookWorker(
        database=adapters.database, pulling=adapters.pulling(WEBHOOK_DELIVER, sweep.due_ids), posts=_posts(adapters), ids=adapters.ids,
        reactor=adapters.reactor, now_s=time.time, metrics=adapters.metrics, reached=reach,
    )
    built.workers.append(worker)
    built.services += [
        worker, _sweeping(adapters, built, "webhook-outbox", sweep.fan_out, FAN_OUT_EVERY_S),
        _sweeping(adapters, built, "webhook-sweep", sweep.turn, 3.0 if adapters.has_queue_server else SWEEP_EVERY_S),
        _sweeping(adapters, built, "webhook-forgetting", sweep.forget, FORGET_EVERY_S),
    ]
    return worker


def add_statistics(adapters: Adapters, built: Built) -> None:
    """Events are counted into the statistics."""
    worker = StatisticsWorker(database=adapters.database, now_s=time.time, reached=reach)
    built.services.append(_sweeping(adapters, built, "statistics", worker.turn, COUNT_EVERY_S))


def _posts(adapters: Adapters) -> PostClient:
    targets = webhook_targets(adapters)
    outgoing = Outgoing(
        repeats=True, reactor=adapters.reactor, resolver=adapters.resolver, allow_http=targets.allow_http, allow_private=targets.allow_private
    )
    return PostClient(outgoing=outgoing, oauth=OAuthClient(outgoing=outgoing, now_s=time.time), sealer=adapters.sealer, now_s=time.time)


def _pushing(adapters: Adapters, built: Built) -> Pushing:
    pushing = Pushing(queue=adapters.queue, name=WEBHOOK_DELIVER, reactor=adapters.reactor)
    built.pushings.append(pushing)
    return pushing


def _sweeping(adapters: Adapters, built: Built, name: str, turn: Callable[[], Awaitable[None]], interval_s: float) -> Sweeping:
    sweeping = Sweeping(name, turn, interval_s=interval_s, reactor=adapters.reactor)
    built.measures.sweeps.append(sweeping)
    return sweeping
