"""The driver of the Python client."""

from __future__ import annotations

import json
import os
import threading
from typing import Any, Callable

import everything
from everything import Client, Inner, Record, Region


def step(name: str, work: Callable[[], Any]) -> None:
    """Prints what comes of a step."""
    try:
        value = work()
    except everything.RPCError as error:
        value = {
            "error": "rpc",
            "code": error.code,
            "name": error.name,
            "message": error.message,
            "data": error.data,
            "status": error.status,
            "request_id": bool(error.request_id),
        }
    except everything.CallTimeout as error:
        assert isinstance(error, TimeoutError)
        value = {"error": "timeout"}
    except everything.TransportError as error:
        value = {"error": "transport", "status": error.status}
    except everything.JobCancelled:
        value = {"error": "cancelled"}
    print(name, json.dumps(value), sep="\t", flush=True)


def record() -> Record:
    return {
        "number": -1234567890123,
        "fraction": 0.25,
        "text": '"q" \\ \n ünïcode 试验 </script>',
        "any": {"a": [1, None, "x", {"b": True}], "empty": {}},
        "strings": ["a"],
        "matrix": [[1.5, -2], []],
        "labels": {"k-1": "v"},
        "groups": {"1": [{"name": "n", "good": 1}]},
        "nested": {"a": {"b": Region("s", 1, 2)}},
        "pair": ("p", 2),
        "pairs": [("x", {"name": "y", "good": 0})],
        "region": Region(id="s1", start=10, end=20),
        "inner": {"name": "in", "good": 1},
        "inners": [],
        "lengths": {"s1": 5},
        "reference": {"workspace": "w", "object_id": 7},
    }


def full() -> Record:
    r = record()
    r["maybe"] = ""
    r["maybe_number"] = 0
    r["maybe_flag"] = 1
    r["maybe_list"] = []
    r["maybe_map"] = {"a": 0.5}
    r["maybe_inner"] = {"name": "", "good": 0}
    r["maybe_region"] = Region("s2", 0, 0)
    r["maybe_any"] = [1]
    r["class"] = "c"
    return r


def typed(r: Record) -> Record:
    """A record whose tuples are what they are said to be."""
    assert isinstance(r["region"], Region) and r["region"].end == 20, r["region"]
    assert isinstance(r["nested"]["a"]["b"], Region)
    assert isinstance(r["pair"], tuple) and isinstance(r["pairs"][0], tuple)
    return r


