"""Run with: python3 -m unittest"""

import gzip
import os
import random
import unittest

import dynsvc
import dynsvc.testing

import fasta
import server

HERE = os.path.dirname(os.path.abspath(__file__))
ASSEMBLY = os.path.join(HERE, "../../../shared/data/contigs/saureus-spades.fasta.gz")


class Served(unittest.TestCase):
    """A test that calls the module as the gateway does."""

    def setUp(self):
        self.client = dynsvc.testing.Client(server.service)
        self.addCleanup(self.client.close)

    def filtered(self, text, least):
        return self.client.call("filter_contigs", {"fasta": text, "min_length": least})


class Filtering(Served):
    def test_texts(self):
        cases = [
            # text, least, initial, removed, bases, result
            ("", 10, 0, 0, 0, ""),
            ("\n \r\n", 10, 0, 0, 0, ""),
            (">a\nACGT\n", 4, 1, 0, 4, ">a\nACGT\n"),
            (">a\nACGT", 5, 1, 1, 0, ""),
            (">a one\nAC\nGT\n>b\nA\n", 4, 2, 1, 4, ">a one\nACGT\n"),
            (">a\r\nAC\r\nGT\r\n\r\n>b\r\nacgtn\r\n", 4, 2, 0, 9, ">a\nACGT\n>b\nacgtn\n"),
            (">a\rACGT\r>b\rAC\r", 4, 2, 1, 4, ">a\nACGT\n"),
            ("\n\n>a\n\nAC GT\n\n\n", 4, 1, 0, 4, ">a\nACGT\n"),
            (">a\n>b\nACGT\n>c", 1, 3, 2, 4, ">b\nACGT\n"),
            (">a\n>b\nACGT\n", 0, 2, 0, 4, ">a\n>b\nACGT\n"),
            (">\nACGT\n", 1, 1, 0, 4, ">\nACGT\n"),
            ("\ufeff>a\nACGT\n", 1, 1, 0, 4, ">a\nACGT\n"),
            (">a > b\nAC-GT*\n", 1, 1, 0, 6, ">a > b\nAC-GT*\n"),
        ]
        for text, least, initial, removed, bases, result in cases:
            with self.subTest(text=text, least=least):
                self.assertEqual(self.filtered(text, least), {
                    "n_initial_contigs": initial, "n_contigs_removed": removed,
                    "n_contigs_remaining": initial - removed, "n_bases_remaining": bases, "fasta": result})

    def test_long_sequences_are_folded_and_read_back(self):
        text = ">a\n" + "ACGTN" * 100 + "\n"
        result = self.filtered(text, 1)
        self.assertEqual(max(map(len, result["fasta"].splitlines())), fasta.LINE)
        self.assertEqual(self.filtered(result["fasta"], 1), result)

    def test_not_fasta(self):
        for text in ["ACGT", "{}", "; old comment\nACGT", ">a\nAC1GT", ">a\nACGT\n  >b\nAC", "@read\nACGT\n+\n!!!!", ">a\n\u00e4"]:
            with self.subTest(text=text):
                with self.assertRaisesRegex(dynsvc.CallError, "not FASTA") as caught:
                    self.filtered(text, 1)
                self.assertEqual(caught.exception.code, -32602)

    def test_large_input_is_fast(self):
        text = "".join(">c%d\n%s\n" % (i, "\n".join(["ACGT" * 15] * 180)) for i in range(280))
        self.assertGreater(len(text), 3000000)
        result = self.filtered(text, 1)
        self.assertEqual(result["n_bases_remaining"], 280 * 180 * 60)
        self.assertEqual(result["fasta"], text)


    def test_an_assembly(self):
        """A real one where it is beside the project, else one that is made up."""
        if os.path.exists(ASSEMBLY):
            with gzip.open(ASSEMBLY, "rt", encoding="ascii") as file:
                text = file.read()
        else:
            rng = random.Random(1)
            text = "".join(">c%d\n%s\n" % (i, "ACGT" * rng.randrange(1, 2000)) for i in range(300))
        lengths = []
        for line in text.splitlines():
            if line.startswith(">"):
                lengths.append(0)
            else:
                lengths[-1] += len(line.strip())
        kept = [length for length in lengths if length >= 1000]
        result = self.filtered(text, 1000)
        self.assertEqual(
            (result["n_initial_contigs"], result["n_contigs_remaining"], result["n_bases_remaining"]),
            (len(lengths), len(kept), sum(kept)))
        self.assertTrue(0 < len(kept) < len(lengths))


class Parameters(Served):
    def test_what_does_not_fit(self):
        good = {"fasta": "", "min_length": 1}
        for params, text in [
                ([], "params"), ([good, good], "params"), (["x"], "params"),
                ([{}], "fasta must be"), ([{"fasta": 3, "min_length": 1}], "fasta must be"),
                ([{"fasta": ""}], "min_length must be"), ([{"fasta": "", "min_length": "5"}], "min_length must be"),
                ([{"fasta": "", "min_length": True}], "min_length must be"),
                ([{"fasta": "", "min_length": -1}], "min_length must be"),
                ([{"fasta": "", "min_length": 1.5}], "min_length must be")]:
            with self.subTest(params=params):
                with self.assertRaisesRegex(dynsvc.CallError, text) as caught:
                    self.client.call("filter_contigs", *params)
                self.assertEqual(caught.exception.code, -32602)

    def test_status(self):
        self.assertEqual(self.client.status()["state"], "OK")


if __name__ == "__main__":
    unittest.main()
