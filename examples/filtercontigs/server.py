"""FilterContigs: drops short contigs from an assembly.

The functions of the interface are declared in interface.py, which "dynsvc generate"
writes again with each change of it. This file and fasta.py are the author's.
"""

from __future__ import annotations

import dynsvc

import fasta
import interface


class FilterContigs(interface.Functions):
    """The functions of the module."""

    def filter_contigs(
        self, ctx: dynsvc.Context, params: interface.FilterContigsParams
    ) -> interface.FilterContigsResult:
        """FilterContigs.filter_contigs.

        Removes the contigs that are shorter than min_length.
        """
        # Large calls pass the gateway unchecked, so what is inside is checked here.
        text, least = params.get("fasta"), params.get("min_length")
        if not isinstance(text, str):
            raise dynsvc.InvalidParams("fasta must be a text")
        if isinstance(least, bool) or not isinstance(least, int) or least < 0:
            raise dynsvc.InvalidParams("min_length must be a whole number, 0 or more")
        try:
            result = fasta.filter_contigs(text, least)
        except fasta.NotFasta as error:
            raise dynsvc.InvalidParams("fasta is not FASTA text: %s" % error) from None
        ctx.log.info("filtered", contigs=result["n_initial_contigs"], removed=result["n_contigs_removed"])
        return result


service = dynsvc.Service("FilterContigs")
interface.register(service, FilterContigs())

if __name__ == "__main__":
    service.run()
