"""What an author can say, and what a caller then reads."""

import datetime
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from typing import Any, Dict, List, Optional, Union

import dynsvc
import dynsvc.testing
from dynsvc import environment, log


class ServiceTest(unittest.TestCase):
    def setUp(self):
        self.service = dynsvc.Service("Test", version="1.0.0", max_body=1000)

    def client(self):
        client = dynsvc.testing.Client(self.service)
        self.addCleanup(client.close)
        return client

    def refused(self, code, text):
        test = self

        class Refused:
            def __enter__(self):
                return self

            def __exit__(self, kind, error, _trace):
                test.assertIsInstance(error, dynsvc.CallError)
                test.assertEqual(error.code, code)
                test.assertIn(text, error.message)
                return True

        return Refused()


class TestMethods(ServiceTest):
    def test_a_function_stays_a_function(self):
        @self.service.method
        def add(a: int, b: int) -> int:
            return a + b

        self.assertEqual(add(1, 2), 3)
        self.assertEqual(self.client().call("add", 1, 2), 3)

    def test_another_name(self):
        @self.service.method(name="import")
        def import_(text: str) -> str:
            return text

        self.assertEqual(self.client().call("import", "x"), "x")

    def test_any_number_of_parameters(self):
        @self.service.method
        def count(first: str, *rest: str) -> list:
            return [first, len(rest)]

        client = self.client()
        self.assertEqual(client.call("count", "a"), ["a", 0])
        self.assertEqual(client.call("count", "a", "b", "c"), ["a", 2])
        with self.refused(dynsvc.INVALID_PARAMS, "first"):
            client.call("count")

    def test_annotations(self):
        @self.service.method
        def kinds(a: Optional[str], b: List[int], c: Dict[str, Any], d: Union[int, str], e: Optional[float] = None,
                  f: int = None) -> list:
            return [a, b, c, d, e, f]

        client = self.client()
        self.assertEqual(client.call("kinds", None, [], {}, "x"), [None, [], {}, "x", None, None])
        self.assertEqual(client.call("kinds", "a", [1], {"x": 1}, 1, 2, None), ["a", [1], {"x": 1}, 1, 2.0, None])
        for at, wrong in ((0, 1), (1, {}), (2, []), (4, "x"), (5, 1.5)):
            given = ["a", [], {}, 1, 1, 1]
            given[at] = wrong
            with self.refused(dynsvc.INVALID_PARAMS, "%s of Test.kinds" % "abcdef"[at]):
                client.call("kinds", *given)

    def test_annotations_that_are_text(self):
        def late(ctx: "dynsvc.Context", n: "int") -> "str":
            return "%s %d" % (ctx.method, n)

        late.__annotations__["gone"] = "Missing"  # as under TYPE_CHECKING
        self.service.method(late)
        self.assertEqual(self.client().call("late", 1), "Test.late 1")

    def test_a_number_too_large_to_be_one(self):
        self.service.method(name="half")(half)
        with self.refused(dynsvc.INVALID_PARAMS, "too large"):
            self.client().call("half", 10**400)

    def test_returns(self):
        @self.service.method
        def silent(text):
            return text

        @self.service.method
        def none() -> Optional[str]:
            return None

        @self.service.method
        def three() -> tuple:
            return 1, [2], None

        client = self.client()
        self.assertIsNone(client.post({"method": "Test.silent", "params": [None]})["result"])
        self.assertEqual(client.post({"method": "Test.none"})["result"], [None])
        self.assertEqual(client.call("three"), (1, [2], None))

    def test_faults_are_told_to_nobody_but_the_log(self):
        @self.service.method
        def leave() -> None:
            sys.exit("secret")

        @self.service.method
        def infinite() -> float:
            return float("inf")

        client = self.client()
        for method in ("leave", "infinite"):
            with self.refused(dynsvc.INTERNAL_ERROR, "log says why"):
                client.call(method)
        self.assertEqual(sum(line["level"] == "error" for line in client.logs), 2)
        self.assertIn("secret", str(client.logs))

    def test_half_a_surrogate_pair(self):
        @self.service.method
        def half_pair() -> str:
            return "\ud83e"

        self.assertEqual(self.client().call("half_pair"), "\ud83e")

    def test_errors_for_the_caller(self):
        @self.service.method
        def refuse(n: int) -> None:
            if n < 0:
                raise dynsvc.InvalidParams("n must be 0 or more")
            raise self.service.call_error("no", code=n, details="long")

        client = self.client()
        with self.refused(dynsvc.INVALID_PARAMS, "0 or more"):
            client.call("refuse", -1)
        with self.refused(7, "no"):
            client.call("refuse", 7)
        self.assertFalse([line for line in client.logs if line["level"] == "error"])

    def test_what_an_author_cannot_say(self):
        def keyword(*, a: int) -> None:
            pass

        async def later() -> None:
            pass

        def fine() -> None:
            pass

        for wrong, text in (
            (lambda: self.service.method(keyword), "position"),
            (lambda: self.service.method(later), "plain def"),
            (lambda: self.service.method(name="a.b")(fine), "a.b"),
            (lambda: self.service.method(name="status")(fine), "@service.status"),
            (lambda: [self.service.method(fine), self.service.method(fine)], "twice"),
            (lambda: [self.service.status(dict), self.service.status(dict)], "twice"),
            (lambda: [self.service.health(fine), self.service.health(fine)], "twice"),
            (lambda: dynsvc.Service("a-b"), "a-b"),
            (lambda: dynsvc.Service("A", health_path="x"), "health_path"),
            (lambda: dynsvc.Service("A", max_calls=0), "max_calls"),
            (lambda: dynsvc.CallError("x", code="y"), "whole number"),
        ):
            with self.subTest(text), self.assertRaisesRegex((ValueError, TypeError), text.replace(".", r"\.")):
                wrong()


