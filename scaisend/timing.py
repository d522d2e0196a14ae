"""What a reactor (or a test's Clock) offers to those who wait. Twisted's interfaces carry no types; these do."""

from collections.abc import Callable
from typing import Any, Protocol


class DelayedCall(Protocol):
    """A call that has not happened yet."""

    def active(self) -> bool: ...

    def cancel(self) -> None: ...

    def reset(self, secondsFromNow: float) -> None: ...


class ReactorTime(Protocol):
    """The time part of a reactor: `seconds` are epoch seconds."""

    def seconds(self) -> float: ...

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> DelayedCall: ...
