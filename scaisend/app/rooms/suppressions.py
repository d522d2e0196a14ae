"""Addresses that are not mailed: their lists and groups, and bounces that grow old."""

import time
from collections.abc import Collection

from scaisend.app.assembly import Assembly
from scaisend.http.route import Route
from scaisend.suppressions.api import SuppressionsApi
from scaisend.suppressions.groups_api import GroupsApi
from scaisend.suppressions.purge_worker import BouncePurge

PURGE_EVERY_S = 3_600.0


def routes(assembly: Assembly) -> list[Route]:
    """The doors of the lists and of the groups."""
    database = assembly.adapters.database
    return [
        *SuppressionsApi(database=database, parse_moment=assembly.parse_moment, erasure=assembly.erasure).routes(),
        *GroupsApi(database=database, erasure=assembly.erasure).routes(),
    ]


def services(assembly: Assembly, roles: Collection[str]) -> None:
    """Bounces leave their list after the days that their tenant has set."""
    if "worker" in roles:
        purge = BouncePurge(database=assembly.adapters.database, now_s=time.time)
        assembly.sweep("bounce-purge", purge.turn, PURGE_EVERY_S)
