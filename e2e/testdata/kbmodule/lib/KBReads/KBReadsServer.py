"""Serves KBReads as the servers that KBase's tools write do: JSON-RPC 1.1, any POST."""
import configparser
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = 1

reader = configparser.RawConfigParser()
reader.read(os.environ["KB_DEPLOYMENT_CONFIG"])
config = dict(reader.items(os.environ.get("KB_SERVICE_NAME", "KBReads")))


def whose(token):
    """Asks the auth service, as the generated servers do, by its legacy path."""
    form = urllib.parse.urlencode({"token": token, "fields": "user_id"}).encode()
    with urllib.request.urlopen(config["auth-service-url"], data=form, timeout=10) as answer:
        return json.load(answer)["user_id"]


def count(token, reads):
    return [sum(len(read) for read in reads)]


def facts(token):
    if not token:
        raise PermissionError("Authentication required for KBReads but no authentication header was passed")
    user = whose(token)
    return [{"user": user, "endpoint": config["kbase-endpoint"], "scratch": config["scratch"], "password": config["password"],
             "whoami": "%d at %s" % (os.getuid(), os.getcwd()), "version": VERSION}]


def status(token):
    return [{"state": "OK", "message": "", "version": "0.0.%d" % VERSION, "git_url": "", "git_commit_hash": ""}]


METHODS = {"KBReads.count": count, "KBReads.facts": facts, "KBReads.status": status}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"version": "1.1", "id": request.get("id")}
        try:
            answer["result"] = METHODS[request["method"]](self.headers.get("Authorization"), *request["params"])
            code = 200
        except Exception as error:  # as theirs do
            answer["error"] = {"name": "Server error", "code": -32000, "message": str(error)}
            code = 500
        body = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


print("listening on 5000")
ThreadingHTTPServer(("", 5000), Handler).serve_forever()