def calls(client: Client) -> None:
    step("echo_record", lambda: typed(client.echo_record(record())))
    step("echo_record_full", lambda: typed(client.echo_record(full())))
    words: everything.Words = {
        "class": "1",
        "def": "2",
        "func": "3",
        "function": "4",
        "import": "5",
        "from": "6",
        "type": "7",
        "interface": "8",
        "package": "9",
        "return": "10",
        "self": "11",
        "this": "12",
        "new": "13",
        "default": "14",
        "in": "15",
        "is": "16",
        "lambda": "17",
        "my": "18",
        "sub": "19",
        "next": "20",
        "repeat": "21",
        "hashCode": "22",
        "None": "23",
    }
    step("echo_words", lambda: client.echo_words(words))
    hard: everything.Hard = {
        "foo_bar": "1",
        "fooBar": "2",
        "FooBar": "3",
        "foo-bar": "4",
        "foo$bar": "5",
        "url": "6",
        "genome_id": "7",
        "x1y2": "8",
    }
    step("echo_hard", lambda: client.echo_hard(hard))
    step(
        "echo_types",
        lambda: client.echo_types({"id": "c"}, {"id": "j"}, "s", [{"id": "l"}], {"message": "m"}),
    )

    def scalars() -> Any:
        result = client.echo_scalars(1234567890123, 0.5, "it's", 1)
        assert result.f == 0.5, result
        return result

    step("echo_scalars", scalars)
    step("echo_any", lambda: client.echo_any({"deep": [1, 2.5, {"x": None}], "list": []}))
    step("echo_any_text", lambda: client.echo_any("text"))
    step(
        "echo_lists",
        lambda: client.echo_lists(["one"], [[1, 2], []], {"x": [0.5], "y": []}),
    )
    step("echo_lists_nil", lambda: client.echo_lists([], [], {}))

    def rows() -> Any:
        first = everything.Row("a", 1, 0.5, [Region("s", 1, 2), Region("t", 3, 4)])
        result = client.echo_rows([first, everything.Row("b", 2, 1.5, [])])
        assert result[0].regions[1].start == 3 and result[0].class_ == 0.5, result
        return result

    step("echo_rows", rows)

    def pair() -> Any:
        result = client.echo_tuple(("n", {"name": "i", "good": 1}))
        assert isinstance(result, tuple), result
        return result

    step("echo_tuple", pair)
    step("echo_empty", lambda: client.echo_empty({}))
    step(
        "echo_reference",
        lambda: client.echo_reference({"workspace": "w", "object_id": 9007199254740991}),
    )
    step("count", client.count)
    step("forget", lambda: client.forget("it"))
    step("nothing", client.nothing)
    inner: Inner = {"name": "i", "good": 0}
    step("unnamed", lambda: client.unnamed(1, 2, "x", inner, []))
    regions = [Region("l", 0, 0), Region("m", 5, 6), Region("r", 0, 0)]
    step("middle", lambda: client.middle(regions))
    step("import", lambda: client.import_("a", "b", "c", "d", 5))
    step("close", lambda: client.close("a", "b", "c", "d", "e", "f"))
    step("whoami", client.whoami)
    step("version", Client(token="secret", version=">=1.0 <2/x").count)
    step("slow_sync", lambda: typed(client.slow(0, "")))


def faults(client: Client) -> None:
    step("fail", lambda: client.fail(17, "it's \"wrong\""))
    step("whoami_nobody", Client().whoami)
    step("nowhere", Client(token="secret", version="nowhere").count)
    step(
        "nowhere_job",
        lambda: Client(token="secret", version="nowhere").submit_slow_nothing(1),
    )
    for version in ("full", "html", "moved", "busy", "broken"):
        step(version, Client(token="secret", version=version).count)
    step("stuck", Client(token="secret", version="stuck", timeout=0.5).count)
    step("closed", Client(os.environ["CLOSED_URL"], "secret", retry_for=0.5).count)
    step(
        "idempotent",
        Client(token="secret", version="broken-idempotent", idempotent=["count"]).count,
    )


def jobs(client: Client) -> None:
    told: list[float] = []

    def progress(status: everything.JobStatus) -> None:
        if status.progress is not None:
            told.append(status.progress)

    step("run_slow", lambda: typed(client.run_slow(3, "", progress=progress)))
    step("run_progress", lambda: bool(told) and told == sorted(told))
    step("run_pair", lambda: client.run_slow_pair(1))
    step("run_nothing", lambda: client.run_slow_nothing(1))
    step("run_count", client.run_count)

    job = client.submit_slow(1, "")
    step("job_id", lambda: bool(job.id))
    step("job_wait", lambda: typed(job.wait()))
    step("job_again", lambda: typed(job.wait()))
    step("job_done", lambda: job.check().state)
    step("job_reopened", lambda: typed(client.open_slow(job.id).wait()))

    held = client.submit_slow(1, "hold")
    step("job_running", lambda: not held.check().finished)
    step("job_timeout", lambda: held.wait(timeout=0.3))
    held.cancel()
    step("job_cancel", held.wait)
    step("job_failed", lambda: client.run_slow(1, "fail"))
    step("job_dead", lambda: client.run_slow(1, "die"))
    step(
        "job_broken",
        lambda: Client(token="secret", version="broken-job").run_slow_pair(1),
    )

    given_up = threading.Event()
    threading.Timer(0.3, given_up.set).start()
    stopped = Client(token="secret", version="stopped")
    step("run_stopped", lambda: stopped.run_slow(1, "hold", cancel=given_up))


if __name__ == "__main__":
    everyday = Client(token="secret")
    calls(everyday)
    faults(everyday)
    jobs(everyday)
