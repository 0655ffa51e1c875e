"""The module FilterContigs. This file is yours: it was written once.

The functions of the interface are declared in interface.py, which is written again
with each change of it.
"""

from __future__ import annotations

import dynsvc

import interface


class FilterContigs(interface.Functions):
    """The functions of the module."""

    def filter_contigs(
        self, ctx: dynsvc.Context, params: interface.FilterParams
    ) -> interface.FilterResults:
        """FilterContigs.filter_contigs. It needs a token.

        Removes contigs that are shorter than min_length.
        """
        raise dynsvc.CallError("filter_contigs is not written yet")

    def count_contigs(self, ctx: dynsvc.Context, fasta: str) -> int:
        """FilterContigs.count_contigs.

        The number of contigs.
        """
        raise dynsvc.CallError("count_contigs is not written yet")


service = dynsvc.Service("FilterContigs")
interface.register(service, FilterContigs())

if __name__ == "__main__":
    service.run()
