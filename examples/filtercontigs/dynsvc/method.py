"""A function as callers see it: its parameters, and whether given ones fit."""

from __future__ import annotations

import inspect
import typing
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from .context import Context
from .envelope import Params
from .errors import InvalidParams

_MISSING = inspect.Parameter.empty
_KINDS: Dict[Any, str] = {
    str: "a string", int: "a whole number", float: "a number",
    bool: "true or false", list: "a list", dict: "an object",
}
_UNIONS = (Union, getattr(__import__("types"), "UnionType", Union))  # X | Y since Python 3.10


class Parameter:
    """One parameter: its name, whether it may be left out, and its kind."""

    __slots__ = ("name", "default", "kind", "nullable")

    def __init__(self, name: str, default: Any, annotation: Any) -> None:
        self.name = name
        self.default = default
        self.kind, nullable = _simple(annotation)
        self.nullable = nullable or default is None

    @property
    def required(self) -> bool:
        """Tells whether a call must give it."""
        return self.default is _MISSING

    def fit(self, value: Any, method: str) -> Any:
        """Returns value as the function takes it; raises InvalidParams."""
        kind = self.kind
        if kind is None or type(value) is kind or value is None and self.nullable:
            return value
        if kind is float and type(value) is int:
            try:
                return float(value)
            except OverflowError:
                raise InvalidParams("%s of %s is too large for a number" % (self.name, method)) from None
        if kind is int and type(value) is float and value.is_integer():
            return int(value)
        raise InvalidParams("%s of %s must be %s, not %s" % (self.name, method, _KINDS[kind], said(value)))


class Method:
    """A function that can be called by name."""

    __slots__ = ("name", "function", "parameters", "rest", "takes_context", "_void", "_checked", "_fewest")

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name  # Module.name
        self.function = function
        self.parameters: List[Parameter] = []
        self.rest = False
        self.takes_context = False
        if inspect.iscoroutinefunction(function):
            raise TypeError("%s is async: write it with a plain def, every call has a thread of its own" % name)
        hints = _hints(function)
        for number, given in enumerate(inspect.signature(function).parameters.values()):
            annotation = hints.get(given.name, given.annotation)
            if number == 0 and _is_context(annotation):
                self.takes_context = True
            elif given.kind is given.VAR_POSITIONAL:
                self.rest = True
            elif given.kind in (given.POSITIONAL_ONLY, given.POSITIONAL_OR_KEYWORD):
                self.parameters.append(Parameter(given.name, given.default, annotation))
            else:
                raise TypeError("%s: the parameter %s cannot be given by position; a call's parameters are a list"
                                % (name, given.name))
        self._void = hints.get("return") in (None, type(None))  # or nothing is said of it
        self._fewest = sum(1 for p in self.parameters if p.required)
        self._checked = any(p.kind is not None for p in self.parameters)

    @property
    def signature(self) -> str:
        """The parameters as a caller reads them, e.g. "a, b = 2"."""
        names = [p.name if p.required else "%s (optional)" % p.name for p in self.parameters]
        return ", ".join(names + ["any more"] if self.rest else names) or "no parameters"

    def bind(self, params: Params) -> List[Any]:
        """Returns the function's arguments; raises InvalidParams."""
        if isinstance(params, dict):
            return self._by_name(params)
        given, most = len(params), len(self.parameters)
        if given < self._fewest:
            raise InvalidParams("%s is missing: %s takes %s" % (self.parameters[given].name, self.name, self.signature))
        if given > most and not self.rest:
            raise InvalidParams("%d parameters are too many: %s takes %s" % (given, self.name, self.signature))
        if not self._checked:
            return params
        fitted = [p.fit(value, self.name) for p, value in zip(self.parameters, params)]
        return fitted + params[most:] if given > most else fitted

    def _by_name(self, params: Dict[str, Any]) -> List[Any]:
        known = {p.name for p in self.parameters}
        for name in params:
            if name not in known:
                raise InvalidParams("%s is no parameter: %s takes %s" % (name, self.name, self.signature))
        arguments: List[Any] = []
        for p in self.parameters:
            if p.name in params:
                arguments.append(p.fit(params[p.name], self.name))
            elif p.required:
                raise InvalidParams("%s is missing: %s takes %s" % (p.name, self.name, self.signature))
            else:
                arguments.append(p.default)
        return arguments

    def values(self, returned: Any) -> Optional[List[Any]]:
        """What the function returned as the list that a result is."""
        if returned is None and self._void:
            return None
        if type(returned) is tuple:
            return [*returned]  # pyright: ignore[reportUnknownArgumentType]
        return [returned]


def said(value: object) -> str:
    """The kind of a JSON value in words."""
    return "null" if value is None else _KINDS.get(type(value), "something else")


def _hints(function: Callable[..., Any]) -> Dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except Exception:  # pylint: disable=broad-except  # names that exist only for a type checker
        return dict(getattr(function, "__annotations__", {}))


def _is_context(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.split(".")[-1] == "Context"
    return isinstance(annotation, type) and issubclass(annotation, Context)


def _simple(annotation: Any) -> Tuple[Optional[type], bool]:
    """The outermost kind that an annotation asks for, None: any; and whether it lets null pass."""
    origin = typing.get_origin(annotation)
    if origin in _UNIONS:
        options = typing.get_args(annotation)
        others = [option for option in options if option is not type(None)]
        kind = _simple(others[0])[0] if len(others) == 1 else None
        return kind, len(others) < len(options)
    plain = origin if isinstance(origin, type) else annotation
    if plain in _KINDS:
        return plain, False
    if typing.is_typeddict(annotation) if hasattr(typing, "is_typeddict") else hasattr(annotation, "__total__"):
        return dict, False
    return None, True
