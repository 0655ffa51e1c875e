"""The module Everything as an author writes it."""

from __future__ import annotations

from typing import Any

import dynsvc

import interface as i
from dynsvc import Context


class Author(i.Functions):
    def echo_record(self, ctx: Context, record: i.Record) -> i.Record:
        assert isinstance(record["region"], i.Region), record
        assert isinstance(record["pairs"][0], tuple), record
        return record

    def echo_words(self, ctx: Context, words: i.Words) -> i.Words:
        return words

    def echo_hard(self, ctx: Context, hard: i.Hard) -> i.Hard:
        return hard

    def echo_types(
        self, ctx: Context, client: i.Client, job: i.Job, words: i.String, things: i.List, error: i.Error
    ) -> i.EchoTypesResults:
        return i.EchoTypesResults(client, job, words, things, error)

    def echo_scalars(self, ctx: Context, i_: int, f: float, s: str, b: i.boolean) -> i.EchoScalarsResults:
        return i.EchoScalarsResults(i_, f, s, b)

    def echo_any(self, ctx: Context, value: Any) -> Any:
        return value

    def echo_lists(
        self, ctx: Context, strings: list[str], rows: list[list[int]], columns: dict[str, list[float]]
    ) -> i.EchoListsResults:
        return i.EchoListsResults(strings, rows, columns)

    def echo_rows(self, ctx: Context, rows: list[i.Row]) -> list[i.Row]:
        return [i.Row(row.e_1, row.e_2, row.class_, row.regions) for row in rows]

    def echo_tuple(self, ctx: Context, pair: tuple[str, i.Inner]) -> tuple[str, i.Inner]:
        assert isinstance(pair, tuple), pair
        return pair

    def echo_empty(self, ctx: Context, empty: i.Empty) -> i.Empty:
        return empty

    def echo_reference(self, ctx: Context, reference: i.Reference) -> i.Reference:
        return reference

    def count(self, ctx: Context) -> int:
        return 42

    def forget(self, ctx: Context, what: str) -> None:
        pass

    def nothing(self, ctx: Context) -> None:
        pass

    def unnamed(
        self, ctx: Context, arg_1: int, arg_2: int, arg_3: str, inner: i.Inner, arg_5: list[i.Inner]
    ) -> i.UnnamedResults:
        return i.UnnamedResults(arg_1 + arg_2, arg_3)

    def middle(self, ctx: Context, regions: list[i.Region]) -> i.Region:
        return regions[len(regions) // 2]

    def import_(self, ctx: Context, a: str, b: str, c: str, d: str, e: int) -> str:
        return a + b + c + d + str(e)

    def close(self, ctx: Context, a: str, b: str, c: str, d: str, e: str, f: str) -> str:
        return a + b + c + d + e + f

    def fail(self, ctx: Context, code: int, message: str) -> str:
        raise dynsvc.CallError(message, code)

    def whoami(self, ctx: Context) -> str:
        return ctx.token or ""

    def slow(self, ctx: Context, steps: int, how: str) -> i.Record:
        raise dynsvc.CallError("not here")

    def slow_pair(self, ctx: Context, steps: int) -> i.SlowPairResults:
        return i.SlowPairResults("done", steps)

    def slow_nothing(self, ctx: Context, steps: int) -> None:
        pass


service = dynsvc.Service("Everything")
i.register(service, Author())

if __name__ == "__main__":
    service.run()
