"""The service that an author writes: functions become methods, and run() serves them."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from typing import Any, Callable, Dict, Mapping, NoReturn, Optional, TypeVar, Union, overload

from . import environment
from .dispatch import Dispatcher
from .environment import Environment, Misconfigured
from .errors import REFUSED, CallError
from .log import Log, adopt
from .method import Method
from .server import Server, listen

Function = TypeVar("Function", bound=Callable[..., Any])
Health = Callable[[], Union[None, bool, str]]
Status = Callable[[], Mapping[str, Any]]

_STOPS = (signal.SIGTERM, signal.SIGINT)
_NAME = re.compile(r"[A-Za-z0-9_]{1,63}")


class Service:
    """A module as a program.

        service = dynsvc.Service("FilterContigs")

        @service.method
        def count(fasta: str) -> int:
            return fasta.count(">")

        if __name__ == "__main__":
            service.run()

    ``name`` is the module's name. ``version``, ``git_url`` and ``git_commit_hash`` are for the
    status; what is left out comes from the registration. ``health_path`` is the one in the
    manifest. Beyond ``max_calls`` at once the service says that it is full; a body may have
    ``max_body`` bytes.
    """

    def __init__(self, name: str, *, version: str = "", git_url: str = "", git_commit_hash: str = "",
                 health_path: str = "/", max_calls: int = 1000, max_body: int = 256 << 20) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError("the name of a module has 1 to 63 of A-Z, a-z, 0-9 and _, not %r" % name)
        if not health_path.startswith("/"):
            raise ValueError('health_path must begin with "/", not %r' % health_path)
        if max_calls < 1 or max_body < 1:
            raise ValueError("max_calls and max_body must be 1 or more")
        self.name = name
        self._identity = {"version": version, "git_url": git_url, "git_commit_hash": git_commit_hash}
        self._health_path = health_path
        self._max_calls = max_calls
        self._max_body = max_body
        self._methods: Dict[str, Method] = {}
        self._status: Optional[Status] = None
        self._health: Optional[Health] = None

    @overload
    def method(self, function: Function) -> Function: ...

    @overload
    def method(self, *, name: str) -> Callable[[Function], Function]: ...

    def method(self, function: Optional[Function] = None, *, name: Optional[str] = None) -> Any:
        """Makes a function callable under its own name, or another.

            @service.method
            def filter_contigs(ctx: dynsvc.Context, params: dict) -> dict: ...

            @service.method(name="import")
            def import_(text: str) -> None: ...

        The call's parameters become the function's, by position (or by name, in JSON-RPC 2.0);
        those with a default may be left out. A parameter that is annotated with str, int,
        float, bool, list or dict (or Optional of these) takes nothing else. A first parameter
        annotated with dynsvc.Context is the context of the call.

        What the function returns is the call's result; a tuple is several values. It must be
        made of what JSON has. The function stays as it was, so it can be tested directly.
        """
        def add(given: Function) -> Function:
            return self._add(given, name or given.__name__)

        return add if function is None else add(function)

    def _add(self, function: Function, name: str) -> Function:
        if not _NAME.fullmatch(name):
            raise ValueError("the name of a method has 1 to 63 of A-Z, a-z, 0-9 and _, not %r" % name)
        full = "%s.%s" % (self.name, name)
        if name == "status":
            raise ValueError("%s is always there; use @service.status to add to it" % full)
        if full in self._methods:
            raise ValueError("%s is defined twice" % full)
        self._methods[full] = Method(full, function)
        return function

    def status(self, function: Status) -> Status:
        """Adds what a function returns to Module.status.

            @service.status
            def status() -> dict:
                return {"genomes": len(genomes), "state": "OK" if genomes else "DEGRADED"}
        """
        if self._status is not None:
            raise ValueError("@service.status stands twice; return one object with everything")
        self._status = function
        return function

    def health(self, function: Health) -> Health:
        """Asks a function whether calls are welcome: True or None, else False or the reason.

            @service.health
            def health() -> Union[bool, str]:
                return True if index.loaded else "the index is being loaded"
        """
        if self._health is not None:
            raise ValueError("@service.health stands twice; let one function ask all")
        self._health = function
        return function

    @staticmethod
    def call_error(message: str, code: int = REFUSED, details: str = "") -> CallError:
        """An error whose message is for the caller: ``raise service.call_error("no contigs")``."""
        return CallError(message, code, details)

    def run(self) -> NoReturn:
        """Serves until SIGTERM or SIGINT, finishes what is in flight, and ends the program."""
        try:
            env = environment.read()
            self._check(env)
            log = Log(env.log_level, fields={key: value for key, value in (
                ("service", env.service), ("alloc", env.alloc)) if value})
            adopt(log)
            wait = _signals()
            server = self._serve(env, log)
        except (Misconfigured, OSError) as error:
            print("%s: %s" % (self.name, error), file=sys.stderr, flush=True)
            sys.exit(1)
        log.info("listening", addr="%s:%d" % (server.host, server.port), module=self.name)
        log.info("stopping", signal=wait())
        threading.Thread(target=_at_once, args=(wait,), daemon=True).start()
        cut = server.stop(env.stop_grace)
        if cut:
            log.warn("calls cut", calls=cut, grace="%gs" % env.stop_grace)
        log.info("stopped")
        _end(1 if cut else 0)

    def _check(self, env: Environment) -> None:
        if env.module and env.module != self.name:
            raise Misconfigured("the module is registered as %s, but the program says Service(%r): make them equal"
                                % (env.module, self.name))

    def _serve(self, env: Environment, log: Log) -> Server:
        told = {"version": env.version, "git_url": env.git_url, "git_commit_hash": env.git_commit_hash}
        identity = {key: value or told[key] for key, value in self._identity.items()}
        dispatcher = Dispatcher(self.name, self._methods, identity, self._status, self._health,
                                self._health_path, self._max_calls, self._max_body, log)
        return listen(dispatcher, env.host, env.port, log)


def _signals() -> Callable[[], str]:
    """Returns a function that waits for the next signal to stop.

    The interpreter writes the number itself, at once. A handler in Python would have to
    wait until the main thread runs again, which may just be about to wait.
    """
    if threading.current_thread() is not threading.main_thread():
        raise Misconfigured("service.run() must be called in the main thread, which gets the signals")
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    for number in _STOPS:
        signal.signal(number, lambda _number, _frame: None)

    def wait() -> str:
        while True:
            number = os.read(ours, 1)[0]
            if number in _STOPS:  # the author may handle others
                return signal.Signals(number).name

    return wait


def _at_once(wait: Callable[[], str]) -> None:
    wait()
    _end(1)


def _end(code: int) -> NoReturn:
    """Ends the program whatever threads of the author still run."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(code)
