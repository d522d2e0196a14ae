"""What all destinations of a process share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scaisend.delivery.destination import DestinationState
from scaisend.delivery.dial_client import Dialer
from scaisend.delivery.job import Job, Outcome
from scaisend.delivery.lanes import Lanes
from scaisend.delivery.marks_client import Marks
from scaisend.delivery.smtp_client import Reactor
from scaisend.delivery.sources import Sources
from scaisend.delivery.tls_result import TlsResult


@dataclass(frozen=True, slots=True)
class House:
    """What all destinations of a process share. `clock` tells epoch seconds, `random` draws from [0, 1); `crowded`: a destination waits for a slot."""

    reactor: Reactor
    clock: Callable[[], float]
    random: Callable[[], float]
    dialer: Dialer
    marks: Marks
    settle: Callable[[Job, Outcome], None]
    flush: Callable[[], None]
    take_slot: Callable[[Any], bool]
    free_slot: Callable[[], None]
    crowded: Callable[[], bool]
    lanes: Lanes
    sources: Sources
    on_change: Callable[[DestinationState], None]
    connections: int
    messages_per_connection: int
    tell_tls: Callable[[str, TlsResult], None] | None = None
