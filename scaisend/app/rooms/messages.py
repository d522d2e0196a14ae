"""The life of a message, as its tenant sees it."""

import time

from scaisend.app.assembly import Assembly
from scaisend.http.route import Route
from scaisend.messages.api import MessagesApi


def routes(assembly: Assembly) -> list[Route]:
    """The doors of messages and their events."""
    adapters = assembly.adapters
    return MessagesApi(
        database=adapters.database, ids=adapters.ids, renders=assembly.renders, deliveries=assembly.deliveries, now_s=time.time,
        destination=assembly.destination_of,
    ).routes()
