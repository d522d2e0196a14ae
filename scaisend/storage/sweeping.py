"""A turn that is taken again and again, whatever happened in the last one."""

from collections.abc import Awaitable, Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from scaisend.faults import Unavailable
from scaisend.timing import ReactorTime


class Sweeping(Service):
    """Takes `turn` every `interval_s`; a turn that takes longer is not overtaken, one that fails is logged and counted."""

    log = Logger()

    def __init__(self, name: str, turn: Callable[[], Awaitable[None]], *, interval_s: float, reactor: ReactorTime) -> None:
        self.name = name
        self._turn = turn
        self._interval_s = interval_s
        self._calls = LoopingCall(self._guarded)
        self._calls.clock = reactor  # type: ignore[assignment]  # the part of a reactor that it needs
        self.failures = 0

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # Twisted's has no types
        self._calls.start(self._interval_s, now=True)

    def stopService(self) -> None:
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted's has no types
        if self._calls.running:
            self._calls.stop()

    def _guarded(self) -> Deferred[None]:
        return ensureDeferred(self._once())

    async def _once(self) -> None:
        try:
            await self._turn()
        except Unavailable as error:
            self.failures += 1
            self.log.debug("{name}: {error}", name=self.name, error=str(error))
        except Exception:
            self.failures += 1
            self.log.failure("a turn of {name} failed; the next one comes", name=self.name)
