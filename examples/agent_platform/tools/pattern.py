"""Regular expressions of the caller's over one document; an unlucky pattern takes longer than anyone can wait."""

import re
from pathlib import Path
from typing import Any

from examples.agent_platform.tools.steps import Steps


class PatternTool:
    """Find what matches a pattern."""

    def __init__(self, state_dir: Path) -> None:
        """Read documents from the state folder's files."""
        self._files = state_dir / "files"

    def call(self, arguments: dict[str, Any], steps: Steps) -> dict[str, Any]:
        """Return how often `pattern` matches in `document`, and the first matches; raises re.error."""
        pattern = re.compile(str(arguments["pattern"]))
        with steps.step("read file", file_path=str(arguments["document"])):
            text = (self._files / Path(arguments["document"]).name).read_text(encoding="utf-8")
        with steps.step("match", regex_pattern=pattern.pattern) as attributes:
            found = [match.group(0) for match in pattern.finditer(text)]
            attributes["regex.matches"] = len(found)
        return {"matches": len(found), "first": found[:5]}
