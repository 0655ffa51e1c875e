"""Echo, the service of the conformance cases, on the Python runtime."""

import os
import pathlib
import sys
import threading
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))

import dynsvc  # noqa: E402  # pylint: disable=wrong-import-position

service = dynsvc.Service("Echo", version="1.2.3", max_calls=int(os.environ.get("ECHO_MAX_CALLS", "1000")))
state = {"reason": "", "degraded": "", "cancelled": 0}
lock = threading.Lock()


@service.method
def echo(value: Any) -> Any:
    return value


@service.method
def add(a: int, b: int) -> int:
    return a + b


@service.method
def scale(x: float, factor: float = 2) -> float:
    return x * factor


@service.method
def greet(name: str, greeting: str = "Hello") -> str:
    return "%s, %s" % (greeting, name)


@service.method
def length(items: list) -> int:
    return len(items)


@service.method
def keys(things: dict) -> list:
    return sorted(things)


@service.method
def flip(on: bool) -> bool:
    return not on


@service.method
def swap(a: Any, b: Any) -> tuple:
    return b, a


@service.method
def nothing() -> None:
    pass


@service.method
def context(ctx: dynsvc.Context) -> dict:
    remaining = ctx.remaining()
    return {"user": ctx.user, "request_id": ctx.request_id, "job": ctx.job, "token": ctx.token,
            "has_deadline": ctx.deadline is not None, "remaining_positive": remaining is not None and remaining > 0,
            "cancelled": ctx.cancelled()}


@service.method
def refuse(message: str, code: int) -> None:
    raise service.call_error(message, code=code, details="because")


@service.method
def crash() -> None:
    raise RuntimeError("secret cause")


@service.method
def unspeakable() -> Any:
    return {1, 2}


@service.method
def sleep(ctx: dynsvc.Context, ms: int) -> str:
    try:
        ctx.sleep(ms / 1000)
    except dynsvc.Cancelled:
        with lock:
            state["cancelled"] += 1
        raise
    return "slept"


@service.method
def cancellations() -> int:
    return state["cancelled"]


@service.method
def report(ctx: dynsvc.Context, fraction: float, message: str, ms: int) -> str:
    ctx.progress(fraction, message)
    ctx.sleep(ms / 1000)
    return "reported"


@service.method
def ready(yes: bool, reason: str) -> None:
    state["reason"] = "" if yes else reason


@service.method
def degrade(message: str) -> None:
    state["degraded"] = message


@service.status
def status() -> dict:
    told = {"colour": "green"}
    if state["degraded"]:
        told.update(state="DEGRADED", message=state["degraded"])
    return told


@service.health
def health() -> Any:
    return state["reason"] or True


if __name__ == "__main__":
    service.run()
