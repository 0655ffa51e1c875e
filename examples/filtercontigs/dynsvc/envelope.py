"""JSON-RPC 1.1, as KBase speaks it, and 2.0: bodies to requests, results to bodies."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Tuple, Union

from .errors import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, CallError

SHAPE = ('a request is one object such as {"version": "1.1", "id": "1", "method": "Module.name", "params": []}')
_NAMES = ("method", "params", "id", "version", "jsonrpc")
_space = re.compile(r"[ \t\r\n]*").match


def _no_constant(name: str) -> None:
    raise ValueError("%s is not JSON" % name)


_decode = json.JSONDecoder(parse_constant=_no_constant).raw_decode
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode

Params = Union[List[Any], Dict[str, Any]]


class Envelope:
    """One request, as far as it could be read: it knows how to answer itself."""

    __slots__ = ("v2", "id", "method", "params")

    def __init__(self) -> None:
        self.v2 = False
        self.id: Any = None
        self.method = ""
        self.params: Params = []

    def result(self, values: Any) -> bytes:
        """The body of an answer; raises ValueError or TypeError where values are no JSON."""
        if self.v2:
            return _bytes({"jsonrpc": "2.0", "id": self.id, "result": values})
        return _bytes({"version": "1.1", "id": self.id, "result": values})

    def error(self, error: CallError) -> bytes:
        """The body of an answer with status 500. KBase's clients take no other members."""
        if self.v2:
            return _bytes({"jsonrpc": "2.0", "id": self.id, "error": {
                "code": error.code, "message": error.message, "data": error.details}})
        return _bytes({"version": "1.1", "id": self.id, "error": {
            "name": "JSONRPCError", "code": error.code, "message": error.message, "error": error.details}})


def _bytes(reply: Dict[str, Any]) -> bytes:
    text = _encode(reply)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair can be written, but only escaped
        return _encode_ascii(reply).encode()


def fill(envelope: Envelope, body: Union[bytes, bytearray]) -> None:
    """Reads a body into envelope; raises CallError and leaves there what an answer needs."""
    try:
        members, twice = _members(body.decode("utf-8"))
    except RecursionError:
        raise CallError("the body is nested too deeply", PARSE_ERROR) from None
    except ValueError as error:
        raise CallError("the body is not JSON: %s" % error, PARSE_ERROR) from None
    if twice:
        raise CallError("%s stands twice in the request" % twice, INVALID_REQUEST)

    number = members.get("id")
    if isinstance(number, (list, dict)):
        raise CallError("id must be a string or a number", INVALID_REQUEST)
    envelope.id = number
    if "jsonrpc" in members:
        if members["jsonrpc"] != "2.0":
            raise CallError('jsonrpc must be "2.0"; leave it out for JSON-RPC 1.1', INVALID_REQUEST)
        envelope.v2 = True
    if not isinstance(members.get("version", ""), str):
        raise CallError("version must be a string", INVALID_REQUEST)
    method = members.get("method")
    if not isinstance(method, str) or not method:
        raise CallError("method is missing or no string: " + SHAPE, INVALID_REQUEST)
    envelope.method = method
    params = members.get("params")
    if params is None:
        params = []
    if not isinstance(params, list) and not (envelope.v2 and isinstance(params, dict)):
        raise CallError("params must be a list, one element for each parameter", INVALID_PARAMS)
    envelope.params = params


def _members(text: str) -> Tuple[Dict[str, Any], str]:
    """The members of the object that text is, and a name that stands there twice.

    Such a name matters because another reader, the gateway, could see the other
    value. Objects within are read in one go.
    """
    at = _space(text, 0).end()  # type: ignore[union-attr]
    if text[at:at + 1] != "{":
        value, at = _decode(text, at)
        _end(text, at)
        what = "a list: batches are not supported, " if isinstance(value, list) else "no object: "
        raise CallError("the body is " + what + SHAPE, INVALID_REQUEST)
    members: Dict[str, Any] = {}
    twice = ""
    at = _space(text, at + 1).end()  # type: ignore[union-attr]
    if text[at:at + 1] == "}":
        _end(text, at + 1)
        return members, twice
    while True:
        if text[at:at + 1] != '"':
            raise ValueError("a name in quotes is missing at character %d" % at)
        name, at = _decode(text, at)
        at = _space(text, at).end()  # type: ignore[union-attr]
        if text[at:at + 1] != ":":
            raise ValueError("':' is missing at character %d" % at)
        value, at = _decode(text, _space(text, at + 1).end())  # type: ignore[union-attr]
        if name in members and name in _NAMES:
            twice = name
        members[name] = value
        at = _space(text, at).end()  # type: ignore[union-attr]
        after = text[at:at + 1]
        if after == "}":
            _end(text, at + 1)
            return members, twice
        if after != ",":
            raise ValueError("',' or '}' is missing at character %d" % at)
        at = _space(text, at + 1).end()  # type: ignore[union-attr]


def _end(text: str, at: int) -> None:
    at = _space(text, at).end()  # type: ignore[union-attr]
    if at != len(text):
        raise ValueError("something follows the request at character %d" % at)


def failed() -> CallError:
    """What the caller reads of a fault."""
    return CallError("the method failed; the service's log says why", INTERNAL_ERROR)
