"""How far long work came: a line on standard error that is written over, for people who watch; nothing where nobody does."""

import sys
from typing import TextIO

WIDTH = 30


class Progress:
    """Shows one step after the other. To be ended before anything else is printed."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_watched = self._stream.isatty()
        self._shown = 0

    def show(self, text: str) -> None:
        """The line says so."""
        if self._is_watched:
            self._stream.write("\r" + text.ljust(self._shown))
            self._stream.flush()
            self._shown = len(text)

    def show_count(self, name: str, done: int, total: int | None) -> None:
        """A bar where the total is known, the count else."""
        if not total:
            self.show(f"{name:<10} {done}")
            return
        full = min(WIDTH, WIDTH * done // total)
        self.show(f"{name:<10} [{'#' * full}{'.' * (WIDTH - full)}] {done}/{total}")

    def end(self) -> None:
        """The line is left as it is, and a new one begun."""
        if self._shown:
            self._stream.write("\n")
            self._stream.flush()
            self._shown = 0
