"""The lists of rooms: whose doors stand behind the public listener, and whose services run."""

import os
import time
from collections.abc import Collection

from twisted.internet.defer import DeferredLock
from twisted.internet.threads import deferToThread

from scaisend.app.adapters import Adapters
from scaisend.app.assembly import Assembly
from scaisend.app.compatibility import compatibility_routes
from scaisend.app.docs_api import DocsApi
from scaisend.app.erasing import House
from scaisend.app.erasing_api import ErasuresApi
from scaisend.app.ops_api import OpsApi
from scaisend.app.people import people_routes
from scaisend.app.rooms import delivery, inbound, reporting, sending, suppressions
from scaisend.app.setup import Setup
from scaisend.app.setup_api import SetupApi
from scaisend.app.welcome_api import WelcomeApi
from scaisend.content.images_api import ImagesApi
from scaisend.content.templates_api import TemplatesApi
from scaisend.delivery.ordering import as_tenant
from scaisend.domains.api import DomainsApi
from scaisend.http.route import Route
from scaisend.identity.audit_api import AuditApi
from scaisend.identity.keys_api import KeysApi
from scaisend.messages.api import MessagesApi
from scaisend.sending.compose import encode_attachment
from scaisend.storage.pausing import pause
from scaisend.tracking.api import UnsubscribeApi
from scaisend.tracking.seen_api import SeenApi

# app/rooms/: who starts first stands first, and stops last
SERVICES = (delivery, sending, reporting, inbound, suppressions)
DOORS = (sending, suppressions, inbound, delivery, reporting)


def add_services(assembly: Assembly, roles: Collection[str]) -> None:
    """What the rooms do in a process of these roles is built."""
    for room in SERVICES:
        room.services(assembly, roles)


def public_routes(assembly: Assembly, adapters: Adapters, ops: OpsApi) -> list[Route]:
    """Every door of the public listener."""
    database, ids = adapters.database, adapters.ids
    domains = assembly.domains()
    one_image = DeferredLock()
    routes = [
        *MessagesApi(database=database, ids=ids, renders=assembly.renders, deliveries=assembly.deliveries, now_s=time.time, destination=as_tenant).routes(),
        *KeysApi(database=database, ids=ids, random_bytes=os.urandom).routes(),
        *AuditApi(database=database, sealer=adapters.sealer).routes(),
        *DomainsApi(domains=domains).routes(),
        *TemplatesApi(database=database, ids=ids, in_thread=lambda fn: deferToThread(fn)).routes(),
        *ImagesApi(
            database=database, objects=adapters.objects, ids=ids, base_url=adapters.config["TRACKING_BASE_URL"],
            in_thread=lambda fn: one_image.run(deferToThread, fn), encode=encode_attachment,
        ).routes(),
        *people_routes(adapters),
        *assembly.logging_in.routes(assembly.identity()),
        *UnsubscribeApi(database=database, ids=ids, key=adapters.sealer.key_for("opt-out"), now_s=time.time).routes(),
        *SeenApi(key=adapters.sealer.key_for("opt-out"), sightings=assembly.sightings()).routes(),
        *[route for room in DOORS for route in room.routes(assembly)],
        *compatibility_routes(adapters, sending=assembly.sending(), domains=domains),
        *ops.public_routes(),
        *ops.admin_routes(),
        *SetupApi(setup=Setup(adapters=adapters)).routes(),
        *ErasuresApi(house=House(
            database, adapters.objects, ids, assembly.erasure, time.time, lambda wait_s: pause(adapters.reactor, wait_s),
        )).routes(),
        *WelcomeApi().routes(),
    ]
    return [*routes, *DocsApi(routes=routes).routes()]
