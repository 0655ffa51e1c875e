"""Drives one case of the conformance table over HTTP and says what is wrong with the answer."""

import base64
import http.client
import json
import socket

TIMEOUT = 20


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def ask(port, send):
    """The answer to a case's request, and whether the connection was closed after it."""
    if "raw" in send:
        raise ValueError("raw cases are for ask_raw")
    body = None
    if "json" in send:
        body = json.dumps(send["json"]).encode()
    elif "text" in send:
        body = filled(send, "text").encode()
    elif "base64" in send:
        body = base64.b64decode(send["base64"])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request(send.get("method", "POST"), send.get("path", "/"), body, send.get("headers", {}))
        return Answer(connection.getresponse())
    finally:
        connection.close()


def ask_raw(port, send, answers):
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as sock:
        try:
            sock.sendall(filled(send, "raw").encode())
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has read enough
        for _ in range(answers):
            response = http.client.HTTPResponse(Once(sock))
            response.begin()
            answer = Answer(response)
        try:
            closed = sock.recv(1) == b""
        except ConnectionResetError:
            closed = True
        except socket.timeout:
            closed = False
        return answer, closed


class Once:
    """A socket of which a response reads byte by byte, so that the next one finds its own."""

    def __init__(self, sock):
        self._sock = sock

    def makefile(self, _mode):
        return self._sock.makefile("rb", buffering=0)


def filled(send, key):
    text = send[key]
    for word, (part, times) in send.get("fill", {}).items():
        text = text.replace(word, part * times)
    return text


def faults(port, case):
    """What is wrong, as sentences."""
    send, want = case["send"], case["want"]
    closed = True
    if "raw" in send:
        answer, closed = ask_raw(port, send, want.get("answers", 1))
    else:
        answer = ask(port, send)
    statuses = want["status"] if isinstance(want["status"], list) else [want["status"]]
    if answer.status not in statuses:
        yield "status %d, want %s: %s" % (answer.status, want["status"], answer.body[:300])
    for name, value in want.get("headers", {}).items():
        if answer.headers.get(name) != value:
            yield "header %s is %r, want %r" % (name, answer.headers.get(name), value)
    for name in want.get("no_headers", []):
        if name in answer.headers:
            yield "header %s is there" % name
    if want.get("closes") and not closed:
        yield "the connection stays open"
    text = answer.body.decode()
    for hidden in want.get("hides", []):
        if hidden in text:
            yield "%r stands in %s" % (hidden, text)
    try:
        body = json.loads(text)
    except ValueError:
        body = {}  # a refusal by HTTP alone may be plain text
    if "json" in want:
        yield from misfits(body, want["json"], "")
    for path in want.get("absent", []):
        if has(body, path.split(".")):
            yield "%s is there: %s" % (path, text[:300])
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message", text) if isinstance(error, dict) else text
    for part in want.get("says", []):
        if part not in message:
            yield "%r does not stand in %r" % (part, message)


def misfits(got, want, where):
    if want == "<text>":
        if not isinstance(got, str) or not got:
            yield "%s is %r, want a text" % (where, got)
    elif isinstance(want, dict) and isinstance(got, dict):
        for key, value in want.items():
            if key not in got:
                yield "%s.%s is missing: %r" % (where, key, got)
            else:
                yield from misfits(got[key], value, "%s.%s" % (where, key))
    elif isinstance(want, list) and isinstance(got, list) and len(got) == len(want):
        for at, value in enumerate(want):
            yield from misfits(got[at], value, "%s[%d]" % (where, at))
    elif got != want or isinstance(got, bool) != isinstance(want, bool):
        yield "%s is %r, want %r" % (where, got, want)


def has(body, path):
    for name in path:
        if not isinstance(body, dict) or name not in body:
            return False
        body = body[name]
    return True
