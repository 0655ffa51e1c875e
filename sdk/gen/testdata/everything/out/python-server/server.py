"""The module Everything. This file is yours: it was written once.

The functions of the interface are declared in interface.py, which is written again
with each change of it.
"""

from __future__ import annotations

from typing import Any

import dynsvc

import interface


class Everything(interface.Functions):
    """The functions of the module."""

    def echo_record(
        self, ctx: dynsvc.Context, record: interface.Record
    ) -> interface.Record:
        """Everything.echo_record.

        Gives back what it gets.
        """
        raise dynsvc.CallError("echo_record is not written yet")

    def echo_words(
        self, ctx: dynsvc.Context, words: interface.Words
    ) -> interface.Words:
        """Everything.echo_words."""
        raise dynsvc.CallError("echo_words is not written yet")

    def echo_hard(self, ctx: dynsvc.Context, hard: interface.Hard) -> interface.Hard:
        """Everything.echo_hard."""
        raise dynsvc.CallError("echo_hard is not written yet")

    def echo_types(
        self,
        ctx: dynsvc.Context,
        client: interface.Client,
        job: interface.Job,
        words: interface.String,
        things: interface.List,
        error: interface.Error,
    ) -> interface.EchoTypesResults:
        """Everything.echo_types."""
        raise dynsvc.CallError("echo_types is not written yet")

    def echo_scalars(
        self, ctx: dynsvc.Context, i: int, f: float, s: str, b: interface.boolean
    ) -> interface.EchoScalarsResults:
        """Everything.echo_scalars."""
        raise dynsvc.CallError("echo_scalars is not written yet")

    def echo_any(self, ctx: dynsvc.Context, value: Any) -> Any:
        """Everything.echo_any."""
        raise dynsvc.CallError("echo_any is not written yet")

    def echo_lists(
        self,
        ctx: dynsvc.Context,
        strings: list[str],
        rows: list[list[int]],
        columns: dict[str, list[float]],
    ) -> interface.EchoListsResults:
        """Everything.echo_lists."""
        raise dynsvc.CallError("echo_lists is not written yet")

    def echo_rows(
        self, ctx: dynsvc.Context, rows: list[interface.Row]
    ) -> list[interface.Row]:
        """Everything.echo_rows."""
        raise dynsvc.CallError("echo_rows is not written yet")

    def echo_tuple(
        self, ctx: dynsvc.Context, pair: tuple[str, interface.Inner]
    ) -> tuple[str, interface.Inner]:
        """Everything.echo_tuple."""
        raise dynsvc.CallError("echo_tuple is not written yet")

    def echo_empty(
        self, ctx: dynsvc.Context, Empty: interface.Empty
    ) -> interface.Empty:
        """Everything.echo_empty."""
        raise dynsvc.CallError("echo_empty is not written yet")

    def echo_reference(
        self, ctx: dynsvc.Context, Reference: interface.Reference
    ) -> interface.Reference:
        """Everything.echo_reference."""
        raise dynsvc.CallError("echo_reference is not written yet")

    def count(self, ctx: dynsvc.Context) -> int:
        """Everything.count.

        Takes nothing, gives one.
        """
        raise dynsvc.CallError("count is not written yet")

    def forget(self, ctx: dynsvc.Context, what: str) -> None:
        """Everything.forget.

        Takes one, gives nothing.
        """
        raise dynsvc.CallError("forget is not written yet")

    def nothing(self, ctx: dynsvc.Context) -> None:
        """Everything.nothing.

        Neither takes nor gives.
        """
        raise dynsvc.CallError("nothing is not written yet")

    def unnamed(
        self,
        ctx: dynsvc.Context,
        arg_1: int,
        arg_2: int,
        arg_3: str,
        Inner: interface.Inner,
        arg_5: list[interface.Inner],
    ) -> interface.UnnamedResults:
        """Everything.unnamed.

        Equal types without names.
        """
        raise dynsvc.CallError("unnamed is not written yet")

    def middle(
        self, ctx: dynsvc.Context, regions: list[interface.Region]
    ) -> interface.Region:
        """Everything.middle.

        A region in the middle.

        Deprecated: use echo_rows.
        """
        raise dynsvc.CallError("middle is not written yet")

    def import_(
        self,
        ctx: dynsvc.Context,
        class_: str,
        self_: str,
        this: str,
        from_: str,
        async_: int,
    ) -> str:
        """Everything.import.

        Names that are taken in some language.
        """
        raise dynsvc.CallError("import is not written yet")

    def close(
        self,
        ctx: dynsvc.Context,
        url: str,
        token: str,
        options: str,
        callback: str,
        ctx_: str,
        client: str,
    ) -> str:
        """Everything.close.

        Called as clients call what they have themselves.
        """
        raise dynsvc.CallError("close is not written yet")

    def fail(self, ctx: dynsvc.Context, code: int, message: str) -> str:
        """Everything.fail.

        Fails as the caller says.
        """
        raise dynsvc.CallError("fail is not written yet")

    def whoami(self, ctx: dynsvc.Context) -> str:
        """Everything.whoami. It needs a token.

        Only for those who are known.
        """
        raise dynsvc.CallError("whoami is not written yet")

    def slow(self, ctx: dynsvc.Context, steps: int, how: str) -> interface.Record:
        """Everything.slow.

        Takes a while, and says how far it is.
        """
        raise dynsvc.CallError("slow is not written yet")

    def slow_pair(self, ctx: dynsvc.Context, steps: int) -> interface.SlowPairResults:
        """Everything.slow_pair."""
        raise dynsvc.CallError("slow_pair is not written yet")

    def slow_nothing(self, ctx: dynsvc.Context, steps: int) -> None:
        """Everything.slow_nothing."""
        raise dynsvc.CallError("slow_nothing is not written yet")


service = dynsvc.Service("Everything")
interface.register(service, Everything())

if __name__ == "__main__":
    service.run()
