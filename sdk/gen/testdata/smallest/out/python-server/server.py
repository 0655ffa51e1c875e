"""The module Smallest. This file is yours: it was written once.

The functions of the interface are declared in interface.py, which is written again
with each change of it.
"""

from __future__ import annotations

import dynsvc

import interface


class Smallest(interface.Functions):
    """The functions of the module."""


service = dynsvc.Service("Smallest")
interface.register(service, Smallest())

if __name__ == "__main__":
    service.run()
