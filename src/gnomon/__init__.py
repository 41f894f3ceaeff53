"""Gnomon: observability for systems of AI agents and task workers."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("gnomon")
