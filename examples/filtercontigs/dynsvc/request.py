"""The head of an HTTP/1.1 request, read strictly: what could be read in two ways is refused."""

from __future__ import annotations

import re
from typing import Dict

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ONCE = ("content-length", "transfer-encoding", "host")
_lower: Dict[str, str] = {}  # names that were seen and are sound, in lower case


class BadRequest(Exception):
    """A request that is answered with a status and the end of the connection."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Request:
    """What a head says."""

    __slots__ = ("method", "path", "headers", "length", "chunked", "keep", "waits")

    def __init__(self, head: bytes) -> None:
        try:
            text = head.decode()
        except UnicodeDecodeError:
            text = head.decode("latin-1")  # as HTTP was once
        lines = text.split("\r\n")
        breaks = len(lines) - 1
        if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
            raise BadRequest(400, "a line of the head does not end as it must")
        self.method, self.path, old = _request_line(lines[0])
        self.headers = headers = _headers(lines)
        if not old and "host" not in headers:
            raise BadRequest(400, "the Host header is missing")
        connection = headers.get("connection")
        if connection is None:
            self.keep = not old
        else:
            options = connection.lower()
            self.keep = "keep-alive" in options if old else "close" not in options
        self.length, self.chunked = _length(headers)
        self.waits = not old and headers.get("expect", "").lower() == "100-continue"


def _request_line(line: str) -> "tuple[str, str, bool]":
    parts = line.split(" ")
    if len(parts) != 3 or not parts[0].isalpha() or not parts[1]:
        raise BadRequest(400, "the first line is not that of an HTTP request")
    method, target, version = parts
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        if version.startswith("HTTP/"):
            raise BadRequest(505, "this is HTTP/1.1")
        raise BadRequest(400, "the first line is not that of an HTTP request")
    if target[0] != "/" and "://" in target:  # as a proxy writes it
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return method, target.partition("?")[0], version == "HTTP/1.0"


def _headers(lines: "list[str]") -> Dict[str, str]:
    headers: Dict[str, str] = {}
    for at in range(1, len(lines)):
        name, colon, value = lines[at].partition(":")
        low = _lower.get(name)
        if low is None:
            if not colon or not _NAME.fullmatch(name):
                raise BadRequest(400, "a header is not a name, a colon and a value")
            low = name.lower()
            if len(_lower) < 1000:
                _lower[name] = low
        elif not colon:
            raise BadRequest(400, "a header is not a name, a colon and a value")
        value = value.strip(" \t")
        if low in headers:
            if low in _ONCE:
                raise BadRequest(400, "the header %s stands there twice" % low)
            value = headers[low] + ", " + value
        headers[low] = value
    return headers


def _length(headers: Dict[str, str]) -> "tuple[int, bool]":
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest(415, "the body must not be compressed")
    length = headers.get("content-length")
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if length is not None:
            raise BadRequest(400, "the body has a length and comes in chunks")
        if coding.lower() != "chunked":
            raise BadRequest(501, "the body must come with a length or in chunks")
        return 0, True
    if length is None:
        return 0, False
    if not length.isascii() or not length.isdigit() or len(length) > 18:
        raise BadRequest(400, "Content-Length is not a number")
    return int(length), False
