"""Progress of jobs: the latest of each, at most once a second, without making anyone wait."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Dict
from urllib.parse import urlsplit

from .log import Log

_INTERVAL = 1.0  # seconds between two reports of a job
_TIMEOUT = 2.0  # seconds for one report


class Progress:
    """Sends reports from a thread of its own, which starts with the first of them."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._changed = threading.Condition()
        self._latest: Dict[str, bytes] = {}  # by URL, guarded by _changed like all below
        self._next: Dict[str, float] = {}  # when a URL may be told again
        self._running = False

    def report(self, url: str, fraction: float, message: str) -> None:
        """Keeps a report to be sent."""
        body = json.dumps({"progress": fraction, "message": message}).encode()
        with self._changed:
            self._latest[url] = body
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="dynsvc progress", daemon=True).start()
            self._changed.notify()

    def finish(self, url: str) -> None:
        """Forgets a job: its answer says more than any report."""
        with self._changed:
            self._latest.pop(url, None)
            self._next.pop(url, None)

    def _run(self) -> None:
        while True:
            url, body = self._take()
            try:
                _post(url, body)
            except Exception as error:  # pylint: disable=broad-except  # progress is best effort
                self._log.debug("progress not told", error=repr(error))

    def _take(self) -> "tuple[str, bytes]":
        with self._changed:
            while True:
                now = time.monotonic()
                due = sorted((self._next.get(url, now), url) for url in self._latest)
                if due and due[0][0] <= now:
                    url = due[0][1]
                    self._next[url] = now + _INTERVAL
                    return url, self._latest.pop(url)
                self._changed.wait(due[0][0] - now if due else None)


def _post(url: str, body: bytes) -> None:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=_TIMEOUT)
    try:
        target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        connection.request("POST", target, body, {"Content-Type": "application/json"})
        status = connection.getresponse().status
        if status >= 300:
            raise OSError("the answer was %d" % status)
    finally:
        connection.close()
