"""Logs: one JSON object a line on stderr."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import traceback
from typing import Any, Callable, Dict, Optional, Protocol

from .environment import LEVELS

_current = threading.local()
_encode = json.JSONEncoder(ensure_ascii=True, default=str, separators=(",", ":")).encode


def _stderr(line: bytes) -> None:
    while line:
        line = line[os.write(2, line):]


class Log:
    """Writes lines with a message, which is constant, and fields, which vary.

        ctx.log.info("contigs filtered", removed=3, remaining=17)
    """

    __slots__ = ("_fields", "_least", "_write")

    def __init__(self, level: str = "info", write: Callable[[bytes], None] = _stderr,
                 fields: Optional[Dict[str, Any]] = None) -> None:
        self._least = LEVELS.index(level)
        self._write = write
        self._fields = fields or {}

    def having(self, **fields: Any) -> "Log":
        """Returns a log whose lines have these fields as well."""
        log = Log.__new__(Log)
        log._least, log._write, log._fields = self._least, self._write, {**self._fields, **fields}
        return log

    def enabled(self, level: str) -> bool:
        """Tells whether lines of this level are written."""
        return LEVELS.index(level) >= self._least

    def debug(self, msg: str, **fields: Any) -> None:
        """Details that help to find a fault."""
        self.line("debug", msg, fields)

    def info(self, msg: str, **fields: Any) -> None:
        """Something changed."""
        self.line("info", msg, fields)

    def warn(self, msg: str, **fields: Any) -> None:
        """Something is not as it should be, and work goes on."""
        self.line("warn", msg, fields)

    def error(self, msg: str, **fields: Any) -> None:
        """Someone must act."""
        self.line("error", msg, fields)

    def line(self, level: str, msg: str, fields: Dict[str, Any]) -> None:
        """Writes one line."""
        if LEVELS.index(level) < self._least:
            return
        now = time.time()
        entry = {"time": "%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)), now % 1 * 1000),
                 "level": level, "msg": msg, **self._fields, **fields}
        try:
            text = _encode(entry)
        except (TypeError, ValueError):  # a key that is no string, a list that holds itself
            text = _encode({key: str(value) for key, value in entry.items()})
        try:
            self._write(text.encode() + b"\n")
        except OSError:
            pass  # nobody reads it, and that is no reason to fail a call


def cause(error: BaseException) -> str:
    """The error with the place that it comes from."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip()


class Source(Protocol):  # pylint: disable=too-few-public-methods
    """What has a log: the context of a call."""

    @property
    def log(self) -> Log:
        """The log."""
        ...


def enter(source: Optional[Source]) -> None:
    """Makes this thread's lines of the logging module those of a call; None: no longer."""
    _current.source = source


class Handler(logging.Handler):
    """Lets what is logged through the logging module look like everything else."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        level = LEVELS[min(max(record.levelno, 10), 40) // 10 - 1]
        fields: Dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[1]:
            fields["error"] = cause(record.exc_info[1])
        try:
            message = record.getMessage()
        except Exception:  # pylint: disable=broad-except  # "%d" % "text"
            message = str(record.msg)
        source = getattr(_current, "source", None)
        (source.log if source else self._log).line(level, message, fields)


def adopt(log: Log) -> None:
    """Sends what is logged through the logging module to log, unless the author has set it up."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(Handler(log))
        root.setLevel(logging.DEBUG if log.enabled("debug") else logging.INFO)
