"""Build the UI into the wheel."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class UIBuildHook(BuildHookInterface[Any]):
    """Run `npm ci` and `npm run build` in `ui/`, which leaves the bundles in `src/gnomon/web/static/`.

    An editable install leaves them alone unless GNOMON_BUILD_UI=1 asks for them: `make ui` builds them there.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 (the signature is Hatch's)
        """Build the bundles; raises RuntimeError when npm is missing or the build leaves no page."""
        if self.target_name != "wheel":
            return
        if version == "editable" and os.environ.get("GNOMON_BUILD_UI") != "1":
            return
        ui = Path(self.root, "ui")
        npm = shutil.which("npm")
        if npm is None:
            message = "npm is missing, and the wheel carries the UI. Install Node.js 20 or newer and build again."
            raise RuntimeError(message)
        for command in (["ci"], ["run", "build"]):
            subprocess.run([npm, *command], cwd=ui, check=True)
        page = Path(self.root, "src", "gnomon", "web", "static", "index.html")
        if not page.is_file():
            message = f"`npm run build` left no {page.relative_to(self.root)}. See the output above."
            raise RuntimeError(message)