def half(x: float) -> float:
    return x / 2


class TestContext(ServiceTest):
    def test_what_it_says(self):
        @self.service.method
        def say(ctx: dynsvc.Context) -> dict:
            return {"user": ctx.user, "token": ctx.token, "job": ctx.job, "method": ctx.method,
                    "deadline": ctx.deadline and ctx.deadline.isoformat(), "remaining": ctx.remaining()}

        client = self.client()
        self.assertEqual(client.call("say"), {"user": None, "token": None, "job": None, "method": "Test.say",
                                              "deadline": None, "remaining": None})
        said = client.call("say", user="ada", token="Bearer T", job="j", timeout=60)
        self.assertEqual((said["user"], said["token"], said["job"]), ("ada", "T", "j"))
        self.assertTrue(50 < said["remaining"] <= 60)
        at = datetime.datetime.fromisoformat(said["deadline"])
        self.assertLess(abs(at - datetime.datetime.now(datetime.timezone.utc)), datetime.timedelta(seconds=61))

    def test_the_deadline_ends_a_loop(self):
        @self.service.method
        def spin(ctx: dynsvc.Context) -> None:
            while True:
                ctx.check()

        with self.refused(dynsvc.REFUSED, "deadline"):
            self.client().call("spin", timeout=0.2)

    def test_a_caller_who_leaves_ends_a_loop(self):
        began, ended = threading.Event(), threading.Event()

        @self.service.method
        def spin(ctx: dynsvc.Context) -> None:
            began.set()
            while not ctx.cancelled():
                time.sleep(0.001)
            ended.set()

        client = self.client()
        body = b'{"method":"Test.spin"}'
        with socket.create_connection(("127.0.0.1", client.port)) as sock:
            sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            self.assertTrue(began.wait(10))
            self.assertFalse(ended.is_set())
        self.assertTrue(ended.wait(10))

    def test_a_next_request_is_not_the_end(self):
        @self.service.method
        def nap(ctx: dynsvc.Context) -> str:
            ctx.sleep(0.3)
            return "slept"

        client = self.client()
        body = b'{"method":"Test.nap"}'
        ask = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        with socket.create_connection(("127.0.0.1", client.port)) as sock:
            sock.settimeout(10)
            sock.sendall(ask + ask)
            got = b""
            while got.count(b"slept") < 2:
                got += sock.recv(4096) or self.fail(got)

    def test_logs_carry_the_call(self):
        @self.service.method
        def talk(ctx: dynsvc.Context) -> str:
            ctx.log.info("talked", colour="green", odd={1, 2})
            logging.getLogger("library").warning("careful: %d", 3)
            return ctx.request_id

        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        root.handlers.clear()
        lines: List[bytes] = []
        log.adopt(log.Log(write=lines.append))
        self.addCleanup(root.setLevel, level)
        self.addCleanup(setattr, root, "handlers", handlers)
        client = self.client()
        request_id = client.call("talk")
        said = {line["msg"]: line for line in client.logs}
        self.assertEqual(said["talked"]["colour"], "green")
        self.assertEqual(said["talked"]["request_id"], request_id)
        self.assertEqual(said["careful: 3"]["request_id"], request_id)
        self.assertEqual((said["careful: 3"]["level"], said["careful: 3"]["logger"]), ("warn", "library"))
        logging.getLogger("library").error("outside")
        self.assertIn(b'"msg":"outside"', lines[-1])


