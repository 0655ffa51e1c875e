"""The version of this package, which is that of dynsvc."""

__version__ = "0.1.0.dev0"
