"""One connection: requests in, answers out, in a thread of its own.

http.server parses heads with the email package and writes an answer in pieces;
this reads strictly, writes once, and is several times as fast.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Optional

from .request import BadRequest, Request

if TYPE_CHECKING:
    from .server import Server

_IDLE = 180  # seconds; longer than the gateway keeps an idle connection
_STALLED = 60  # seconds that a caller may take nothing of an answer
_HEAD = 64 << 10
_CHUNK = 256 << 10
_LINGER = 2.0  # seconds to take in what is still sent after a refusal
_SLICE = 0.25  # seconds between looks at what no poll can show
_GONE = select.POLLIN | getattr(select, "POLLRDHUP", 0) if hasattr(select, "poll") else 0
_REASONS = {status.value: status.phrase for status in HTTPStatus}

_date = (0, "")


class Left(Exception):
    """The other side closed the connection."""


def _now() -> str:
    global _date  # one tuple, so that threads see both or neither
    second = int(time.time())
    if _date[0] != second:
        _date = (second, formatdate(second, usegmt=True))
    return _date[1]


class Connection:
    """Reads requests and has the server answer them, one after another."""

    def __init__(self, sock: socket.socket, server: "Server") -> None:
        self._sock = sock
        self._server = server
        self._buffer = b""
        self._unread = 0  # bytes of a body that nobody took; -1: until the end
        self._waits = False  # for a "100 Continue"
        self._shut = False  # reading was ended by us
        self.busy = False  # with a request, from its first byte to the last of its answer
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _IDLE, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _STALLED, 0))

    def run(self) -> None:
        """Serves until one of both sides has enough."""
        try:
            while self._turn():
                pass
            if self._unread:
                self._linger()
        except (Left, OSError):
            pass
        finally:
            self._sock.close()

    def _turn(self) -> bool:
        """One request and its answer; whether another may follow."""
        try:
            head = self._head()
            if not head:
                return False
            request = Request(head)
            self._unread = -1 if request.chunked else request.length
            self._waits = request.waits
            answer = self._server.answer(request, self)
            if 0 < self._unread <= _CHUNK and not self._waits:
                self.body(request, _CHUNK)
            keep = request.keep and not self._unread and not self._server.draining
        except BadRequest as error:
            self._unread = -1
            answer, keep, request = self._server.complaint(error), False, None
        self._write(answer, keep, bool(request and request.method == "HEAD"))
        self.busy = bool(self._buffer)
        return keep

    def _head(self) -> bytes:
        """The next head without its last line; empty: there is none."""
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end >= 0:
                head, self._buffer = self._buffer[:end], self._buffer[end + 4:]
                return head.lstrip(b"\r\n") or b" "
            if len(self._buffer) > _HEAD:
                raise BadRequest(431, "the head is larger than %d KiB" % (_HEAD >> 10))
            more = self._sock.recv(_HEAD)
            if not more:
                return b""
            self.busy = True
            self._buffer += more

    def body(self, request: Request, limit: int) -> "bytes | bytearray":
        """The request's body; raises BadRequest where it is larger than limit or broken."""
        if request.length > limit:
            raise BadRequest(413, "the body has %d bytes; this service takes %d" % (request.length, limit))
        if self._waits and self._unread:
            self._waits = False
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._chunks(limit) if request.chunked else self._exactly(request.length)
        self._unread = 0
        return body

    def _exactly(self, size: int) -> "bytes | bytearray":
        have = self._buffer
        if len(have) >= size:
            self._buffer = have[size:]
            return have[:size]
        body = bytearray(size)
        body[:len(have)] = have
        self._buffer = b""
        at = len(have)
        with memoryview(body) as view:
            while at < size:
                count = self._sock.recv_into(view[at:])
                if not count:
                    raise Left
                at += count
        return body

    def _line(self) -> bytes:
        while True:
            end = self._buffer.find(b"\r\n")
            if end >= 0:
                line, self._buffer = self._buffer[:end], self._buffer[end + 2:]
                return line
            if len(self._buffer) > _HEAD:
                raise BadRequest(400, "a line of a chunked body is too long")
            more = self._sock.recv(_HEAD)
            if not more:
                raise Left
            self._buffer += more

    def _chunks(self, limit: int) -> bytearray:
        body = bytearray()
        while True:
            digits = self._line().partition(b";")[0].strip(b" \t")
            if not 0 < len(digits) <= 16 or digits.strip(b"0123456789abcdefABCDEF"):
                raise BadRequest(400, "the size of a chunk is not a number")
            size = int(digits, 16)
            if size == 0:
                for _ in range(1000):
                    if not self._line():
                        return body
                raise BadRequest(400, "too many trailers")
            if len(body) + size > limit:
                raise BadRequest(413, "the body is too large; this service takes %d bytes" % limit)
            body += self._exactly(size)
            if self._line():
                raise BadRequest(400, "a chunk is longer than its size")

    def _write(self, answer: "tuple[int, bytes, str]", keep: bool, head_only: bool) -> None:
        status, body, more = answer
        head = ("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nDate: %s\r\n%s%s\r\n" % (
            status, _REASONS.get(status, ""), len(body), _now(), more, "" if keep else "Connection: close\r\n")).encode()
        if head_only:
            self._sock.sendall(head)
        elif len(body) < _HEAD:
            self._sock.sendall(head + body)
        else:
            self._sock.sendall(head)
            self._sock.sendall(body)

    def _linger(self) -> None:
        """Takes in what is still on its way: closing before would take the answer back."""
        self._sock.shutdown(socket.SHUT_WR)
        until = time.monotonic() + _LINGER
        self._sock.settimeout(_LINGER)
        while time.monotonic() < until and self._sock.recv(_CHUNK):
            pass

    def over(self) -> str:
        """Why nobody waits for the answer of the request in work; empty: somebody does."""
        if self._server.cutting:
            return "the service is stopping"
        if self._shut:
            return ""
        try:
            if self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                return ""
        except BlockingIOError:
            return ""
        except OSError:
            pass
        return "the caller left"

    def wait(self, seconds: float) -> None:
        """Waits, but not for long, and less if the caller leaves."""
        seconds = min(seconds, _SLICE)
        if self._shut or not _GONE:
            time.sleep(seconds)
            return
        poll = select.poll()
        poll.register(self._sock, _GONE)
        if poll.poll(seconds * 1000) and not self.over():
            time.sleep(min(seconds, 0.01))  # the next request is here already

    def rest(self) -> None:
        """Ends an idle connection. One that has just become busy is answered still."""
        if not self.busy and not self._shut:
            try:
                if self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    return  # a request is here, and will be read in a moment
            except BlockingIOError:
                pass
            except OSError:
                return
            self._shut = True
            try:
                self._sock.shutdown(socket.SHUT_RD)
            except OSError:
                pass  # it has ended by itself


def open_connection(sock: socket.socket, server: "Server") -> Optional[Connection]:
    """A connection, or None where the other side is gone already."""
    try:
        return Connection(sock, server)
    except OSError:
        sock.close()
        return None
