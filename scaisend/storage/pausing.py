"""Waiting by the clock, for coroutines of workers."""

from collections.abc import Callable

from twisted.internet.defer import Deferred

from scaisend.timing import ReactorTime

ASKED_EVERY_S = 0.02


async def pause(reactor: ReactorTime, for_s: float) -> None:
    """So many seconds have passed."""
    over: Deferred[None] = Deferred()
    reactor.callLater(for_s, over.callback, None)
    await over


async def until(reactor: ReactorTime, is_so: Callable[[], bool], limit_s: float) -> bool:
    """Whether it is so, at the latest after `limit_s`; for the end of a process, as it is asked again and again."""
    end_at = reactor.seconds() + limit_s
    while not is_so():
        if reactor.seconds() >= end_at:
            return False
        await pause(reactor, ASKED_EVERY_S)
    return True
