"""From a request to its answer: health, calls, and everything that is neither."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional

from . import log as logs
from .context import Context
from .envelope import Envelope, failed, fill
from .errors import METHOD_NOT_FOUND, CallError, InvalidParams
from .log import Log
from .method import Method
from .progress import Progress
from .request import Request
from .server import document

if TYPE_CHECKING:
    from .connection import Connection

_SMALL = 1 << 20  # bytes of a body that are read although the call is refused
_WARN_EVERY = 1.0  # seconds between lines that say that the instance is full


class Dispatcher:
    """What a service answers. It knows nothing of sockets."""

    def __init__(self, name: str, methods: Mapping[str, Method], identity: Dict[str, str],
                 status: Optional[Callable[[], Mapping[str, Any]]], health: Optional[Callable[[], Any]],
                 health_path: str, max_calls: int, max_body: int, log: Log) -> None:
        self._name = name
        self._methods = dict(methods)
        self._status_name = name + ".status"
        self._identity = identity
        self._status = status
        self._health = health
        self._health_path = health_path
        self._max_calls = max_calls
        self._max_body = max_body
        self._log = log
        self._debug = log.enabled("debug")
        self._progress = Progress(log)
        self._lock = threading.Lock()  # guards _calls
        self._calls = 0  # in flight
        self._warn_at = 0.0  # when the log may say again that the instance is full

    def answer(self, request: Request, connection: "Connection", draining: bool) -> "tuple[int, bytes, str]":
        """The answer to a request; raises BadRequest for a body that cannot be read."""
        method, path = request.method, request.path
        if method == "POST" and path == "/":
            return self._post(request, connection)
        if method in ("GET", "HEAD") and path == self._health_path:
            return self._healthy(draining)
        if method not in ("GET", "HEAD", "POST"):
            return document(405, {"error": "%s is not served here: calls are POST" % method}, "Allow: GET, HEAD, POST\r\n")
        return document(404, {"error": "nothing is at this path: calls are POST / and the health is at GET %s"
                              % self._health_path})

    def _healthy(self, draining: bool) -> "tuple[int, bytes, str]":
        about = {"module": self._name, "version": self._identity["version"]}
        if draining:
            return document(503, {"state": "STOPPING", "message": "the service is stopping", **about})
        if self._health is not None:
            try:
                said = self._health()
            except Exception as error:  # pylint: disable=broad-except  # the author's
                self._log.warn("health check failed", error=logs.cause(error))
                said = "the health check failed; the service's log says why"
            if said is not None and said is not True:
                reason = said if isinstance(said, str) else "the health check says no"
                return document(503, {"state": "NOT READY", "message": reason, **about})
        return document(200, {"state": "OK", **about})

    def _post(self, request: Request, connection: "Connection") -> "tuple[int, bytes, str]":
        with self._lock:
            full = self._calls >= self._max_calls
            if not full:
                self._calls += 1
        if full:
            return self._full(request, connection)
        try:
            status, body = self._call(connection.body(request, self._max_body), request.headers, connection)
            return status, body, ""
        finally:
            with self._lock:
                self._calls -= 1

    def _full(self, request: Request, connection: "Connection") -> "tuple[int, bytes, str]":
        now = time.monotonic()
        if now >= self._warn_at:
            self._warn_at = now + _WARN_EVERY
            self._log.warn("call refused: the instance is full", max_calls=self._max_calls)
        if not request.chunked and request.length <= _SMALL:
            connection.body(request, _SMALL)
        error = CallError("this instance is full: it takes %d calls at once; try again in a second" % self._max_calls)
        return 503, Envelope().error(error), "Retry-After: 1\r\n"

    def _call(self, body: "bytes | bytearray", headers: Mapping[str, str],
              connection: "Connection") -> "tuple[int, bytes]":
        began = time.monotonic()
        envelope = Envelope()
        request_id = headers.get("x-request-id") or "%016x" % random.getrandbits(64)
        code = 0
        try:
            fill(envelope, body)
            if envelope.method == self._status_name:
                status, answer = 200, envelope.result(self._told(envelope))
            else:
                status, answer = 200, self._run(envelope, headers, request_id, connection)
        except CallError as error:
            status, code, answer = 500, error.code, envelope.error(error)
        if self._debug:
            self._log.debug("call answered", request_id=request_id, method=envelope.method[:200], code=code,
                            took_ms=round((time.monotonic() - began) * 1000, 3))
        return status, answer

    def _told(self, envelope: Envelope) -> "list[dict[str, Any]]":
        """What Module.status returns."""
        if envelope.params:
            raise InvalidParams("%s takes no parameters" % self._status_name)
        told: Dict[str, Any] = {"state": "OK", "message": "", **self._identity}
        if self._status is not None:
            try:
                told.update(self._status())
            except Exception as error:  # pylint: disable=broad-except  # the author's
                self._log.warn("status function failed", error=logs.cause(error))
                told.update(state="DEGRADED", message="the status function failed; the service's log says why")
        return [told]

    def _run(self, envelope: Envelope, headers: Mapping[str, str], request_id: str,
             connection: "Connection") -> bytes:
        method = self._methods.get(envelope.method)
        if method is None:
            raise CallError("there is no method %s; there are %s" % (
                envelope.method[:200], ", ".join(sorted([*self._methods, self._status_name]))), METHOD_NOT_FOUND)
        arguments = method.bind(envelope.params)
        ctx = Context(method.name, headers, request_id, connection, self._progress, self._log)
        ctx.check()
        if ctx.job:
            return self._job(envelope, method, arguments, ctx)
        return self._function(envelope, method, arguments, ctx)

    def _job(self, envelope: Envelope, method: Method, arguments: "list[Any]", ctx: Context) -> bytes:
        began, code = time.monotonic(), 0
        ctx.log.info("job began")
        try:
            return self._function(envelope, method, arguments, ctx)
        except CallError as error:
            code = error.code
            raise
        finally:
            ctx._finish()
            ctx.log.info("job ended", code=code, took_ms=round((time.monotonic() - began) * 1000, 3))

    @staticmethod
    def _function(envelope: Envelope, method: Method, arguments: "list[Any]", ctx: Context) -> bytes:
        logs.enter(ctx)
        try:
            returned = method.function(ctx, *arguments) if method.takes_context else method.function(*arguments)
        except CallError:
            raise
        except BaseException as error:  # pylint: disable=broad-except  # sys.exit() ends a call, not the service
            ctx.log.error("method failed", error=logs.cause(error))
            raise failed() from None
        finally:
            logs.enter(None)
        try:
            return envelope.result(method.values(returned))
        except (TypeError, ValueError, RecursionError) as error:
            ctx.log.error("method returned what is no JSON", error=str(error))
            raise failed() from None