class TestStatusAndHealth(ServiceTest):
    def test_without_an_author(self):
        client = self.client()
        self.assertEqual(client.status(), {"state": "OK", "message": "", "version": "1.0.0", "git_url": "", "git_commit_hash": ""})
        self.assertEqual(client.health()[0], 200)

    def test_that_fail(self):
        @self.service.status
        def status() -> dict:
            raise RuntimeError("secret")

        @self.service.health
        def health() -> bool:
            raise RuntimeError("secret")

        client = self.client()
        self.assertEqual(client.status()["state"], "DEGRADED")
        code, said = client.health()
        self.assertEqual((code, said["state"]), (503, "NOT READY"))
        self.assertNotIn("secret", str(said) + str(client.status()))
        self.assertIn("secret", str(client.logs))

    def test_another_path(self):
        service = dynsvc.Service("Test", health_path="/healthz")
        service.health(lambda: False)
        with dynsvc.testing.Client(service) as client:
            self.assertEqual(client.health("/healthz")[0], 503)
            code, said = client.health("/")
            self.assertEqual(code, 404)
            self.assertIn("/healthz", said["error"])


class TestBodies(ServiceTest):
    def raw(self, client, text):
        with socket.create_connection(("127.0.0.1", client.port)) as sock:
            sock.settimeout(10)
            sock.sendall(text)
            got = b""
            while True:
                more = sock.recv(65536)
                if not more:
                    return got
                got += more

    def test_too_large(self):
        client = self.client()
        head = b"POST / HTTP/1.1\r\nHost: x\r\n"
        for text in (head + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001,
                     head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1f4\r\n" + b"x" * 500 + b"\r\n1f5\r\n" + b"x" * 501,
                     head + b"Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n"):
            got = self.raw(client, text)
            self.assertTrue(got.startswith(b"HTTP/1.1 413 "), got)
            self.assertIn(b"1000 bytes" if b"chunked" in text else b"takes 1000", got)

    def test_a_body_that_breaks_off(self):
        client = self.client()
        with socket.create_connection(("127.0.0.1", client.port)) as sock:
            sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
        self.assertEqual(client.health()[0], 200)


class TestEnvironment(unittest.TestCase):
    def test_durations(self):
        for text, want in (("30s", 30), ("1m30s", 90), ("250ms", 0.25), ("5", 5), ("1.5", 1.5), ("1h", 3600)):
            self.assertEqual(environment.read({"DYNSVC_STOP_GRACE": text}).stop_grace, want)

    def test_faults_name_the_variable(self):
        for name, value in (("PORT", "x"), ("PORT", "65536"), ("DYNSVC_STOP_GRACE", "1d"), ("LOG_LEVEL", "all")):
            with self.assertRaisesRegex(environment.Misconfigured, name + ".*" + value):
                environment.read({name: value})


class TestRun(unittest.TestCase):
    def test_children_get_signals(self):
        """A program that the author starts can be stopped, and stdout is the author's."""
        program = (
            "import dynsvc, subprocess, sys\n"
            "service = dynsvc.Service('Run')\n"
            "child = subprocess.Popen(['sleep', '60'])\n"
            "child.terminate(); print(child.wait(), flush=True)\n"
            "service.run()\n"
        )
        env = {**os.environ, "PORT": "0", "HOST": "127.0.0.1", "PYTHONPATH": os.path.dirname(os.path.dirname(dynsvc.__file__))}
        with subprocess.Popen([sys.executable, "-c", program], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            self.assertIn('"listening"', process.stderr.readline())
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=20)
        self.assertEqual((out, process.returncode), ("%d\n" % -signal.SIGTERM, 0))


if __name__ == "__main__":
    unittest.main()
