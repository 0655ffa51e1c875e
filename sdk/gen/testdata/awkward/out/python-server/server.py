"""The module Awkward. This file is yours: it was written once.

The functions of the interface are declared in interface.py, which is written again
with each change of it.
"""

from __future__ import annotations

import dynsvc

import interface


class Awkward(interface.Functions):
    """The functions of the module."""

    def run_x(self, ctx: dynsvc.Context, a: int) -> int:
        """Awkward.run_x."""
        raise dynsvc.CallError("run_x is not written yet")

    def x(self, ctx: dynsvc.Context, a: int) -> int:
        """Awkward.x."""
        raise dynsvc.CallError("x is not written yet")

    def submit_x(self, ctx: dynsvc.Context, a: int) -> int:
        """Awkward.submit_x."""
        raise dynsvc.CallError("submit_x is not written yet")

    def runX(self, ctx: dynsvc.Context, a: int) -> int:
        """Awkward.runX."""
        raise dynsvc.CallError("runX is not written yet")

    def X(self, ctx: dynsvc.Context, a: int) -> int:
        """Awkward.X."""
        raise dynsvc.CallError("X is not written yet")

    def then(self, ctx: dynsvc.Context) -> None:
        """Awkward.then."""
        raise dynsvc.CallError("then is not written yet")

    def constructor(self, ctx: dynsvc.Context) -> None:
        """Awkward.constructor."""
        raise dynsvc.CallError("constructor is not written yet")

    def toString(self, ctx: dynsvc.Context) -> None:
        """Awkward.toString."""
        raise dynsvc.CallError("toString is not written yet")

    def new(self, ctx: dynsvc.Context, new: int) -> int:
        """Awkward.new."""
        raise dynsvc.CallError("new is not written yet")

    def class_(
        self,
        ctx: dynsvc.Context,
        class_: int,
        fn: int,
        function: int,
        func: int,
        def_: int,
    ) -> int:
        """Awkward.class."""
        raise dynsvc.CallError("class is not written yet")

    def init(self, ctx: dynsvc.Context, init: int) -> None:
        """Awkward.init."""
        raise dynsvc.CallError("init is not written yet")

    def u__(
        self,
        ctx: dynsvc.Context,
        progress: int,
        timeout: int,
        cancel: int,
        options: int,
        opts: int,
        self_: int,
        this: int,
        call: int,
    ) -> None:
        """Awkward.u__."""
        raise dynsvc.CallError("u__ is not written yet")

    def same(
        self, ctx: dynsvc.Context, same_names: interface.same_names
    ) -> interface.same_names:
        """Awkward.same."""
        raise dynsvc.CallError("same is not written yet")

    def id(self, ctx: dynsvc.Context, id: interface.AwkwardId) -> interface.AwkwardId:
        """Awkward.id."""
        raise dynsvc.CallError("id is not written yet")

    def types(
        self,
        ctx: dynsvc.Context,
        type: interface.type,
        object: interface.AwkwardObject,
        boolean: interface.boolean,
        any: interface.any,
    ) -> interface.TypesResults:
        """Awkward.types."""
        raise dynsvc.CallError("types is not written yet")

    def deep(
        self,
        ctx: dynsvc.Context,
        deep: interface.AwkwardDeep,
        deeper: interface.deeper,
        lists: interface.lists,
        all: interface.all_optional,
    ) -> interface.DeepResults:
        """Awkward.deep."""
        raise dynsvc.CallError("deep is not written yet")

    def two(self, ctx: dynsvc.Context, arg_1: int, arg_2: int) -> int:
        """Awkward.two."""
        raise dynsvc.CallError("two is not written yet")

    def tuple_in_tuple(
        self, ctx: dynsvc.Context, arg_1: tuple[tuple[int]]
    ) -> interface.TupleInTupleResults:
        """Awkward.tuple_in_tuple."""
        raise dynsvc.CallError("tuple_in_tuple is not written yet")

    def a_function_with_a_rather_long_name(
        self,
        ctx: dynsvc.Context,
        a_parameter_with_a_long_name: interface.LongFields,
        long_one: interface.long,
    ) -> interface.AFunctionWithARatherLongNameResults:
        """Awkward.a_function_with_a_rather_long_name."""
        raise dynsvc.CallError("a_function_with_a_rather_long_name is not written yet")

    def status2(
        self, ctx: dynsvc.Context, status: interface.AwkwardStr
    ) -> interface.AwkwardStr:
        """Awkward.status2."""
        raise dynsvc.CallError("status2 is not written yet")

    def list_of(self, ctx: dynsvc.Context, tuple_of: int) -> int:
        """Awkward.list_of."""
        raise dynsvc.CallError("list_of is not written yet")

    def errors(
        self,
        ctx: dynsvc.Context,
        error: interface.error,
        context: interface.context,
        ctx_: interface.context,
        err: int,
        json: int,
    ) -> interface.ErrorsResults:
        """Awkward.errors."""
        raise dynsvc.CallError("errors is not written yet")


service = dynsvc.Service("Awkward")
interface.register(service, Awkward())

if __name__ == "__main__":
    service.run()
