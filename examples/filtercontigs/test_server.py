"""Run with: python3 -m unittest"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import fasta
import server

HERE = os.path.dirname(os.path.abspath(__file__))


def call(method, params, **more):
    body = json.dumps(dict({"version": "1.1", "id": "7", "method": method, "params": params}, **more))
    return server.handle(body.encode())[1:]


def filtered(text, least):
    status, reply = call("FilterContigs.filter_contigs", [{"fasta": text, "min_length": least}])
    assert status == 200, reply
    return reply["result"][0]


class Filtering(unittest.TestCase):
    def test_texts(self):
        cases = [
            # text, least, initial, removed, bases, result
            ("", 10, 0, 0, 0, ""),
            ("\n \r\n", 10, 0, 0, 0, ""),
            (">a\nACGT\n", 4, 1, 0, 4, ">a\nACGT\n"),
            (">a\nACGT", 5, 1, 1, 0, ""),
            (">a one\nAC\nGT\n>b\nA\n", 4, 2, 1, 4, ">a one\nACGT\n"),
            (">a\r\nAC\r\nGT\r\n\r\n>b\r\nacgtn\r\n", 4, 2, 0, 9, ">a\nACGT\n>b\nacgtn\n"),
            (">a\rACGT\r>b\rAC\r", 4, 2, 1, 4, ">a\nACGT\n"),
            ("\n\n>a\n\nAC GT\n\n\n", 4, 1, 0, 4, ">a\nACGT\n"),
            (">a\n>b\nACGT\n>c", 1, 3, 2, 4, ">b\nACGT\n"),
            (">a\n>b\nACGT\n", 0, 2, 0, 4, ">a\n>b\nACGT\n"),
            (">\nACGT\n", 1, 1, 0, 4, ">\nACGT\n"),
            ("\ufeff>a\nACGT\n", 1, 1, 0, 4, ">a\nACGT\n"),
            (">a > b\nAC-GT*\n", 1, 1, 0, 6, ">a > b\nAC-GT*\n"),
        ]
        for text, least, initial, removed, bases, result in cases:
            with self.subTest(text=text, least=least):
                self.assertEqual(filtered(text, least), {
                    "n_initial_contigs": initial, "n_contigs_removed": removed,
                    "n_contigs_remaining": initial - removed, "n_bases_remaining": bases, "fasta": result})

    def test_long_sequences_are_folded_and_read_back(self):
        text = ">a\n" + "ACGTN" * 100 + "\n"
        result = filtered(text, 1)
        self.assertEqual(max(map(len, result["fasta"].splitlines())), fasta.LINE)
        self.assertEqual(filtered(result["fasta"], 1), result)

    def test_not_fasta(self):
        for text in ["ACGT", "{}", "; old comment\nACGT", ">a\nAC1GT", ">a\nACGT\n  >b\nAC", "@read\nACGT\n+\n!!!!", ">a\n\u00e4"]:
            with self.subTest(text=text):
                status, reply = call("FilterContigs.filter_contigs", [{"fasta": text, "min_length": 1}])
                self.assertEqual((status, reply["error"]["code"]), (500, -32602))
                self.assertIn("not FASTA", reply["error"]["message"])
                self.assertNotIn("result", reply)

    def test_large_input_is_fast(self):
        text = "".join(">c%d\n%s\n" % (i, "\n".join(["ACGT" * 15] * 180)) for i in range(280))
        self.assertGreater(len(text), 3000000)
        result = filtered(text, 1)
        self.assertEqual(result["n_bases_remaining"], 280 * 180 * 60)
        self.assertEqual(result["fasta"], text)


class Protocol(unittest.TestCase):
    def test_errors(self):
        name = "FilterContigs.filter_contigs"
        good = {"fasta": "", "min_length": 1}
        for params, text in [
                ([], "one object"), ([good, good], "one object"), (["x"], "one object"), ({}, "must be a list"),
                ([{}], "fasta must be"), ([{"fasta": 3, "min_length": 1}], "fasta must be"),
                ([{"fasta": ""}], "min_length must be"), ([{"fasta": "", "min_length": "5"}], "min_length must be"),
                ([{"fasta": "", "min_length": True}], "min_length must be"),
                ([{"fasta": "", "min_length": -1}], "min_length must be"),
                ([{"fasta": "", "min_length": 1.5}], "min_length must be")]:
            with self.subTest(params=params):
                status, reply = call(name, params)
                self.assertEqual((status, reply["error"]["code"], reply["id"]), (500, -32602, "7"))
                self.assertIn(text, reply["error"]["message"])

    def test_envelopes(self):
        status, reply = call("FilterContigs.nothing", [])
        self.assertEqual((status, reply["error"]["code"]), (500, -32601))
        for body, code in [(b"", -32700), (b"{", -32700), (b"\xff", -32700), (b"[]", -32600), (b"3", -32600),
                           (b'{"params": []}', -32600), (b'{"method": 3}', -32600), (b"[" * 100000, -32603)]:
            with self.subTest(body=body[:20]):
                _, status, reply = server.handle(body)
                self.assertEqual((status, reply["error"]["code"], reply["version"]), (500, code, "1.1"))

    def test_status(self):
        status, reply = call("FilterContigs.status", [], id=12)
        self.assertEqual((status, reply["id"], reply["result"][0]["state"]), (200, 12, "OK"))

    def test_version_2(self):
        body = b'{"jsonrpc": "2.0", "id": 1, "method": "FilterContigs.status"}'
        self.assertEqual(list(server.handle(body)[2]), ["jsonrpc", "id", "result"])

    def test_the_manifest_has_this_version(self):
        with open(os.path.join(HERE, "module.hcl"), encoding="utf-8") as manifest:
            self.assertEqual(re.search(r'version\s*=\s*"(.*)"', manifest.read()).group(1), server.VERSION)


class Process(unittest.TestCase):
    """The program itself, on a port of its own."""

    def setUp(self):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "server.py")], stderr=subprocess.PIPE,
                                        env=dict(os.environ, HOST="127.0.0.1", PORT="0"), text=True)
        self.port = int(re.search(r":(\d+)", self.process.stderr.readline()).group(1))
        self.addCleanup(self.process.stderr.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.addCleanup(connection.close)
        return connection

    def test_keeps_connections_and_answers_health(self):
        connection = self.connect()
        for _ in range(3):
            connection.request("GET", "/")
            answer = connection.getresponse()
            self.assertEqual((answer.status, json.load(answer)["state"]), (200, "OK"))
            connection.request("POST", "/", '{"version": "1.1", "id": "1", "method": "FilterContigs.status", "params": []}')
            answer = connection.getresponse()
            self.assertEqual(answer.getheader("Content-Type"), "application/json")
            self.assertEqual(json.load(answer)["id"], "1")
        connection.request("POST", "/", iter([b'{"version": "1.1", "id": "1", ', b'"method": "x"}']), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})
        answer = connection.getresponse()
        self.assertEqual((answer.status, json.load(answer)["error"]["code"]), (500, -32601))

    def test_finishes_the_call_in_flight_when_told_to_stop(self):
        idle = self.connect()
        idle.request("GET", "/")
        idle.getresponse().read()
        body = b'{"version": "1.1", "id": "1", "method": "FilterContigs.status", "params": []}'
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as half:
            half.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
            idle.request("GET", "/")  # answered after the other's head was read, as far as can be told from here
            idle.getresponse().read()
            time.sleep(0.2)
            self.process.send_signal(signal.SIGTERM)
            with self.assertRaises(subprocess.TimeoutExpired):
                self.process.wait(timeout=0.3)
            half.sendall(body)
            answer = http.client.HTTPResponse(half)
            answer.begin()
            self.assertEqual((answer.status, answer.getheader("Connection")), (200, "close"))
            self.assertEqual(json.load(answer)["result"][0]["state"], "OK")
        self.assertEqual(self.process.wait(timeout=10), 0)

    def test_many_at_once(self):
        results = []

        def one():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            connection.request("POST", "/", '{"version": "1.1", "id": "1", "method": "FilterContigs.status", "params": []}')
            results.append(connection.getresponse().status)
            connection.close()

        threads = [threading.Thread(target=one) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [200] * 100)


if __name__ == "__main__":
    unittest.main()
