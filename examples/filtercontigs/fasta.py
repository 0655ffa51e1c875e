"""Reading, filtering and writing FASTA text."""

import re

LINE = 60  # letters a line in what is written

_SEQUENCE = re.compile(r"[A-Za-z*.\-]*")


class NotFasta(ValueError):
    """The text is not FASTA; the message says where and why."""


def records(text):
    """Yields (header, sequence) of each record, the header without its ">"."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff \t\n")
    if not text:
        return
    if not text.startswith(">"):
        first = text.split("\n", 1)[0][:40]
        raise NotFasta('a FASTA text begins with a line that starts with ">", not with %r' % first)
    for number, record in enumerate(("\n" + text).split("\n>")[1:], 1):
        header, _, body = record.partition("\n")
        sequence = "".join(body.split())
        good = _SEQUENCE.match(sequence).end()
        if good < len(sequence):
            raise NotFasta("the sequence of record %d (%s) has the character %r, which is no letter"
                           % (number, header[:40].strip(), sequence[good]))
        yield header.strip(), sequence


def filter_contigs(text, min_length):
    """Drops the records with fewer than min_length letters and counts."""
    initial = remaining = bases = 0
    kept = []
    for header, sequence in records(text):
        initial += 1
        if len(sequence) < min_length:
            continue
        remaining += 1
        bases += len(sequence)
        kept.append(">" + header)
        kept.extend(sequence[i:i + LINE] for i in range(0, len(sequence), LINE))
    return {
        "n_initial_contigs": initial,
        "n_contigs_removed": initial - remaining,
        "n_contigs_remaining": remaining,
        "n_bases_remaining": bases,
        "fasta": "\n".join(kept) + "\n" if kept else "",
    }
