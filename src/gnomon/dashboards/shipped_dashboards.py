"""Dashboards that come with Gnomon: files in the package, read once, never changed."""

from functools import cache
from pathlib import Path

import yaml

from gnomon.dashboards.documents import Dashboard, read_dashboard

DIRECTORY = Path(__file__).parent / "shipped"


@cache
def load_shipped_dashboards() -> dict[str, Dashboard]:
    """Return the shipped dashboards by their id, which is the file's name."""
    return {
        path.stem: read_dashboard(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(DIRECTORY.glob("*.yaml"))
    }
