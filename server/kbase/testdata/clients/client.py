"""A client of KBase's dynamic services that does on the wire what the generated
Python client does: a look-up before every call, the bare token in AUTHORIZATION,
no Content-Type, an error only where status and Content-Type say exactly so.
Written from a description of the protocol; no line of it is KBase's."""

import json
import random
import sys

import requests


class ServerError(Exception):
    # Takes no other keys, as the original does.
    def __init__(self, name, code, message=None, data=None, error=None):
        super().__init__(message)
        self.name, self.code, self.message = name, code, message or ""
        self.data = data or error or ""


class Client:
    def __init__(self, url, token=None):
        self.url, self.headers = url, {}
        if token:
            self.headers["AUTHORIZATION"] = token

    def _call(self, url, method, params, context=None):
        body = {"method": method, "params": params, "version": "1.1", "id": str(random.random())[2:]}
        if context:
            body["context"] = context
        answer = requests.post(url, data=json.dumps(body), headers=self.headers, timeout=60)
        answer.encoding = "utf-8"
        if answer.status_code == 500:
            if answer.headers.get("content-type") == "application/json":
                error = answer.json()
                if "error" in error:
                    raise ServerError(**error["error"])
            raise ServerError("Unknown", 0, answer.text)
        if not answer.ok:
            answer.raise_for_status()
        result = answer.json()
        if "result" not in result:
            raise ServerError("Unknown", 0, "An unknown server error occurred")
        if not result["result"]:
            return None
        return result["result"][0] if len(result["result"]) == 1 else result["result"]

    def call_method(self, method, params, service_ver=None):
        status = self._call(self.url, "ServiceWizard.get_service_status",
                            [{"module_name": method.split(".")[0], "version": service_ver}])
        return self._call(status["url"], method, params, {"service_ver": service_ver} if service_ver else None)


def outcome(call):
    try:
        return call()
    except ServerError as e:
        return {"name": e.name, "code": e.code, "message": e.message, "data": e.data}
    except Exception as e:
        return "%s: %s" % (type(e).__name__, e)


wizard, token = sys.argv[1:]
client, nobody = Client(wizard, token), Client(wizard)
print(json.dumps({
    "hello": outcome(lambda: client.call_method("Hello.hello", ["Zoë"], "dev")),
    "add": outcome(lambda: client.call_method("hello.add", [1, 2])),
    "whoami": outcome(lambda: client.call_method("Hello.whoami", [], "release")),
    "anonymous": outcome(lambda: nobody.call_method("Hello.whoami", [])),
    "fail": outcome(lambda: client.call_method("Hello.fail", ["it broke"])),
    "module": outcome(lambda: client.call_method("Nobody.hello", [])),
    "version": outcome(lambda: client.call_method("Hello.hello", [1], "7.0.0")),
    "function": outcome(lambda: client.call_method("Hello.nothing", [])),
}))
