"""The context of a call: who calls, until when, and whether it still matters."""

from __future__ import annotations

import datetime
import math
import time
from typing import TYPE_CHECKING, Mapping, Optional

from .errors import Cancelled
from .log import Log

if TYPE_CHECKING:
    from .progress import Progress
    from .connection import Connection

_SCHEMES = ("bearer", "oauth")


class Context:
    """What a method may know of its call.

    A method gets it as its first parameter, if that is annotated so:

        @service.method
        def whoami(ctx: dynsvc.Context) -> str:
            return ctx.user or "nobody"
    """

    __slots__ = ("user", "request_id", "job", "method", "_until", "_authorization", "_progress_url",
                 "_connection", "_progress", "_log", "_fields_log", "_why")

    user: Optional[str]  # who calls; None: anonymous
    request_id: str  # stands in the logs of the gateway too
    job: Optional[str]  # id of the call job; None: the caller waits for the answer
    method: str  # Module.name

    def __init__(self, method: str, headers: Mapping[str, str], request_id: str,
                 connection: "Connection", progress: "Progress", log: Log) -> None:
        self.method = method
        self.request_id = request_id
        self.user = headers.get("x-dynsvc-user") or None
        self.job = headers.get("x-dynsvc-job") or None
        self._authorization = headers.get("authorization")
        self._until = _seconds(headers.get("x-dynsvc-deadline"))
        self._progress_url = headers.get("x-dynsvc-progress") if self.job else None
        self._connection = connection
        self._progress = progress
        self._log = log
        self._fields_log: Optional[Log] = None
        self._why = ""

    @property
    def token(self) -> Optional[str]:
        """The caller's own token for this module, without a scheme such as Bearer."""
        text = (self._authorization or "").strip()
        scheme, _, token = text.partition(" ")
        if token and scheme.lower() in _SCHEMES:
            return token.strip()
        return text or None

    @property
    def deadline(self) -> Optional[datetime.datetime]:
        """When the caller gives up, in UTC; None: never."""
        if self._until is None:
            return None
        return datetime.datetime.fromtimestamp(self._until, datetime.timezone.utc)

    def remaining(self) -> Optional[float]:
        """Seconds until the deadline, at least 0; None without a deadline.

            urllib.request.urlopen(url, timeout=ctx.remaining())
        """
        return None if self._until is None else max(0.0, self._until - time.time())

    @property
    def log(self) -> Log:
        """A log whose lines carry the request id, the method and the job."""
        if self._fields_log is None:
            fields = {"request_id": self.request_id, "method": self.method}
            if self.job:
                fields["job"] = self.job
            self._fields_log = self._log.having(**fields)
        return self._fields_log

    def progress(self, fraction: float, message: str = "") -> None:
        """Tells how far a job is, from 0 to 1. It costs nothing and never waits.

            for n, contig in enumerate(contigs):
                ctx.progress(n / len(contigs), "contig %s" % contig.name)
        """
        if self._progress_url:
            fraction = float(fraction)
            fraction = 0.0 if math.isnan(fraction) else min(max(fraction, 0.0), 1.0)
            self._progress.report(self._progress_url, fraction, str(message))

    def cancelled(self) -> bool:
        """Tells whether nobody waits for the answer any more."""
        return bool(self._reason())

    def check(self) -> None:
        """Raises Cancelled if nobody waits any more. Call it in long loops.

            for contig in contigs:
                ctx.check()
                work(contig)
        """
        why = self._reason()
        if why:
            raise Cancelled("the call was cancelled: " + why)

    def sleep(self, seconds: float) -> None:
        """Waits like time.sleep, but raises Cancelled as soon as the call is."""
        until = time.monotonic() + seconds
        while True:
            self.check()
            left = until - time.monotonic()
            if left <= 0:
                return
            remaining = self.remaining()
            self._connection.wait(left if remaining is None else min(left, remaining))

    def _reason(self) -> str:
        if not self._why:
            if self._until is not None and time.time() >= self._until:
                self._why = "its deadline has passed"
            else:
                self._why = self._connection.over()
        return self._why

    def _finish(self) -> None:
        if self._progress_url:
            self._progress.finish(self._progress_url)


def _seconds(milliseconds: Optional[str]) -> Optional[float]:
    try:
        value = int(milliseconds or "") / 1000
        datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return value
