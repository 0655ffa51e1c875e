"""What the platform tells the program: the only reader of the environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Mapping

LEVELS = ("debug", "info", "warn", "error")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


class Misconfigured(Exception):
    """A variable of the environment that cannot be used, and what to do about it."""


@dataclass(frozen=True)
class Environment:
    """The variables of the runtime contract."""

    host: str = "0.0.0.0"
    port: int = 5000
    module: str = ""
    version: str = ""
    git_url: str = ""
    git_commit_hash: str = ""
    service: str = ""
    alloc: str = ""
    stop_grace: float = 30.0  # seconds
    log_level: str = "info"


def read(env: Mapping[str, str] = os.environ) -> Environment:
    """Reads the environment; raises Misconfigured."""
    return Environment(
        host=env.get("HOST") or "0.0.0.0",
        port=_port(env.get("PORT") or "5000"),
        module=env.get("DYNSVC_MODULE", ""),
        version=env.get("DYNSVC_VERSION", ""),
        git_url=env.get("DYNSVC_GIT_URL", ""),
        git_commit_hash=env.get("DYNSVC_GIT_COMMIT", ""),
        service=env.get("DYNSVC_SERVICE", ""),
        alloc=env.get("DYNSVC_ALLOC", ""),
        stop_grace=_seconds(env.get("DYNSVC_STOP_GRACE") or "30s"),
        log_level=_level(env.get("LOG_LEVEL") or "info"),
    )


def _port(text: str) -> int:
    if not re.fullmatch(r"\d{1,5}", text) or int(text) > 65535:
        raise Misconfigured("PORT must be a number from 0 to 65535, not %r" % text)
    return int(text)


def _seconds(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not _DURATION.fullmatch(text):
        raise Misconfigured("DYNSVC_STOP_GRACE must be a duration such as 30s or 1m30s, not %r" % text)
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def _level(text: str) -> str:
    level = {"warning": "warn", "trace": "debug"}.get(text.lower(), text.lower())
    if level not in LEVELS:
        raise Misconfigured("LOG_LEVEL must be one of %s, not %r" % (", ".join(LEVELS), text))
    return level
