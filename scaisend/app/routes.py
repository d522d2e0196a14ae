"""The lists of rooms: whose doors stand behind the public listener, and whose services run."""

import time
from collections.abc import Collection

from scaisend.app.assembly import Assembly
from scaisend.app.docs_api import DocsApi
from scaisend.app.erasing import House
from scaisend.app.erasing_api import ErasuresApi
from scaisend.app.ops_api import OpsApi
from scaisend.app.rooms import (
    content,
    delivery,
    domains,
    identity,
    inbound,
    messages,
    reporting,
    sending,
    suppressions,
    tracking,
)
from scaisend.app.setup import Setup
from scaisend.app.setup_api import SetupApi
from scaisend.app.unsupported_api import UnsupportedApi
from scaisend.app.welcome_api import WelcomeApi
from scaisend.http.route import Route
from scaisend.storage.pausing import pause

# app/rooms/: who starts first stands first, and stops last
SERVICES = (delivery, sending, reporting, inbound, suppressions)
DOORS = (sending, messages, identity, domains, content, suppressions, tracking, inbound, delivery, reporting)


def add_services(assembly: Assembly, roles: Collection[str]) -> None:
    """What the rooms do in a process of these roles is built."""
    for room in SERVICES:
        room.services(assembly, roles)


def public_routes(assembly: Assembly, ops: OpsApi) -> list[Route]:
    """Every door of the public listener."""
    adapters = assembly.adapters
    routes = [
        *[route for room in DOORS for route in room.routes(assembly)],
        *UnsupportedApi().routes(),
        *ops.public_routes(),
        *ops.admin_routes(),
        *SetupApi(setup=Setup(adapters=adapters)).routes(),
        *ErasuresApi(house=House(
            adapters.database, adapters.objects, adapters.ids, assembly.erasure, time.time, lambda wait_s: pause(adapters.reactor, wait_s),
        )).routes(),
        *WelcomeApi().routes(),
    ]
    return [*routes, *DocsApi(routes=routes).routes()]
