"""Gnomon, imported so that processes can be forked off: all but the engine, which begins threads at once."""

import pkgutil
from importlib import import_module

import gnomon

# These import the engine.
_LEFT_OUT = {"gnomon.__main__", "gnomon.cli", "gnomon.doctor", "gnomon.server", "gnomon.storage.embedded"}

for _module in pkgutil.walk_packages(gnomon.__path__, "gnomon."):
    # Scripts of Alembic run in its own surroundings only.
    if _module.name not in _LEFT_OUT and not _module.name.startswith("gnomon.storage.state_migrations."):
        import_module(_module.name)
for _name in ("pandas", "rich.console", "rich.progress", "rich.table", "typer", "uvloop"):
    import_module(_name)
