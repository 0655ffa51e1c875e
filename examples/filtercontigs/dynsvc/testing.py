"""Tests of a module, through everything that a caller goes through.

    class TestFilter(unittest.TestCase):
        def setUp(self):
            self.client = dynsvc.testing.Client(server.service)
            self.addCleanup(self.client.close)

        def test_counts(self):
            self.assertEqual(self.client.call("count", ">a\\nACGT\\n"), 1)

        def test_refuses_nothing(self):
            with self.assertRaisesRegex(dynsvc.CallError, "no contigs"):
                self.client.call("count", "")
"""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, Dict, Mapping, Optional

from .environment import Environment
from .errors import CallError
from .log import Log
from .service import Service

_GRACE = 5.0  # seconds for calls in flight when the client closes


class Client:
    """Runs a service on a free port of this machine and calls it over HTTP.

    ``logs`` has what the service logged, one dict a line. Close it, or use it in a with.
    """

    def __init__(self, service: Service) -> None:
        self.logs: "list[Dict[str, Any]]" = []
        log = Log("debug", write=lambda line: self.logs.append(json.loads(line)))
        self.name = service.name
        self._server = service._serve(Environment(host="127.0.0.1", port=0), log)
        self.port = self._server.port
        self.url = "http://127.0.0.1:%d/" % self.port

    def call(self, method: str, *params: Any, user: Optional[str] = None, token: Optional[str] = None,
             timeout: Optional[float] = None, job: Optional[str] = None) -> Any:
        """Calls a method as the gateway would: the value that it returns, a tuple of several, or None.

        Raises CallError. ``timeout`` is in seconds and becomes the deadline; with ``job`` the
        call is one of a call job.
        """
        headers = {"X-Dynsvc-User": user, "Authorization": token, "X-Dynsvc-Job": job,
                   "X-Dynsvc-Deadline": None if timeout is None else "%d" % ((time.time() + timeout) * 1000)}
        reply = self.post({"version": "1.1", "id": "1", "method": "%s.%s" % (self.name, method), "params": params},
                          {name: value for name, value in headers.items() if value is not None})
        if "error" in reply:
            error = reply["error"]
            raise CallError(error["message"], error["code"], error["error"])
        values = reply["result"]
        if values is None:
            return None
        return values[0] if len(values) == 1 else tuple(values)

    def post(self, body: Any, headers: Optional[Mapping[str, str]] = None) -> Any:
        """Posts a body, bytes or what becomes JSON, and returns the answer's."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._fetch("POST", data, headers or {})[1]

    def status(self) -> Dict[str, Any]:
        """What Module.status says."""
        told: Dict[str, Any] = self.call("status")
        return told

    def health(self, path: str = "/") -> "tuple[int, Dict[str, Any]]":
        """The status and the body of the health check."""
        return self._fetch("GET", None, {}, path)

    def _fetch(self, method: str, data: Optional[bytes], headers: Mapping[str, str], path: str = "/") -> "tuple[int, Any]":
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request(method, path, data, dict(headers))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def close(self) -> None:
        """Stops the service."""
        self._server.stop(_GRACE)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
