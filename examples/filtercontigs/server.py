"""FilterContigs: a JSON-RPC service with nothing but the standard library.

It listens on $HOST:$PORT (all addresses and 5000, unless set), answers GET /
when it is ready, and ends after the calls in flight when it gets SIGTERM.
"""

import json
import os
import signal
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

from fasta import NotFasta, filter_contigs

VERSION = "1.0.0"
MAX_BODY = 256 << 20


class RPCError(Exception):
    """An error that the caller gets, by JSON-RPC's codes."""

    def __init__(self, code, name, message):
        super().__init__(message)
        self.code, self.name, self.message = code, name, message


def invalid(message):
    return RPCError(-32602, "Invalid params", message)


def one(params, method):
    if len(params) != 1 or not isinstance(params[0], dict):
        raise invalid("%s takes one object: params is [{\"fasta\": TEXT, \"min_length\": N}]" % method)
    return params[0]


def call_filter_contigs(params):
    given = one(params, "FilterContigs.filter_contigs")
    text, least = given.get("fasta"), given.get("min_length")
    if not isinstance(text, str):
        raise invalid("fasta must be a text, not %s" % kind(text))
    if isinstance(least, bool) or not isinstance(least, int) or least < 0:
        raise invalid("min_length must be a whole number, 0 or more, not %s"
                      % (least if isinstance(least, (int, float)) and not isinstance(least, bool) else kind(least)))
    try:
        return [filter_contigs(text, least)]
    except NotFasta as error:
        raise invalid("fasta is not FASTA text: %s" % error) from None


def call_status(params):
    if params:
        raise invalid("FilterContigs.status takes no parameters")
    return [{"state": "OK", "message": "", "version": VERSION, "git_url": "", "git_commit_hash": ""}]


METHODS = {
    "FilterContigs.filter_contigs": call_filter_contigs,
    "FilterContigs.status": call_status,
}


def kind(value):
    names = {type(None): "nothing", bool: "true or false", int: "a number", float: "a number",
             str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "something else")


def handle(body):
    """Answers one request body: the method's name, the HTTP status, the answer."""
    method, reply = "-", {"version": "1.1"}
    try:
        try:
            request = json.loads(body)
        except ValueError as error:
            raise RPCError(-32700, "Parse error", "the body is not JSON: %s" % error) from None
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            raise RPCError(-32600, "Invalid Request", "a request is an object with version, method, params and id")
        if request.get("jsonrpc") == "2.0":
            reply = {"jsonrpc": "2.0"}
        reply["id"] = request.get("id")
        function = METHODS.get(request["method"])
        if function is None:
            raise RPCError(-32601, "Method not found",
                           "there is no method %s: there are %s" % (request["method"][:100], ", ".join(sorted(METHODS))))
        method = request["method"]
        params = request.get("params", [])
        if not isinstance(params, list):
            raise invalid("params must be a list, not %s" % kind(params))
        reply["result"] = function(params)
        return method, 200, reply
    except RPCError as error:
        failure = error
    except Exception as error:  # pylint: disable=broad-except
        print("%s failed: %r" % (method, error), file=sys.stderr, flush=True)
        failure = RPCError(-32603, "Internal error", "the method failed; the service's log says why")
    reply["error"] = {"name": failure.name, "code": failure.code, "message": failure.message}
    reply["error"]["data" if "jsonrpc" in reply else "error"] = ""
    return method, 500, reply


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 180  # longer than any gateway keeps an idle connection
    wbufsize = 1 << 16  # head and body of a small answer leave together
    disable_nagle_algorithm = True

    def parse_request(self):
        self.server.begin(self)
        return super().parse_request()

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        finally:
            self.server.end(self)

    def do_GET(self):  # pylint: disable=invalid-name
        self.answer(200, {"module": "FilterContigs", "version": VERSION, "state": "OK"})

    do_HEAD = do_GET

    def do_POST(self):  # pylint: disable=invalid-name
        began = time.monotonic()
        try:
            body = self.body()
        except ValueError as error:
            self.close_connection = True
            self.answer(400, {"error": str(error)})
            return
        method, status, reply = handle(body)
        self.answer(status, reply)
        outcome = "ok" if status == 200 else "error %d: %s" % (reply["error"]["code"], reply["error"]["message"])
        print("%s %d bytes %.1f ms %s" % (method, len(body), (time.monotonic() - began) * 1000, outcome[:300]),
              file=sys.stderr, flush=True)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self.chunks()
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 <= length <= MAX_BODY:
            raise ValueError("the body is too large")
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the caller left")
        return body

    def chunks(self):
        parts, total = [], 0
        while True:
            size = int(self.rfile.readline(1024).split(b";")[0], 16)
            total += size
            if size < 0 or total > MAX_BODY:
                raise ValueError("the body is too large")
            if size == 0:
                while self.rfile.readline(8192).strip():
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline(8)

    def answer(self, status, content):
        body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.server.draining:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *args):  # pylint: disable=arguments-differ
        pass  # each call logs one line of its own


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Knows which connections have a call in flight, to end after those."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, address):
        self.draining = False
        self._busy = set()
        self._changed = threading.Condition()
        super().__init__(address, Handler)

    def begin(self, connection):
        with self._changed:
            self._busy.add(connection)

    def end(self, connection):
        with self._changed:
            self._busy.discard(connection)
            self._changed.notify_all()

    def drain(self):
        """Takes no more connections and waits for the calls in flight."""
        self.draining = True
        self.shutdown()
        self.server_close()
        with self._changed:
            self._changed.wait_for(lambda: not self._busy)

    def handle_error(self, request, client_address):
        print("a connection failed: %r" % (sys.exc_info()[1],), file=sys.stderr, flush=True)


def main():
    # Blocked here and so in all threads; sigwait takes them.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    address = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5000"))
    server = Server(address)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    print("listening on %s:%d" % server.server_address[:2], file=sys.stderr, flush=True)
    signal.sigwait(signals)
    server.drain()
    print("stopped", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
