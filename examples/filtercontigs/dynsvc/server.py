"""Listens, gives every connection a thread, and ends after the calls in flight."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Optional, Set

from .connection import Connection, open_connection
from .log import Log
from .request import BadRequest, Request

if TYPE_CHECKING:
    from .dispatch import Dispatcher

_BACKLOG = 1024
_AFTERMATH = 1.0  # seconds for calls to end once they are cut
_LOOK = 0.02  # seconds between looks at what is still in flight


def document(status: int, content: "dict[str, object]", more: str = "") -> "tuple[int, bytes, str]":
    """An answer that is not one of JSON-RPC."""
    return status, json.dumps(content, default=str).encode(), more


class Server:
    """A service that listens on an address."""

    def __init__(self, dispatcher: "Dispatcher", host: str, port: int, log: Log) -> None:
        self._dispatcher = dispatcher
        self._log = log
        self._connections: Set[Connection] = set()
        self._lock = threading.Lock()  # guards _connections
        self.draining = False  # no new connections, no idle ones
        self.cutting = False  # calls in flight are cancelled
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((host, port))
            self._listener.listen(_BACKLOG)
        except OSError:
            self._listener.close()
            raise
        self.host, self.port = self._listener.getsockname()[:2]
        threading.Thread(target=self._accept, args=(self._listener,), name="dynsvc accept", daemon=True).start()

    def answer(self, request: Request, connection: Connection) -> "tuple[int, bytes, str]":
        """The answer to a request; a fault of ours is none of the caller's."""
        return self._dispatcher.answer(request, connection, self.draining)

    @staticmethod
    def complaint(error: BadRequest) -> "tuple[int, bytes, str]":
        """The answer to what is no request that we take."""
        return document(error.status, {"error": str(error)})

    def stop(self, grace: float) -> int:
        """Finishes what is in flight; the number of calls that had to be cut."""
        self.draining = True
        self._wake_accept()
        if self._drained(time.monotonic() + grace):
            return 0
        with self._lock:
            cut = sum(1 for connection in self._connections if connection.busy)
        self.cutting = True
        self._drained(time.monotonic() + _AFTERMATH)
        return cut

    def _drained(self, until: float) -> bool:
        while True:
            with self._lock:
                left = list(self._connections)
            if not left:
                return True
            for connection in left:
                connection.rest()
            if time.monotonic() >= until:
                return not any(connection.busy for connection in left)
            time.sleep(_LOOK)

    def _wake_accept(self) -> None:
        """Ends the listener, and with it the wait of its thread."""
        try:
            self._listener.setblocking(False)
            while True:  # whoever has been connected by the kernel is served
                self._begin(self._listener.accept()[0])
        except OSError:
            pass
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # not every system can wake a listener so; the thread is a daemon
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while not self.draining:
            try:
                sock = listener.accept()[0]
            except OSError as error:
                if self.draining:
                    return
                self._log.warn("connection not accepted", error=str(error))
                time.sleep(_LOOK)  # out of files: somebody will close one
                continue
            self._begin(sock)

    def _begin(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        connection = open_connection(sock, self)
        if connection is None:
            return
        with self._lock:
            self._connections.add(connection)
        try:
            threading.Thread(target=self._serve, args=(connection,), name="dynsvc connection", daemon=True).start()
        except RuntimeError as error:
            self._log.error("connection refused: no thread for it", error=str(error))
            self._end(connection)
            sock.close()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.run()
        except Exception as error:  # pylint: disable=broad-except  # else threading prints it, not as JSON
            self._log.error("connection failed", error=repr(error))
        finally:
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        with self._lock:
            self._connections.discard(connection)


def listen(dispatcher: "Dispatcher", host: str, port: int, log: Log) -> Server:
    """Starts a server; raises OSError with a sentence that says which address."""
    try:
        return Server(dispatcher, host, port, log)
    except OSError as error:
        reason: Optional[str] = error.strerror or str(error)
        raise OSError("cannot listen on %s port %d: %s; set PORT (and HOST) to an address that is free here"
                      % (host, port, reason)) from None
