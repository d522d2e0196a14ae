"""A request becomes messages: the door it comes in by, batches, and rendering."""

import time
from collections.abc import Collection

from scaisend.app.assembly import Assembly
from scaisend.faultpoints import reach
from scaisend.http.route import Route
from scaisend.sending.batches_api import BatchesApi
from scaisend.sending.expiry_worker import EVERY_S as EXPIRY_EVERY_S
from scaisend.sending.expiry_worker import PauseExpiry
from scaisend.sending.render_worker import RenderWorker
from scaisend.sending.sweep_worker import RenderSweep
from scaisend.sending.tracked import Tracking
from scaisend.sending.unsubscribing import WaysOut
from scaisend.storage.queue import EMAIL_PROCESS


def routes(assembly: Assembly) -> list[Route]:
    """The doors of mail that is handed in, and of batches."""
    return [*assembly.sending().routes(), *BatchesApi(database=assembly.adapters.database, ids=assembly.adapters.ids).routes()]


def services(assembly: Assembly, roles: Collection[str]) -> None:
    """Messages that are due are rendered, and those of batches paused too long are discarded."""
    if "worker" in roles:
        _add_rendering(assembly)
        expiry = PauseExpiry(database=assembly.adapters.database, ids=assembly.adapters.ids, now_s=time.time)
        assembly.sweep("paused-batches", expiry.turn, EXPIRY_EVERY_S)


def _add_rendering(assembly: Assembly) -> None:
    adapters, config = assembly.adapters, assembly.adapters.config
    sweep = RenderSweep(
        database=adapters.database, queue=adapters.queue, worker_id=adapters.worker_id, now_s=time.time, grace_s=assembly.grace_s
    )
    base_url = config["TRACKING_BASE_URL"].rstrip("/")
    worker = RenderWorker(
        database=adapters.database, objects=adapters.objects, pulling=adapters.pulling(EMAIL_PROCESS, sweep.due_ids), pushing=assembly.renders,
        deliveries=assembly.deliveries, delivery=assembly.delivery, ids=adapters.ids, lease_s=config["WORK_LEASE"], reactor=adapters.reactor,
        now_s=time.time, monotonic_s=time.monotonic, metrics=adapters.metrics, reached=reach, ways=WaysOut(base_url, config["BOUNCE_DOMAIN"]),
        tracking=Tracking(base_url, adapters.sealer.key_for("opt-out"), usable=config.links_work), erasure=assembly.erasure,
    )
    assembly.built.workers.append(worker)
    assembly.built.services.append(worker)
    assembly.sweep("rendering-sweep", sweep.turn)
