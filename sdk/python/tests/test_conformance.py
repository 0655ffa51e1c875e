"""The table that every runtime passes."""

import importlib.util
import json
import pathlib
import unittest

import dynsvc.testing

from . import conformance

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "conformance"


class TestConformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        spec = importlib.util.spec_from_file_location("echo", FOLDER / "echo.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        cls.client = dynsvc.testing.Client(module.service)
        cls.addClassCleanup(cls.client.close)

    def test_cases(self):
        cases = json.loads((FOLDER / "cases.json").read_text("utf-8"))
        self.assertGreater(len(cases), 200)
        for case in cases:
            with self.subTest(case["name"]):
                self.assertEqual(list(conformance.faults(self.client.port, case)), [])
