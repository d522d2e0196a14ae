"""Log observers: one event a line, as text or JSON, with secrets redacted."""

import io
import json
import re
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
    globalLogBeginner,
)
from zope.interface import implementer  # type: ignore[attr-defined]  # it has no types

# Control characters of a line's text, which may come from a peer: they could forge lines or steer a terminal.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 9} | {10: "\\n"}
_TRACEBACK_CONTROLS = {code: shown for code, shown in _CONTROLS.items() if code != 10}  # its lines stay lines
_JSON_CONTROLS = {code: f"\\u{code:04x}" for code in range(127, 160)}  # those below are escaped by JSON itself
_SECRETS = re.compile(r"(sg_(?:live|test)_)[0-9a-f]{32}|(?<=Bearer )\S+|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")
FIELDS = ("message_id", "recipient_id", "tenant_id", "request_id", "role", "queue", "destination", "route", "status")


def redacted(text: str) -> str:
    """The text without API keys, bearer credentials and passwords in URLs."""
    return _SECRETS.sub(lambda found: (found[1] or "") + "…", text)


def _failure_text(event: LogEvent) -> str | None:
    failure = event.get("log_failure")
    if failure is None:
        return None
    out = io.StringIO()
    traceback.print_exception(failure.type, failure.value, failure.getTracebackObject(), limit=12, file=out)
    return redacted(out.getvalue())


@implementer(ILogObserver)  # type: ignore[no-untyped-call]
class JsonLines:
    """Writes each event as one JSON object on one line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: LogEvent) -> None:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds"),
            "level": event["log_level"].name if event.get("log_level") else "info",
            "from": event.get("log_namespace", "-"),
            "text": redacted(formatEvent(event)),
        }
        for name in FIELDS:
            if name in event:
                line[name] = event[name]
        failure = _failure_text(event)
        if failure:
            line["failure"] = failure
        self._out.write(json.dumps(line, ensure_ascii=False, default=str).translate(_JSON_CONTROLS) + "\n")
        self._out.flush()


@implementer(ILogObserver)  # type: ignore[no-untyped-call]
class TextLines:
    """Writes each event as a line for people."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: LogEvent) -> None:
        moment = datetime.fromtimestamp(event["log_time"], UTC).strftime("%H:%M:%S.%f")[:-3]
        level = event["log_level"].name if event.get("log_level") else "info"
        text = redacted(formatEvent(event)).translate(_CONTROLS)
        self._out.write(f"{moment} {level:<5} {text}\n{(_failure_text(event) or '').translate(_TRACEBACK_CONTROLS)}")
        self._out.flush()


def begin(out: TextIO, *, level: str, form: str) -> None:
    """From now on events are logged as `make_observer` says."""
    globalLogBeginner.beginLoggingTo([make_observer(out, level=level, form=form)], redirectStandardIO=False)


def make_observer(out: TextIO, *, level: str, form: str) -> Any:
    """Writes events of at least `level` to `out` as `text` or `json` ("" chooses by what `out` is)."""
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")  # a lone surrogate must not cost the line
    chosen = form or ("text" if out.isatty() else "json")
    observer: Any = JsonLines(out) if chosen == "json" else TextLines(out)
    least: Any = LogLevelFilterPredicate(defaultLogLevel=LogLevel.levelWithName(level))
    for noisy in ("twisted", "log_legacy", "txredisapi", "treq"):
        least.setLogLevelForNamespace(noisy, LogLevel.warn if level != "debug" else LogLevel.debug)
    return FilteringLogObserver(observer, [least])
